import Foundation
import GatewayClient
import GatewayProtocol
import Testing
import WakeCore

@Suite("docs/PROTOCOL.md")
struct ProtocolPageTests {
    private struct Line {
        let isOurs: Bool
        let frame: JSONValue
    }

    private static func page() throws -> String {
        var folder = URL(filePath: #filePath)
        for _ in 0..<3 { folder.deleteLastPathComponent() }
        return try String(contentsOf: folder.appending(path: "docs/PROTOCOL.md"), encoding: .utf8)
    }

    /// The examples, block by block.
    private static func examples() throws -> [[Line]] {
        var blocks: [[Line]] = []
        var isInside = false
        for line in try page().split(separator: "\n") {
            if line.hasPrefix("```") {
                isInside = line.hasPrefix("```example")
                if isInside { blocks.append([]) }
            } else if isInside {
                let text = String(line.dropFirst(2))
                blocks[blocks.count - 1].append(
                    Line(isOurs: line.hasPrefix("→"), frame: try JSONValue.parse(text: text)))
            }
        }
        return blocks
    }

    /// Whether what came is what the page says; `…` stands for anything.
    private static func differs(_ said: JSONValue, _ came: JSONValue?, _ path: String = "") -> String? {
        guard let came else { return "\(path) is missing" }
        switch said {
        case "…": return nil
        case .object(let object):
            for member in object.members {
                if let fault = differs(member.value, came[member.key], "\(path).\(member.key)") { return fault }
            }
            return nil
        default: return said == came ? nil : "\(path) is \(came.text), not \(said.text)"
        }
    }

    @Test("each example does what it says, against a real daemon")
    func examples() async throws {
        let examples = try Self.examples()
        #expect(examples.count >= 3)
        try await ControlStage.play { control in
            let daemon = try await control.stage.startDaemon()
            try await daemon.saw("channelChanged") { $0["reason"] == "ready" }
            let port = control.port
            try await onThread {
                let socket = try RawSocket(port: port)
                try socket.upgrade("/gateway")
                var hash = ""
                var notes: [String] = []
                for (number, block) in examples.enumerated() {
                    for line in block {
                        if line.isOurs {
                            let text = line.frame.text.replacing(#""token":"…""#, with: #""token":"\#(ControlStage.token)""#)
                            try socket.send(text: text.replacing("$hash", with: hash))
                            continue
                        }
                        // News may come between.
                        var frame: JSONValue
                        repeat {
                            frame = try JSONValue.parse(try socket.read().payload)
                        } while number > 0 && frame["type"] == "event"
                        hash = frame["payload"]?["hash"]?.string ?? hash
                        if let fault = Self.differs(line.frame, frame) { notes.append("\(fault) in \(frame.text.prefix(400))") }
                    }
                }
                #expect(notes.isEmpty, "\(notes.joined(separator: "\n"))")
            }
            try await control.stage.stop(daemon)
        }
    }

    @Test("names every method and every event that the daemon tells of")
    func names() async throws {
        let page = try Self.page()
        try await ControlStage.play { control in
            let daemon = try await control.stage.startDaemon()
            let hello = try await control.connect { $0.hello }
            #expect(hello.methods.count >= 30)
            for name in hello.methods + hello.events { #expect(page.contains("`\(name)`"), "\(name) is not on the page") }
            try await control.stage.stop(daemon)
        }
    }
}
