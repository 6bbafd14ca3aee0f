import Foundation
import RunStates
import Testing
import WakeCore

@Suite("The schema of run states")
struct RunStateSchemaTests {
    private static let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("docs/runstate.schema.json")

    @Test("the file in docs is what the program prints")
    func shipped() throws {
        if ProcessInfo.processInfo.environment["REVEILLE_TEST_WRITE_DOCS"] != nil {
            try RunState.schema.write(to: Self.page, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: Self.page, encoding: .utf8) == RunState.schema)
    }

    @Test("it is JSON, and names each field that we write")
    func fields() throws {
        let schema = try JSONValue.parse(text: RunState.schema)
        let names = Set(schema["properties"]?.object?.members.map(\.key) ?? [])
        let state = RunState(
            operation: "op", goal: "g", plan: ["a"], session: try SessionKey("agent:main:main"), place: "channel:1", at: "T")
        #expect(names == Set(state.document.members.map(\.key)))
    }

    @Test("the example in it passes the schema and the reader")
    func example() throws {
        let schema = try JSONValue.parse(text: RunState.schema)
        let example = try #require(schema["examples"]?.array?.first)
        #expect(try Self.problem(example, schema) == nil)
        let state = try RunState(example.bytes)
        #expect(state.list[2...3] == ["[x] 3) patch it: the gateway restarts", "[>] 4) try it"] && state.isPending)
        #expect(state.session?.route == Route("discord:default/channel:1234567890"))
    }

    @Test(
        "what the schema refuses, the reader refuses",
        arguments: [
            "[]", #"{"pending": false}"#, #"{"opId": "x"}"#, #"{"opId": "", "pending": false}"#,
            #"{"opId": 1, "pending": false}"#,
            #"{"opId": "x", "pending": "no"}"#, #"{"opId": "x", "pending": false, "nextStep": "1"}"#,
            #"{"opId": "x", "pending": false, "nextStep": -1}"#, #"{"opId": "x", "pending": false, "nextStep": 1002}"#,
            #"{"opId": "x", "pending": false, "plan": [1]}"#,
            #"{"opId": "x", "pending": false, "context": 1}"#, #"{"opId": "x", "pending": false, "progressLog": "a"}"#,
        ])
    func refused(text: String) throws {
        #expect(try Self.problem(try JSONValue.parse(text: text), try JSONValue.parse(text: RunState.schema)) != nil)
        #expect(throws: RunStateError.self) { try RunState(Array(text.utf8)) }
    }

    /// What a value is not that the schema wants: as much of JSON Schema as ours uses.
    private static func problem(_ value: JSONValue, _ schema: JSONValue) throws -> String? {
        let fits =
            switch schema["type"]?.string {
            case "object": value.object != nil
            case "array": value.array != nil
            case "string": value.string != nil
            case "boolean": value.bool != nil
            case "integer": value.integer != nil
            default: throw RunStateError(.notJSON, "a type that the test does not know", hint: "Teach it to the test.")
            }
        if !fits { return "\(value) is no \(schema["type"]?.string ?? "")" }
        if let least = schema["minLength"]?.integer, value.string?.count ?? 0 < least { return "too short" }
        if let most = schema["maxLength"]?.integer, value.string?.count ?? 0 > most { return "too long" }
        if let least = schema["minimum"]?.integer, value.integer ?? 0 < least { return "too small" }
        if let most = schema["maximum"]?.integer, value.integer ?? 0 > most { return "too large" }
        if let most = schema["maxItems"]?.integer, value.array?.count ?? 0 > most { return "too many" }
        for name in schema["required"]?.array ?? [] where value[name.string ?? ""] == nil { return "\(name) is missing" }
        for member in schema["properties"]?.object?.members ?? [] {
            if let part = value[member.key], let problem = try problem(part, member.value) { return problem }
        }
        for element in value.array ?? [] {
            if let items = schema["items"], let problem = try problem(element, items) { return problem }
        }
        return nil
    }
}
