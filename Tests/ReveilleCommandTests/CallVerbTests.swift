import ArgumentParser
import GatewayClient
import GatewayProtocol
import ReveilleConfiguration
import RunStates
import Testing
import WakeCore

@testable import ReveilleCommand

@Suite("reveille call")
struct CallVerbTests {
    @Test("goes where it is told, else to the daemon's own socket where it is")
    func places() throws {
        let system = Surroundings(variables: [:], userID: 0)
        let person = Surroundings(variables: ["XDG_RUNTIME_DIR": "/run/user/1000"], userID: 1_000)
        let told = Surroundings(variables: ["REVEILLE_CONTROL_SOCKET": "/x/s"], userID: 1_000)
        #expect(try CallPlace.find("unix:/a/b", in: told) { _ in true } == .unix(path: "/a/b"))
        #expect(try CallPlace.find("unix:///a/b", in: told) { _ in true } == .unix(path: "/a/b"))
        #expect(try CallPlace.find("wss://gateway/x", in: told) { _ in true } == .web("wss://gateway/x"))
        #expect(try CallPlace.find(nil, in: told) { _ in false } == .unix(path: "/x/s"))
        #expect(try CallPlace.find(nil, in: system) { _ in true } == .unix(path: "/run/reveille/control.sock"))
        #expect(try CallPlace.find(nil, in: person) { _ in true } == .unix(path: "/run/user/1000/reveille/control.sock"))
        #expect(try CallPlace.find(nil, in: person) { _ in false } == .web("ws://127.0.0.1:18790"))
        for url in ["http://x", "unix:a", "", "/run/x"] {
            #expect(throws: Complaint.self) { try CallPlace.find(url, in: told) { _ in true } }
        }
    }

    @Test("reads its params as JSON5, and keeps the long ids of Discord whole")
    func params() throws {
        #expect(try CallParams.read(nil) == nil)
        #expect(
            try CallParams.read("{to: 'x', n: 1234567890123456789, deep: [true, null, 1.5, 0x10], /* why */}")
                == ["to": "x", "n": 1_234_567_890_123_456_789, "deep": [true, nil, .number(1.5), 16]])
        for text in ["", "[1]", "{a: 1, a: 2}", "{a: Infinity}", "{a", "7"] {
            do {
                _ = try CallParams.read(text)
                Issue.record("taken: \(text)")
            } catch let complaint as Complaint { #expect(complaint.code == 64 && complaint.text.contains("Try:")) }
        }
    }

    @Test("--once makes a key for this call alone, and not beside a key that is named")
    func once() throws {
        let keys = try (0..<100).map { _ in
            try #require(try CallVerb.parse(["send", "--once"]).options().idempotencyKey)
        }
        #expect(Set(keys).count == 100 && keys.allSatisfy { $0.hasPrefix("once-") && $0.utf8.count <= 256 })
        let (plain, named) = (try CallVerb.parse(["send"]), try CallVerb.parse(["send", "--idempotency-key", "k"]))
        let (both, patient) = (
            try CallVerb.parse(["send", "--once", "--idempotency-key", "k"]), try CallVerb.parse(["agent", "--expect-final"])
        )
        #expect(throws: Complaint.self) { try both.options() }
        let options = try (plain: plain.options(), named: named.options(), patient: patient.options())
        #expect(options.plain.idempotencyKey == nil && options.named.idempotencyKey == "k")
        #expect(!options.plain.expectsFinal && options.patient.expectsFinal)
    }

    @Test(
        "each kind of failure has its exit code",
        arguments: [
            (GatewayError.Code.invalidRequest, Complaint.Code.usage), (.unavailable, .unavailable), (.unreachable, .unavailable),
            (.failed, .unavailable), (.unclear, .tryLater), (.protocolMismatch, .remoteProtocol), (.denied, .permission),
        ] as [(GatewayError.Code, Complaint.Code)])
    func codes(code: GatewayError.Code, status: Complaint.Code) {
        let complaint = Complaint(GatewayError(code, "what", cause: "why", hint: "do"))
        #expect(complaint.code == status.rawValue && complaint.text == "Error: what: why\nTry: do")
    }

    @Test("what people see is indented, and draws nothing on their terminal")
    func pretty() {
        let value: JSONValue = ["a": [1, ["b": [:]]], "c": "x\u{9B}31m\u{202E}"]
        #expect(
            PrettyJSON.text(value)
                == "{\n  \"a\": [\n    1,\n    {\n      \"b\": {}\n    }\n  ],\n  \"c\": \"x\\u009b31m\\u202e\"\n}")
    }
}
