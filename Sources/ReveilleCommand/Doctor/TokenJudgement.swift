import ReveilleConfiguration
import WakeService

/// Whether two programs use one bot token. Pure.
enum TokenJudgement {
    /// Who opens a session with a token.
    struct Holder {
        /// `discord:default`, or `gateway:main/discord:default`.
        var name: String
        var token: Secret
        /// What it takes to give it a token of its own.
        var fix: String
    }

    static func findings(_ holders: [Holder]) -> [Finding] {
        var byToken: [String: [Holder]] = [:]
        for holder in holders { byToken[holder.token.reveal(), default: []].append(holder) }
        return byToken.values.filter { $0.count > 1 }.map(shared).sorted { $0.subject < $1.subject }
    }

    private static func shared(_ holders: [Holder]) -> Finding {
        let names = holders.map(\.name).sorted()
        return Finding(
            .error, "token-shared", names[0], "\(names.joined(separator: " and ")) use one bot token",
            evidence: "their tokens are the same text",
            meaning:
                "Each gets part of what Discord sends, or each ends the other's session; the day's identifies run down, and when they "
                + "are used up Discord resets the token.",
            fix: "One program for each bot. " + (holders.sorted { $0.name < $1.name }.first?.fix ?? ""))
    }
}
