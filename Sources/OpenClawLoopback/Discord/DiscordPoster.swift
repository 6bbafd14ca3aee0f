import Foundation
import NIOHTTP1

/// Posts messages at Discord as the bot.
struct DiscordPoster: Sendable {
    /// Why nothing was posted.
    struct Failure: Error {
        let why: String
        /// The target is no target at all.
        var isBadTarget = false
    }

    struct Posted: Sendable {
        let message: String
        let channel: String
    }

    /// The most characters of one message; longer texts are sent as several.
    static let contentCharacters = 2_000
    /// How often a request is made that is told to wait.
    static let attempts = 3

    private let base: URLComponents?
    private let headers: HTTPHeaders

    init(_ options: OpenClawOptions) throws(OpenClawLoopbackError) {
        headers = [
            "Authorization": "Bot \(options.discordToken)", "Content-Type": "application/json",
            "User-Agent": "DiscordBot (https://openclaw.invalid, \(options.generation.version))",
        ]
        base = options.discordAPI.flatMap { URLComponents(string: $0) }
        if let address = options.discordAPI, base?.scheme != "http" || base?.host?.isEmpty != false {
            throw OpenClawLoopbackError(
                .badOption, "The Discord API '\(address)' is no http:// address",
                hint: "Give the base of a local Discord, such as http://127.0.0.1:4711/api/v10.")
        }
    }

    /// Posts a text to `channel:ID` or `user:ID`; a bare id is a channel.
    ///
    /// - Returns: the ids of the channel and of the first message.
    func post(_ text: String, to target: String) async throws(Failure) -> Posted {
        let channel = try await channel(of: target)
        var first: String?
        for piece in Self.pieces(of: text) {
            let message = try await request("/channels/\(channel)/messages", ["content": .string(piece)])
            first = first ?? message
        }
        guard let first else { throw Failure(why: "the text is empty", isBadTarget: true) }
        return Posted(message: first, channel: channel)
    }

    private func channel(of target: String) async throws(Failure) -> String {
        let parts = target.split(separator: ":", maxSplits: 1).map(String.init)
        let id = parts.last ?? ""
        guard !id.isEmpty, id.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            parts.count == 1 || ["channel", "user"].contains(parts[0])
        else { throw Failure(why: "'\(target)' is no Discord target (channel:ID or user:ID)", isBadTarget: true) }
        return parts[0] == "user" ? try await request("/users/@me/channels", ["recipient_id": .string(id)]) : id
    }

    /// Posts, waiting where Discord says so; the answer's `id`.
    private func request(_ path: String, _ body: JSON) async throws(Failure) -> String {
        guard let base, let host = base.host else { throw Failure(why: "no Discord is configured") }
        let call = HTTPCall(host: host, port: base.port ?? 80, path: base.path + path, headers: headers, body: body.text)
        var answer: HTTPCall.Answer?
        for attempt in 1...Self.attempts {
            do { answer = try await call.post() } catch { throw Failure(why: "Discord did not answer: \(error)") }
            guard answer?.status == 429, attempt < Self.attempts else { break }
            guard (try? await Task.sleep(for: Self.pause(answer))) != nil else { throw Failure(why: "cut off while it waited") }
        }
        guard let answer, (200...299).contains(answer.status), let id = JSON(parsing: answer.body)?["id"]?.filled else {
            throw Failure(why: "Discord answered \(answer?.status ?? 0): \(answer?.body.prefix(200) ?? "")")
        }
        return id
    }

    /// How long Discord wants us to wait: 1 s where it does not say.
    private static func pause(_ answer: HTTPCall.Answer?) -> Duration {
        switch JSON(parsing: answer?.body ?? "")?["retry_after"] {
        case .double(let seconds): .seconds(seconds)
        case .int(let seconds): .seconds(seconds)
        default: .seconds(1)
        }
    }

    /// The text in pieces that fit.
    static func pieces(of text: String) -> [String] {
        var pieces: [String] = []
        var rest = Substring(text).unicodeScalars
        while !rest.isEmpty {
            pieces.append(String(rest.prefix(contentCharacters)))
            rest = rest.dropFirst(contentCharacters)
        }
        return pieces
    }
}
