import Foundation
import Testing
import WakeCore

@testable import ReveilleConfiguration

@Suite("The control plane's settings")
struct ControlTests {
    private static let token = String(repeating: "t0ken-", count: 6)

    @Test("they are typed, and the socket is found beside the daemon's runtime files")
    func typed() throws {
        let scratch = try Scratch()
        let standard = try scratch.load("{}")
        #expect(standard.control.port == 18_790)
        #expect(standard.control.socketPath == nil)
        #expect(standard.control.tokenLocation == nil)
        #expect(standard.control.peers.isEmpty)
        #expect(standard.restarts.cooldown == .seconds(30))
        #expect(standard.restarts.loopStarts == 3)
        #expect(standard.restarts.loopWithin == .minutes(5))
        #expect(
            try scratch.load("{}", ["XDG_RUNTIME_DIR": "/run/user/7"]).control.socketPath == "/run/user/7/reveille/control.sock")
        let both = try scratch.load("{}", ["XDG_RUNTIME_DIR": "/run/user/7", "RUNTIME_DIRECTORY": "/run/reveille"])
        #expect(both.control.socketPath == "/run/reveille/control.sock")
        #expect(both.setting("control.socket")?.origin == .environment("RUNTIME_DIRECTORY"))
        let given = try scratch.load(
            """
            { control: { port: 0, socket: '/s', allowedOrigins: ['https://a.b'],
                peers: { '1000': { scopes: ['read', 'write'], sessions: ['agent:infra:*'] }, '7': { scopes: [] } } } }
            """)
        #expect(given.control.socketPath == "/s")
        #expect(given.control.allowedOrigins == ["https://a.b"])
        #expect(given.control.peers[1_000] == Configuration.Control.Peer(scopes: ["read", "write"], sessions: ["agent:infra:*"]))
        #expect(given.control.peers[1_000]?.mayUse(session: "agent:infra:main") == true)
        #expect(given.control.peers[1_000]?.mayUse(session: "agent:web:main") == false)
        #expect(given.control.peers[7]?.mayUse(session: "agent:web:main") == true)
        let problems = try scratch.problems(
            "{ control: { port: 65536, allowedOrigins: ['a.b/c'], peers: { root: {}, '1': { scopes: ['all'] } } } }")
        #expect(
            problems.map(\.path) == ["control.port", "control.allowedOrigins", "control.peers.root", "control.peers.1.scopes"])
    }

    @Test("its token comes from the environment, a file or a credential, in this order, and is never shown")
    func token() throws {
        let scratch = try Scratch()
        #expect(try load("{}", scratch) == nil)
        try scratch.write("credentials/control", Self.token + "C\n", mode: 0o440)
        let file = try scratch.write("token", Self.token + "F\n")
        let variables = ["CREDENTIALS_DIRECTORY": scratch.path + "/credentials"]
        #expect(try load("{}", scratch, variables) == Self.token + "C")
        let named = "{ control: { tokenFile: '\(file)' } }"
        #expect(try load(named, scratch, variables) == Self.token + "F")
        #expect(try load(named, scratch, ["REVEILLE_CONTROL_TOKEN": Self.token + "E"]) == Self.token + "E")
        #expect(try load("{ control: { tokenEnvironment: 'X' } }", scratch, ["X": Self.token + "X"]) == Self.token + "X")
        let shown = try scratch.load(named).setting("control.token")
        #expect(shown?.text == "(set)")
        #expect(shown?.origin == .file(path: file, position: nil))
        #expect(try scratch.problems("{ control: { tokenFile: '/a', tokenEnvironment: 'B' } }").map(\.code) == [.contradiction])
        let misplaced = try scratch.problems("{ control: { token: '\(Self.token)' } }")
        #expect(misplaced.map(\.code) == [.tokenMisplaced])
        #expect(misplaced[0].hint?.contains("control.tokenFile") == true)
    }

    @Test("a token that is too short, too long, of several lines or open to others is refused without a word of it")
    func badTokens() throws {
        let scratch = try Scratch()
        let cases: [(String, Int, ConfigurationProblem.Code)] = [
            (
                "short-of-sixteen"[..<"short-of-sixteen".index(before: "short-of-sixteen".endIndex)].description, 0o600,
                .tokenMalformed
            ),
            (String(repeating: "a", count: 4_097), 0o600, .tokenMalformed),
            ("secret-secret\nsecret-secret", 0o600, .tokenMalformed),
            ("secret with blanks in it", 0o600, .tokenMalformed), (Self.token, 0o644, .tokenExposed),
        ]
        for (text, mode, code) in cases {
            let file = try scratch.write("token", text, mode: mode)
            let problem = #expect(throws: ConfigurationProblem.self) {
                try load("{ control: { tokenFile: '\(file)' } }", scratch)
            }
            #expect(problem?.code == code)
            #expect(problem.map { "\($0)\($0.hint ?? "")".contains("secret") } == false)
        }
        let file = try scratch.write("token", String(repeating: "a", count: 4_096) + "\r\n")
        #expect(try load("{ control: { tokenFile: '\(file)' } }", scratch)?.count == 4_096)
        #expect(throws: ConfigurationProblem.self) { try load("{ control: { tokenFile: '/nowhere' } }", scratch) }
    }

    @Test("a plan says when it would take access away")
    func lockouts() throws {
        let scratch = try Scratch()
        let file = try scratch.write("token", Self.token)
        let store = try scratch.store(
            "{ control: { tokenFile: '\(file)', socket: '/s', peers: { '1000': { scopes: ['read', 'admin'] } } } }")
        func reasons(_ raw: String, _ caller: String? = nil) throws -> [String] {
            try store.planPatch(raw, replacePaths: ["control.peers.1000.scopes"], caller: caller).locksOut
        }
        #expect(try reasons("{ log: { level: 'debug' } }", "uid:1000").isEmpty)
        #expect(try reasons("{ control: { tokenFile: null } }") == ["the control token would be gone"])
        #expect(try reasons("{ control: { tokenFile: '/nowhere' } }").count == 1)
        #expect(try reasons("{ control: { socket: null } }") == ["the Unix socket would be gone"])
        #expect(try reasons("{ control: { socket: null, tokenFile: null } }").last == "no way in would be left")
        #expect(try reasons("{ control: { port: 0 } }", "token") == ["the daemon would not listen on a port any more"])
        #expect(try reasons("{ control: { port: 0 } }", "uid:1000").isEmpty)
        #expect(try reasons("{ control: { peers: null } }", "uid:1000") == ["the entry of user 1000, who asks, would be gone"])
        #expect(try reasons("{ control: { peers: null } }", "uid:7").isEmpty)
        let less = "{ control: { peers: { '1000': { scopes: ['read'] } } } }"
        #expect(try reasons(less, "uid:1000") == ["user 1000, who asks, would lose admin"])
    }

    private func load(_ text: String, _ scratch: Scratch, _ variables: [String: String] = [:]) throws -> String? {
        try ControlToken.load(for: scratch.load(text, variables), in: scratch.surroundings(variables))?.reveal()
    }
}
