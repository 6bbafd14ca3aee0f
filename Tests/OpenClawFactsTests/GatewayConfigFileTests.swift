import OpenClawFacts
import Testing
import WakeCore

/// A folder of files that are not on a disk.
struct ConfigFolder {
    struct Absent: Error, CustomStringConvertible { var description: String { "no such file" } }

    var files: [String: String]

    func read(_ environment: [String: String] = [:], main: String = "/claw/openclaw.json") -> GatewayConfigFile {
        GatewayConfigFile(main, environment: environment) { path in
            guard let text = files[path] else { throw Absent() }
            return Array(text.utf8)
        }
    }

    /// One main file.
    static func main(_ text: String, _ environment: [String: String] = [:]) -> GatewayConfigFile {
        ConfigFolder(files: ["/claw/openclaw.json": text]).read(environment)
    }
}

@Suite("The configuration of a gateway: its files")
struct GatewayConfigFileTests {
    private func json(_ text: String) throws -> JSONValue { try JSONValue.parse(text: text) }

    @Test("the main file is JSON5, and long ids stay whole")
    func main() throws {
        let config = ConfigFolder.main("{ // as people write it\n gateway: {port: 0x10, ok: +1.5,}, id: 1477712345678901234, }")
        #expect(config.value == (try json(#"{"gateway": {"port": 16, "ok": 1.5}, "id": 1477712345678901234}"#)))
        #expect(config.problems.isEmpty && config.files == ["/claw/openclaw.json"] && config.file == "/claw/openclaw.json")
    }

    @Test("a main file that is missing, broken or no object leaves an empty configuration and says why")
    func broken() {
        #expect(ConfigFolder(files: [:]).read().problems.map(\.code) == [.unreadable])
        #expect(ConfigFolder.main("{ a: ").problems.map(\.code) == [.notJSON5])
        #expect(ConfigFolder.main("").problems.map(\.code) == [.notJSON5])
        #expect(ConfigFolder.main("[1]").problems.map(\.code) == [.notJSON5])
        let config = ConfigFolder.main("{ a: ?")
        #expect(config.value == [:] && config.port == 18_789 && config.discordAccounts.isEmpty)
        #expect(config.problems.first?.description.hasPrefix("/claw/openclaw.json: line 1:6") == true)
    }

    @Test("an include is relative to the file that names it, and keys beside it count more")
    func include() throws {
        let folder = ConfigFolder(files: [
            "/claw/openclaw.json": "{a: {$include: './parts/a.json5', y: 2, deep: {two: 2}}, z: [{$include: 'parts/list.json'}]}",
            "/claw/parts/a.json5": "{x: 1, y: 1, deep: {one: 1}, more: {$include: 'b.json'}}",
            "/claw/parts/b.json": "{b: true}",
            "/claw/parts/list.json": "[1, 2]",
        ])
        let config = folder.read()
        #expect(
            config.value
                == (try json(#"{"a": {"x": 1, "y": 2, "deep": {"one": 1, "two": 2}, "more": {"b": true}}, "z": [[1, 2]]}"#)))
        #expect(config.problems.isEmpty)
        #expect(config.files == ["/claw/openclaw.json", "/claw/parts/a.json5", "/claw/parts/b.json", "/claw/parts/list.json"])
    }

    @Test("of several includes the later counts, objects are merged and lists joined")
    func merged() throws {
        let folder = ConfigFolder(files: [
            "/claw/openclaw.json": "{$include: ['a.json', '/claw/b.json'], list: [5]}",
            "/claw/a.json": "{v: 1, list: [1], o: {a: 1, v: 1}}",
            "/claw/b.json": "{v: 2, list: [2], o: {b: 2, v: 2}}",
        ])
        #expect(folder.read().value == (try json(#"{"v": 2, "list": [1, 2, 5], "o": {"a": 1, "v": 2, "b": 2}}"#)))
    }

    @Test(
        "an include that leads outside is not read",
        arguments: ["../secret.json", "/etc/secret.json", "parts/../../secret.json", "/claw2/secret.json", "/claw"])
    func outside(path: String) {
        let folder = ConfigFolder(files: [
            "/claw/openclaw.json": "{a: {$include: '\(path)'}, b: 1}", "/secret.json": "{s: 1}", "/etc/secret.json": "{s: 1}",
            "/claw2/secret.json": "{s: 1}",
        ])
        let config = folder.read()
        #expect(config.value == ["a": [:], "b": 1])
        #expect(config.problems.map(\.code) == [.outside] && config.files.count == 1)
        #expect(config.problems[0].path == "a.\"$include\"" && config.problems[0].file == "/claw/openclaw.json")
    }

    @Test("a file that includes itself, by way of others or not, ends there")
    func cycle() {
        let folder = ConfigFolder(files: [
            "/claw/openclaw.json": "{a: {$include: 'a.json'}, b: {$include: './openclaw.json'}}",
            "/claw/a.json": "{v: 1, again: {$include: 'b.json'}}", "/claw/b.json": "{$include: 'a.json'}",
        ])
        let config = folder.read()
        #expect(config.problems.map(\.code) == [.cycle, .cycle])
        #expect(config.problems[0].reason.contains("/claw/a.json → /claw/b.json → /claw/a.json"))
        #expect(config.value == ["a": ["v": 1, "again": [:]], "b": [:]])
    }

    @Test("ten includes deep is read, eleven is not")
    func depth() {
        var files = ["/claw/openclaw.json": "{$include: '1.json'}"]
        for level in 1...11 { files["/claw/\(level).json"] = "{v\(level): 1, $include: '\(level + 1).json'}" }
        files["/claw/10.json"] = "{v10: 1}"
        #expect(ConfigFolder(files: files).read().problems.isEmpty)
        files["/claw/10.json"] = "{v10: 1, $include: '11.json'}"
        let config = ConfigFolder(files: files).read()
        #expect(config.problems.map(\.code) == [.tooDeep])
        #expect(config.value["v10"] == 1 && config.value["v11"] == nil)
    }

    @Test("a file that multiplies itself is stopped at 64 readings")
    func multiplied() {
        var files = ["/claw/openclaw.json": "{$include: ['1.json', '1.json', '1.json']}"]
        for level in 1...9 { files["/claw/\(level).json"] = "{a: [{$include: ['\(level + 1).json', '\(level + 1).json']}]}" }
        files["/claw/10.json"] = "{a: [1]}"
        let config = ConfigFolder(files: files).read()
        #expect(Set(config.problems.map(\.code)) == [.tooManyFiles])
        #expect(config.files.count == 11)
    }

    @Test("8 MiB are read in all, a byte more is not")
    func size() {
        func config(_ extra: Int) -> GatewayConfigFile {
            let main = "{$include: 'big.json'}"
            let padding = GatewayConfigFile.maximumBytes - main.utf8.count - 5 + extra
            return ConfigFolder(files: [
                "/claw/openclaw.json": main, "/claw/big.json": "{v:1}" + String(repeating: " ", count: padding),
            ]).read()
        }
        let whole = config(0)
        #expect(whole.value == ["v": 1] && whole.problems.isEmpty)
        let over = config(1)
        #expect(over.value == [:] && over.problems.map(\.code) == [.tooLarge])
    }

    @Test("each file is read once")
    func once() {
        var asked: [String] = []
        _ = GatewayConfigFile("/claw/openclaw.json", environment: [:]) { path in
            asked.append(path)
            return Array((path == "/claw/openclaw.json" ? "{a: {$include: ['p', 'p']}}" : "{v: '${X}'}").utf8)
        }
        #expect(asked == ["/claw/openclaw.json", "/claw/p"])
    }

    @Test("an include that is no path, is not there or can't stand there is a problem, and the rest is read")
    func badIncludes() {
        let folder = ConfigFolder(files: [
            "/claw/openclaw.json": """
            {a: {$include: 5}, b: {$include: ['c.json', 7]}, d: {$include: 'list.json', e: 1}, f: {$include: 'none.json'}, g: 1,
             h: {$include: 'torn.json'}}
            """,
            "/claw/c.json": "{c: 1}", "/claw/list.json": "[1]", "/claw/torn.json": "{",
        ])
        let config = folder.read()
        #expect(config.problems.map(\.code) == [.badInclude, .badInclude, .badInclude, .unreadable, .notJSON5])
        #expect(config.problems.map(\.path) == ["a", "b", "d", "f", "h"].map { $0 + ".\"$include\"" })
        #expect(config.value == ["a": [:], "b": ["c": 1], "d": ["e": 1], "f": [:], "g": 1, "h": [:]])
        #expect(config.problems[3].reason.hasPrefix("/claw/none.json: can't be read"))
    }
}

@Suite("The configuration of a gateway: its variables")
struct GatewayConfigVariableTests {
    private func value(_ text: String, _ environment: [String: String] = ["A": "one", "B_2": "two"]) -> String? {
        ConfigFolder.main("{v: '\(text)'}", environment).value["v"]?.string
    }

    @Test(
        "references are followed by the gateway's rules",
        arguments: [
            ("${A}", "one"), ("x${A}y${B_2}z", "xoneytwoz"), ("$${A}", "${A}"), ("$$${A}", "$${A}"), ("$A", "$A"),
            ("${a}", "${a}"),
            ("${A", "${A"), ("${}", "${}"), ("${2A}", "${2A}"), ("${A:-x}", "${A:-x}"), ("$", "$"), ("$$", "$$"), ("a$b", "a$b"),
            ("$${a}", "$${a}"), ("${A}$", "one$"),
        ])
    func references(text: String, expected: String) { #expect(value(text) == expected) }

    @Test("a value is put in as it is, and not looked into again")
    func notAgain() { #expect(value("${A}", ["A": "${B}", "B": "no"]) == "${B}") }

    @Test("a variable that is missing or empty is named with its file and key, and the key counts as not set")
    func missing() {
        let folder = ConfigFolder(files: [
            "/claw/openclaw.json": "{a: {$include: 'a.json'}, list: ['x', '${GONE}'], ok: '${A}'}",
            "/claw/a.json": "{b: {c: 'pre${EMPTY}'}}",
        ])
        let config = folder.read(["A": "one", "EMPTY": ""])
        #expect(config.value == ["a": ["b": ["c": nil]], "list": ["x", nil], "ok": "one"])
        #expect(config.problems.map(\.code) == [.missingVariable, .missingVariable])
        #expect(config.problems.map(\.file) == ["/claw/a.json", "/claw/openclaw.json"])
        #expect(config.problems.map(\.path) == ["a.b.c", "list[1]"])
        #expect(config.problems.map(\.reason) == ["the variable EMPTY is not set", "the variable GONE is not set"])
    }

    @Test("the configuration's own env part fills in what the environment lacks, and does not replace what it has")
    func additions() {
        let config = ConfigFolder.main(
            """
            {env: {ONE: 'config', TWO: 'config', shellEnv: {enabled: true}, vars: {THREE: 'vars', FOUR: '${ONE}'}},
             v: ['${ONE}', '${TWO}', '${THREE}', '${FOUR}']}
            """,
            ["ONE": "process", "TWO": ""])
        #expect(config.value["v"] == ["process", "config", "vars", nil])
    }
}
