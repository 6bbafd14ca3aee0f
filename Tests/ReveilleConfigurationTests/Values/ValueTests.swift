import Testing

@testable import ReveilleConfiguration

@Suite("Values")
struct ValueTests {
    @Test(
        "addresses are taken apart and written back",
        arguments: [
            ("https://discord.com/api/v10", "https://discord.com/api/v10", false),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080", true),
            ("http://localhost/api", "http://localhost/api", true), ("http://[::1]:9/x", "http://[::1]:9/x", true),
            ("HTTPS://Proxy.Example:444", "https://proxy.example:444", false), ("http://127.8.9.10", "http://127.8.9.10", true),
        ])
    func addresses(text: String, written: String, isLoopback: Bool) throws {
        let address = try ServiceAddress(parsing: text, schemes: ["https", "http"])
        #expect("\(address)" == written)
        #expect(address.isLoopback == isLoopback)
    }

    @Test(
        "an address that would leak a token, or is none, is refused",
        arguments: [
            "http://discord.com/api/v10", "http://127.0.0.1.example.com", "http://127.0.0.1@evil.example", "https://user:pw@host",
            "https://host?x=1",
            "https://host#x", "ftp://host", "discord.com", "https://", "https:///x", "https://host:0", "https://host:99999",
            "https://host:", "https://ho st",
            "https://höst", "http://128.0.0.1", "http://127.0.0.256", "http://127.1", "https://[::1", "https://[zz]",
            "http://localhost.example", "",
            "http://127.0.0.1\\@evil.example", "http://0127.0.0.1",
        ])
    func badAddresses(text: String) {
        #expect(throws: ValueFault.self) { try ServiceAddress(parsing: text, schemes: ["https", "http"]) }
    }

    @Test("a secret shows nothing in any way of printing")
    func secret() {
        let secret = Secret("hunter2hunter2")
        struct Holder { let name = "x", secret: Secret }
        var dumped = ""
        dump(Holder(secret: secret), to: &dumped)
        for text in [
            "\(secret)", String(describing: secret), String(reflecting: secret), dumped, "\(Holder(secret: secret))",
            "\([secret])", "\(Optional(secret) as Any)",
        ] {
            #expect(!text.contains("hunter2"))
        }
        #expect(secret.reveal() == "hunter2hunter2")
    }

    @Test(
        "the nearest key is found through slips, case and separators, and not through chance",
        arguments: [
            ("dirctory", "directory"), ("directroy", "directory"), ("escalate_after", "escalateAfter"),
            ("ESCALATEAFTER", "escalateAfter"),
            ("escalate-after", "escalateAfter"), ("tokenfile", "tokenFile"), ("xyz", nil), ("", nil), ("d", nil),
            ("tokenFil", "tokenFile"),
            (String(repeating: "a", count: 100_000), nil),
        ])
    func nearest(word: String, wanted: String?) {
        #expect(NearestKey.nearest(to: word, among: ["directory", "escalateAfter", "tokenFile", "level"]) == wanted)
    }

    @Test(
        "edits count insertions, deletions, replacements and swaps",
        arguments: [
            ("", "", 0), ("abc", "", 3), ("", "abc", 3), ("abc", "abd", 1), ("abc", "acb", 1), ("abc", "ac", 1),
            ("kitten", "sitting", 3),
        ])
    func edits(left: String, right: String, count: Int) {
        #expect(NearestKey.edits(Array(left.utf8), Array(right.utf8)) == count)
    }

    @Test(
        "a star in a session pattern stands for any text",
        arguments: [
            ("agent:infra:*", "agent:infra:main", true), ("agent:infra:*", "agent:web:main", false), ("*", "", true),
            ("*", "x", true),
            ("agent:*:main", "agent:a:b:main", true), ("agent:*:main", "agent:a:mains", false), ("a", "a", true),
            ("a", "b", false), ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false), ("agent:main:main", "agent:main:main", true), ("**x**", "aaxaa", true),
        ])
    func patterns(pattern: String, key: String, isMatch: Bool) {
        #expect(SessionPattern(pattern).matches(key) == isMatch)
    }

    @Test(
        "paths of keys are read as they are written",
        arguments: [
            ["log", "level"], ["sessions", "agent:infra:*", "route"], ["a b"], ["x.y", "z"],
        ])
    func paths(components: [String]) {
        let path = ConfigurationPath(components)
        #expect(ConfigurationPath(parsing: "\(path)") == path)
    }

    @Test("what is no path of a key is refused", arguments: ["", ".", "a.", ".a", "a..b", "\"a", "\"a\"b", "\"\""])
    func badPaths(text: String) {
        #expect(ConfigurationPath(parsing: text) == nil)
    }

    @Test("shown text is one short line and never a token")
    func shown() {
        #expect(ShownText.quoted("a\u{1B}[31m\nb\u{202E}") == "\"a\\u{1b}[31m\\u{a}b\\u{202e}\"")
        #expect(ShownText.quoted(String(repeating: "x", count: 200)).count < 90)
        #expect(!ShownText.quoted("Bot \(Tokens.good)").contains(Tokens.good.prefix(10)))
        #expect(!ShownText.escaped("/\(Tokens.good)").contains(Tokens.good.prefix(10)))
    }
}
