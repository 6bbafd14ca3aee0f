import Testing
import WakeCore

@testable import ReveilleConfiguration

@Suite("Values that are shown nowhere")
struct HiddenValuesTests {
    private static let text = """
        { agents: { infra: { run: ['/bin/agent'], environment: ['KEY=sesame-1', 'EMPTY='] } }, log: { level: 'trace' } }
        """

    @Test("what an agent's variables are set to is used, and shown in no setting, no document and no raw text")
    func shown() throws {
        let scratch = try Scratch()
        let store = try scratch.store(Self.text)
        let picture = try store.current()
        let configuration = picture.configuration
        #expect(configuration.agents["infra"]?.environment == ["KEY": "sesame-1", "EMPTY": ""])
        #expect(configuration.setting("agents.infra.environment")?.text == "KEY=(set), EMPTY=(set)")
        #expect(picture.parsed["agents"]?["infra"]?["environment"] == ["KEY=(set)", "EMPTY=(set)"])
        #expect(picture.raw == nil)
        #expect(!configuration.settings.contains { $0.text.contains("sesame") })
    }

    @Test("a whole configuration with the variables as they are shown leaves them as they are; with others it is refused")
    func applied() throws {
        let scratch = try Scratch()
        let store = try scratch.store(Self.text)
        let picture = try store.current()
        let raw = picture.parsed.text.replacing("trace", with: "debug")
        let plan = try store.plan(.apply(raw: raw, baseHash: picture.hash))
        #expect(plan.changedPaths == ["log.level"])
        #expect(plan.resulting.agents["infra"]?.environment["KEY"] == "sesame-1")
        #expect(throws: ChangeFault.self) {
            try store.plan(.apply(raw: raw.replacing("KEY=(set)", with: "KEY=x"), baseHash: picture.hash))
        }
    }

    @Test("a variable that is none is told without its text")
    func faulty() {
        let problems = ConfigurationLoader.check(
            Array("{ agents: { infra: { run: ['x'], environment: ['sesame-2'] } } }".utf8), name: "test")
        #expect("\(problems)".contains("is no variable") && !"\(problems)".contains("sesame"), "\(problems)")
    }
}
