import Foundation
import ReveilleConfiguration
import Testing

@Suite("docs/CONFIGURATION.md")
struct DocumentationTests {
    private static let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("docs/CONFIGURATION.md")

    @Test("the key table of the page is the key table of the program")
    func agreement() throws {
        let page = try String(contentsOf: Self.page, encoding: .utf8)
        let begin = try #require(page.range(of: Documentation.markers.begin))
        let end = try #require(page.range(of: Documentation.markers.end))
        let table = "\n\n" + Documentation.keyTable() + "\n"
        // To mend the page: REVEILLE_TEST_WRITE_DOCS=1 swift test --filter DocumentationTests
        if ProcessInfo.processInfo.environment["REVEILLE_TEST_WRITE_DOCS"] == "1" {
            let written = page[..<begin.upperBound] + table + page[end.lowerBound...]
            return try String(written).write(to: Self.page, atomically: true, encoding: .utf8)
        }
        #expect(page[begin.upperBound..<end.lowerBound] == table)
    }

    @Test(
        "every configuration shown on the pages is one that is accepted",
        arguments: ["AGENTS.md": 2, "CONFIGURATION.md": 2, "OPENCLAW.md": 1])
    func examples(name: String, least: Int) throws {
        let page = try String(contentsOf: Self.page.deletingLastPathComponent().appendingPathComponent(name), encoding: .utf8)
        let blocks = page.components(separatedBy: "```json5\n").dropFirst().compactMap { $0.components(separatedBy: "```").first }
        #expect(blocks.count >= least)
        for block in blocks {
            let problems = ConfigurationLoader.check(Array(block.utf8), name: "the page")
            #expect(problems.isEmpty, "\(problems)")
        }
    }

    @Test("the paths of the keys are all different, and so are their variables")
    func unique() {
        #expect(Set(KeyTable.keys.map(\.path)).count == KeyTable.keys.count)
        let variables = KeyTable.keys.compactMap(\.environmentName)
        #expect(Set(variables).count == variables.count)
    }
}
