import Testing

@testable import ReveilleCommand

@Suite("The file of a run state")
struct RunFileTests {
    @Test(
        "one file has one name",
        arguments: [
            ("/a/b.json", "/a/b.json"), ("/a/./b.json", "/a/b.json"), ("//a//b.json", "/a/b.json"),
            ("/a/../b.json", "/a/../b.json"),
        ])
    func plain(path: String, name: String) { #expect(RunFileOptions.plain(path) == name) }
}
