import ArgumentParser
import Testing
import WakeTesting

@testable import ReveilleCommand

@Suite("The short cut through the command line reads what the full parser reads")
struct PlainLineTests {
    private static let write = ["sentinel", "write", "--session", "agent:a:b", "--note", "go on"]
    private static let restart = ["restart", "--session", "agent:a:b", "--note", "go on"]

    /// What the full parser makes of it; nil where it refuses, shows help, or it is another verb.
    private static func parsed(_ arguments: [String]) -> RequestOrder? {
        switch try? Reveille.parseAsRoot(arguments) {
        case let verb as SentinelWrite: verb.order
        case let verb as RestartVerb: verb.order
        default: nil
        }
    }

    @Test(
        "the plain form is read, and alike",
        arguments: [
            write, write + ["--json"], ["sentinel", "write", "--json", "--note", "é ⏎ 🚀 = \"x\"", "--session", "agent:a:b"],
            write + ["--to", "discord:default/channel:1", "--config", "/x/y", "--ledger", "folder"],
            write + ["--set", "a=b", "--set", "c=d", "--json"], restart, restart + ["--delay", "0s"],
            restart + ["--delay", "2s", "--json", "--", "systemctl", "restart", "--now", "nginx"],
            restart + ["--", "-x", "--", "--json", ""], ["restart", "--delay", "soon", "--note", "x", "--session", "nonsense"],
        ])
    func plain(_ arguments: [String]) throws {
        let order = try #require(PlainLine.read(arguments))
        #expect(order == Self.parsed(arguments))
    }

    @Test(
        "what is unusual is left to the full parser",
        arguments: [
            [], ["sentinel"], ["sentinel", "write"], ["sentinel", "list"], ["sentinel", "write", "--help"], ["help", "restart"],
            ["--version"], write + ["--help"], write + ["-h"], write + ["--version"], write + ["--jsno"], write + ["extra"],
            write + ["--to"], write + ["--json=yes"], write + ["--delay", "1s"], write + ["--", "true"], restart + ["--"],
            ["sentinel", "write", "--session", "agent:a:b", "--note", "-"],
            ["sentinel", "write", "--session", "agent:a:b", "--note", "- a list"],
            ["sentinel", "write", "--session", "", "--note", "x"], ["sentinel", "write", "--session", "agent:a:b"],
            ["restart", "--note", "x"], restart + ["--delay", "-1s"], restart + ["--delay=1s"], restart + ["--json", "--json"],
            restart + ["--note", "twice"], ["daemon"],
        ])
    func unusual(_ arguments: [String]) { #expect(PlainLine.read(arguments) == nil) }

    @Test("of many thousand lines put together at random, whatever the short cut reads is what the full parser reads")
    func random() {
        let words = [
            "sentinel", "write", "restart", "--session", "--note", "--to", "--config", "--set", "--ledger", "--delay", "--json",
            "--",
            "-", "", "x", "a b", "--help", "-x", "--note=x", "é", "--unknown", "list", "2s",
        ]
        let pairs = [["--session", "s"], ["--note", "n"], ["--to", "r"], ["--set", "k=v"], ["--delay", "1s"], ["--json"]]
        var dice = SplitMix(seed: 7)
        var read = 0
        for _ in 0..<3000 {
            var line = dice.percent(50) ? ["restart"] : ["sentinel", "write"]
            for _ in 0..<dice.below(7) { line += dice.percent(20) ? [dice.pick(words)] : dice.pick(pairs) }
            guard let order = PlainLine.read(line) else { continue }
            read += 1
            #expect(order == Self.parsed(line), "\(line)")
        }
        #expect(read > 50)
    }
}
