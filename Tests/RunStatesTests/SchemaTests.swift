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
}
