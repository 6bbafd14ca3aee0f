import Testing
import WakeCore

@testable import RunStates

@Suite("A run state")
struct RunStateTests {
    /// As an agent wrote it, with fields of its own.
    private static let written = """
        {"opId": "2026-03-07T16:53:00Z-config-patch", "goal": "new config", "mine": [1, 2.5], "plan": ["1) look", "2) patch", "3) check"],
         "nextStep": 2, "pending": true, "session": "agent:infra:discord:channel:900",
         "context": {"targetDiscord": "channel:901", "notes": "hash abc\\nsecond line", "port": 8080}, "progressLog": ["looked"]}
        """

    private static func state(_ text: String = written) throws -> RunState { try RunState(Array(text.utf8)) }

    @Test("what an agent wrote is read, and comes back with its own fields in their places")
    func read() throws {
        let state = try Self.state()
        #expect(state.operation == "2026-03-07T16:53:00Z-config-patch" && state.plan.count == 3 && state.nextStep == 2)
        #expect(state.session?.description == "agent:infra:discord:channel:900")
        #expect(state.route == Route("discord:default/channel:901"))
        let again = try RunState(state.bytes)
        #expect(again == state && again.document.members.map(\.key) == state.document.members.map(\.key))
        #expect(again.document["mine"] == [1, .number(2.5)] && again.context["port"] == 8080)
    }

    @Test("a step advances, logs, and changes the fingerprint; a note does not")
    func changes() throws {
        var state = try Self.state()
        let before = state.fingerprint
        state.note("def", as: "hash", at: "T")
        state.note("remember", as: nil, at: "T")
        #expect(state.fingerprint == before && state.context["hash"] == "def")
        #expect(state.context["notes"]?.string == "hash abc\nsecond line\nremember")
        try state.step(to: nil, "patched\nwell", at: "T1")
        #expect(state.nextStep == 3 && state.fingerprint != before && state.progressLog.last == "T1 step 2 done: patched well")
        try state.step(to: 1, at: "T2")
        #expect(state.nextStep == 1 && state.progressLog.last == "T2 back to step 1")
        try state.end("all well", isDone: true, at: "T3")
        #expect(!state.isPending && state.nextStep == 4 && state.work(path: "/f", writtenAt: 0) == nil)
        #expect(throws: RunStateError.self) { try state.step(at: "T4") }
    }

    @Test("notes that are kept in another shape keep it, and all that is in them")
    func notesOfOwnShape() throws {
        for (kept, then) in [
            (#"["a", "b"]"#, #"["a","b","c"]"#), (#"{"x": 1}"#, #"[{"x":1},"c"]"#), ("null", #""c""#), (#""""#, #""c""#),
            (#""a""#, #""a\nc""#),
        ] {
            var state = try RunState(
                Array(#"{"opId": "o", "pending": true, "session": "agent:a:main", "context": {"notes": \#(kept)}}"#.utf8))
            state.note("c", as: nil, at: "T")
            #expect(state.context["notes"]?.text == then)
        }
    }

    @Test("what goes beyond the plan is refused", arguments: [0, 5, -1])
    func beyond(step: Int) throws {
        var state = try Self.state()
        let error = #expect(throws: RunStateError.self) { try state.step(to: step, at: "T") }
        #expect(error?.code == .conflict && error?.message.contains("there is no step \(step)") == true)
    }

    @Test("a log keeps its newest lines")
    func longLog() throws {
        var state = try Self.state()
        for number in 0..<600 { state.log("line \(number)", at: "T") }
        #expect(state.progressLog.count == RunState.maximumLogLines && state.progressLog.last == "T line 599")
    }

    @Test(
        "what is wrong is said with the field",
        arguments: [
            ("", "half-written", "is empty"), ("   \n", "half-written", "is empty"),
            (#"{"opId": "x", "pending": tr"#, "half-written", "ends in the middle"), ("nonsense }", "not-json", "no JSON"),
            ("[1]", "not-json", "no JSON object"), (#"{"pending": false}"#, "wrong-field", "'opId' is missing"),
            (#"{"opId": "", "pending": false}"#, "wrong-field", "'opId' is empty"),
            (#"{"opId": 5, "pending": false}"#, "wrong-field", "'opId' must be a text, it is the number 5"),
            (#"{"opId": "x"}"#, "wrong-field", "'pending' is missing"),
            (#"{"opId": "x", "pending": "yes"}"#, "wrong-field", #"'pending' must be true or false, it is the text "yes""#),
            (#"{"opId": "x", "pending": true}"#, "wrong-field", "no 'session' says who works on it"),
            (#"{"opId": "x", "pending": true, "session": "no key!"}"#, "wrong-field", "no session key"),
            (#"{"opId": "x", "pending": false, "plan": ["a"], "nextStep": 3}"#, "wrong-field", "it may be 1 to 2"),
            (#"{"opId": "x", "pending": false, "plan": ["a"], "nextStep": 0}"#, "wrong-field", "it may be 1 to 2"),
            (#"{"opId": "x", "pending": false, "plan": ["a"], "nextStep": "1"}"#, "wrong-field", "must be a whole number"),
            (#"{"opId": "x", "pending": false, "plan": ["a"], "nextStep": 1.5}"#, "wrong-field", "must be a whole number"),
            (#"{"opId": "x", "pending": false, "plan": "a"}"#, "wrong-field", "'plan' must be a list"),
            (#"{"opId": "x", "pending": false, "plan": ["a", 2]}"#, "wrong-field", "entry 2 is the number 2"),
            (#"{"opId": "x", "pending": false, "progressLog": {}}"#, "wrong-field", "'progressLog' must be a list"),
            (#"{"opId": "x", "pending": false, "context": []}"#, "wrong-field", "'context' must be an object"),
            (#"{"opId": "x", "pending": false, "context": {"targetDiscord": "nowhere"}}"#, "wrong-field", "must be a place"),
            (#"{"opId": "x", "opId": "y", "pending": false}"#, "wrong-field", "'opId' is there twice"),
            (#"{"opId": "x", "pending": false, "context": {"a": 1, "a": 2}}"#, "wrong-field", "'context.a' is there twice"),
            (
                #"{"opId": "x", "pending": false, "nextStep": 9223372036854775807}"#, "wrong-field",
                "without a plan it may be 1 to 1001"
            ),
            (#"{"opId": "x", "pending": false, "nextStep": -1}"#, "wrong-field", "'nextStep' is -1"),
            (#"{"opId": "x", "pending": false,, }"#, "not-json", "no JSON"), ("hello", "not-json", "no JSON"),
            (#"{"opId": "x", "pending": false} x"#, "not-json", "something follows"),
        ])
    func wrong(text: String, code: String, words: String) {
        let error = #expect(throws: RunStateError.self) { try Self.state(text) }
        #expect(error?.code.description == code && error?.message.contains(words) == true, "\(error?.message ?? "")")
        #expect(error?.hint.isEmpty == false)
    }

    @Test("wherever it is cut off, it is half written: also behind a bracket")
    func cutOff() throws {
        let text = Self.written.replacing("patch\"", with: "p\\u00e4tch ä\"").replacing("true", with: "false")
        let bytes = Array(text.utf8)
        #expect(try RunState(bytes).plan.count == 3)
        for count in 0..<bytes.count {
            let error = #expect(throws: RunStateError.self) { try RunState(Array(bytes[..<count])) }
            #expect(error?.code == .halfWritten, "\(count): \(error?.message ?? "")")
        }
    }

    @Test("bytes of another encoding are refused: a change would write others in their place")
    func latin1() throws {
        let bytes = Array(Self.written.utf8).map { $0 == UInt8(ascii: "k") ? 0xE4 : $0 }
        let error = #expect(throws: RunStateError.self) { try RunState(bytes) }
        #expect(error?.code == .notJSON && error?.message.contains("not UTF-8") == true)
    }

    @Test("a mebibyte of names is no burden", .timeLimit(.minutes(1)))
    func manyNames() throws {
        let names = (0..<80_000).map { "\"\($0)\": 1" }.joined(separator: ",")
        let state = try Self.state("{\(names), \"opId\": \"x\", \"pending\": false}")
        #expect(state.document.members.count == 80_002)
    }

    @Test("without a plan steps are only counted")
    func noPlan() throws {
        var state = try Self.state(#"{"opId": "x", "pending": true, "session": "agent:main:main"}"#)
        try state.step(at: "T")
        try state.step(at: "T")
        #expect(state.nextStep == 3)
        try state.step(to: 1_001, at: "T")
        for step in [0, nil, Int.max] { #expect(throws: RunStateError.self) { try state.step(to: step, at: "T") } }
    }

    @Test("more than a checkpoint is not read")
    func large() {
        let error = #expect(throws: RunStateError.self) {
            try RunState([UInt8](repeating: 0x20, count: RunState.maximumBytes + 1))
        }
        #expect(error?.code == .tooLarge)
    }

    @Test("people see a bar and a list; a wake gets the steps, the notes and the next one")
    func words() throws {
        let state = try Self.state()
        #expect(state.bar == "[######--------------] 1/3")
        #expect(state.list == ["[x] 1) look", "[>] 2) patch", "[ ] 3) check"])
        let work = try #require(state.work(path: "/f", writtenAt: 7))
        #expect(work.nextStep == 1 && work.steps.map(\.isDone) == [true, false, false] && work.progressedAt == 7)
        #expect(work.notes == ["notes:", "  hash abc", "  second line", "port: 8080"] && work.progress == ["looked"])
        #expect(work.route == Route("discord:default/channel:901"))
    }

    @Test("the session may stand in the context, as agents have written it")
    func contextSession() throws {
        let state = try Self.state(#"{"opId": "x", "pending": true, "context": {"sessionKey": "agent:main:main"}}"#)
        #expect(state.session?.description == "agent:main:main" && state.work(path: "/f", writtenAt: 0)?.nextStep == nil)
    }

    @Test("any bytes are refused or read, and what is read is printed alike")
    func property() throws {
        var seed: UInt64 = 7
        func roll(_ bound: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(seed >> 33) % bound
        }
        let original = Array(Self.written.utf8)
        var read = 0
        for _ in 0..<20_000 {
            var bytes = original
            for _ in 0...roll(3) {
                switch roll(3) {
                case 0: bytes[roll(bytes.count)] = UInt8(roll(256))
                case 1: bytes.remove(at: roll(bytes.count))
                default: bytes.insert(UInt8(roll(128)), at: roll(bytes.count))
                }
            }
            guard let state = try? RunState(bytes) else { continue }
            read += 1
            #expect(try RunState(state.bytes) == state)
        }
        #expect(read > 100)
    }
}
