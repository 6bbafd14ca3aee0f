import DiscordProtocol
import Testing
import WakeCore

@Suite("Message text")
struct MessageTextTests {
    static let trailer = "-# reveille 0AzByCxDwEvFuGtHsIrJqK"

    static func render(_ text: String, _ overflow: MessageText.Overflow = .attach) -> MessageText {
        MessageText(text, trailer: trailer, overflow: overflow)
    }

    static func lastLine(_ text: MessageText) -> String { String(text.content.split(separator: "\n").last ?? "") }

    @Test("a short text stays as it is, with the last line under it")
    func short() {
        let text = Self.render("Go on with step 3.")
        #expect(text.content == "Go on with step 3.\n" + Self.trailer)
        #expect(text.attachment == nil && !text.isCut)
        #expect(Self.render("").content == Self.trailer)
    }

    @Test("2,000 units fit exactly, one more is cut, and the whole is attached")
    func edge() {
        let room = 2000 - Self.trailer.utf16.count - 1
        let fits = Self.render(String(repeating: "a", count: room))
        #expect(fits.content.utf16.count == 2000 && fits.attachment == nil)
        let whole = String(repeating: "a", count: room + 1)
        let over = Self.render(whole)
        #expect(over.content.utf16.count <= 2000)
        #expect(over.content.contains("note.md"))
        #expect(over.attachment == Array(whole.utf8))
        #expect(Self.lastLine(over) == Self.trailer)
    }

    @Test("without files the hint says how to see the whole")
    func withoutFiles() {
        let text = Self.render(String(repeating: "word ", count: 1000), .cut(hint: "`reveille wake show 1` shows all of it"))
        #expect(text.attachment == nil && text.isCut)
        #expect(text.content.contains("reveille wake show 1"))
        #expect(text.content.utf16.count <= 2000)
    }

    @Test("no character is cut in half, whatever it is made of", arguments: ["👩‍👩‍👧‍👦", "🇨🇭", "e\u{301}", "𝒳", "க்ஷி"])
    func graphemes(_ character: String) {
        for shift in 0..<12 {
            let whole = String(repeating: "x", count: shift) + String(repeating: character, count: 1500)
            let text = Self.render(whole)
            #expect(text.content.utf16.count <= 2000)
            let start = String(text.content.prefix { $0 != "\n" })
            #expect(whole.hasPrefix(start))
            #expect(Array(start) == Array(whole.prefix(start.count)), "the cut lies between characters")
            #expect(start.count > 100)
        }
    }

    @Test("one character that is longer than a message goes into the attachment alone")
    func monster() {
        let text = Self.render("e" + String(repeating: "\u{301}", count: 3000))
        #expect(text.content.utf16.count <= 2000)
        #expect(text.content.hasPrefix("…"))
        #expect(text.attachment != nil)
    }

    @Test("a code fence that the cut leaves open is closed, in the quote that it was opened in")
    func fences() {
        let code = "Look:\n```swift\n" + String(repeating: "let a = 1\n", count: 400) + "```\nend"
        let text = Self.render(code)
        #expect(text.content.utf16.count <= 2000)
        #expect(text.content.components(of: "```") % 2 == 0)
        let quoted = code.split(separator: "\n").map { "> " + $0 }.joined(separator: "\n")
        let inQuote = Self.render(quoted)
        #expect(inQuote.content.contains("\n> ```\n…"))
        #expect(inQuote.content.utf16.count <= 2000)
    }

    @Test("the cut never breaks a run of backticks", arguments: 1900...1999)
    func backticks(_ at: Int) {
        let text = Self.render(String(repeating: "a", count: at) + "```x```" + String(repeating: "b", count: 500))
        #expect(text.content.utf16.count <= 2000)
        #expect(text.content.components(of: "`") % 3 == 0)
    }

    @Test("a fence that the note itself leaves open does not swallow the last line")
    func openFence() {
        #expect(Self.render("```\ncode").content == "```\ncode\n```\n" + Self.trailer)
    }

    @Test("control characters and marks that turn text around go, line ends become one kind")
    func controls() {
        let text = Self.render("a\u{0}b\u{1b}[31m\r\nc\rd\u{202E}e\u{7f}\u{85}f\tg")
        #expect(text.content == "ab[31m\nc\nde\nf\tg\n" + Self.trailer)
    }

    @Test("lines that look like the last line of a notice are escaped, in quotes too")
    func lookalikes() {
        for line in ["-# reveille 999", "  -# Reveille x", "> -# reveille y", ">  > -#  reveille", "-# REVEILLE"] {
            let text = Self.render("a\n" + line + "\nb")
            #expect(text.content.contains("\\-#"), "\(line)")
        }
        #expect(!Self.render("-# small print\nreveille").content.contains("\\"))
    }

    @Test("any text at all gives a message that Discord takes")
    func anyText() {
        var random = SplitMix(seed: 11)
        let pieces = [
            "```", "`", "\n", " ", "a", "👩‍👩‍👧‍👦", "\u{301}", "\u{0}",
            "> ", "-# reveille ", "\r", "𝒳", "\u{200D}", "@everyone", "\\",
        ]
        for _ in 0..<1500 {
            var text = ""
            for _ in 0..<Int(random.next() % 900) { text += pieces[Int(random.next() % UInt64(pieces.count))] }
            let message = Self.render(text)
            #expect(message.content.utf16.count <= 2000)
            #expect(Self.lastLine(message) == Self.trailer)
            #expect(message.isCut == (message.attachment != nil))
        }
    }
}

@Suite("Message request")
struct MessageRequestTests {
    @Test("a short message is JSON with nonce, enforce_nonce and no pings")
    func json() throws {
        let request = MessageRequest(MessageTextTests.render("@everyone hi"), nonce: "0AzByCxDwEvFuGtHsIrJqKn")
        #expect(request.contentType == "application/json")
        let json = try JSONValue.parse(request.body)
        #expect(json["nonce"]?.string == "0AzByCxDwEvFuGtHsIrJqKn")
        #expect(json["enforce_nonce"]?.bool == true)
        #expect(json["allowed_mentions"] == ["parse": []])
        #expect(json["content"]?.string?.hasPrefix("@everyone hi") == true)
    }

    @Test("only the kinds that are configured may be pinged")
    func mentions() throws {
        let mentions: AllowedMentions = [.users, .everyone]
        let json = try JSONValue.parse(MessageRequest(MessageTextTests.render("x"), nonce: "n", mentions: mentions).body)
        #expect(json["allowed_mentions"] == ["parse": ["users", "everyone"]])
    }

    @Test("a long message is a form of payload and file, with a separator that is in neither")
    func multipart() throws {
        let whole = String(repeating: "line --reveille-n-0\n", count: 200)
        let request = MessageRequest(MessageTextTests.render(whole), nonce: "n")
        let boundary = try #require(request.contentType.split(separator: "=").last.map(String.init))
        #expect(boundary == "reveille-n-1")
        let text = String(decoding: request.body, as: UTF8.self)
        #expect(text.components(of: "--\(boundary)\r\n") == 2)
        #expect(text.hasSuffix("\r\n--\(boundary)--\r\n"))
        #expect(text.contains("name=\"payload_json\"\r\nContent-Type: application/json\r\n\r\n{"))
        #expect(text.contains("name=\"files[0]\"; filename=\"note.md\"\r\n"))
        #expect(text.contains("\r\n\r\n" + whole))
    }
}

extension String {
    func components(of needle: String) -> Int {
        var count = 0
        var rest = self[...]
        while let range = rest.firstRange(of: needle) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
