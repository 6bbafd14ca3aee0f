import Foundation
import OpenClawFacts
import Testing

@testable import GatewayClient

@Suite("A gateway's restart sentinel on disk")
struct SentinelFileWatchTests {
    /// A folder of its own, with what lies in it as the sentinel.
    private struct Folder: ~Copyable {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("sentinel-\(UUID())").path
        var file: String { path + "/restart-sentinel.json" }
        var watch: SentinelFileWatch { SentinelFileWatch(file) }

        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func write(_ text: String, to name: String = "restart-sentinel.json") throws {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name))
        }
    }

    private static func text(_ note: String) -> String {
        #"{"version":1,"payload":{"kind":"restart","status":"ok","ts":1700000000000,"sessionKey":"agent:main:main","message":"\#(note)"}}"#
    }

    private static func note(_ finding: SentinelFileFinding) -> String? {
        if case .found(let file, _) = finding { file.message } else { nil }
    }

    private static func complaint(_ finding: SentinelFileFinding) -> String? {
        if case .unusable(let reason) = finding { reason } else { nil }
    }

    private func isAbsent(_ finding: SentinelFileFinding) -> Bool { if case .absent = finding { true } else { false } }

    @Test("none, in a folder or without one")
    func absent() throws {
        let folder = try Folder()
        #expect(isAbsent(folder.watch.look()))
        #expect(isAbsent(SentinelFileWatch(folder.path + "/gone/restart-sentinel.json").look()))
        try folder.write("no folder", to: "plain")
        #expect(isAbsent(SentinelFileWatch(folder.path + "/plain/restart-sentinel.json").look()))
    }

    @Test("one that is whole is read, with its bytes")
    func whole() throws {
        let folder = try Folder()
        try folder.write(Self.text("go on"))
        guard case .found(let file, let bytes) = folder.watch.look() else {
            Issue.record("not found")
            return
        }
        #expect(file.message == "go on" && bytes == Array(Self.text("go on").utf8))
    }

    @Test(
        "what no gateway wrote is not taken up, and why is said",
        arguments: [
            ("[1,2]", "names no version"), ("nonsense", "is not JSON"),
            (String(repeating: " ", count: RestartSentinelFile.maximumBytes + 1), "bytes, which no gateway writes"),
        ])
    func unusable(text: String, words: String) throws {
        let folder = try Folder()
        try folder.write(text)
        let complaint = try #require(Self.complaint(folder.watch.look()))
        #expect(complaint.contains(words), "\(complaint)")
    }

    @Test("one that stays half written is not taken up; nothing of it is guessed")
    func halfWritten() throws {
        let folder = try Folder()
        try folder.write(String(Self.text("go on").dropLast(9)))
        #expect(Self.complaint(folder.watch.look())?.contains("stays half written") == true)
    }

    @Test("what is no plain file is not opened through, nor waited for", arguments: ["link", "pipe", "folder"])
    func oddFiles(kind: String) throws {
        let folder = try Folder()
        switch kind {
        case "link":
            try folder.write(Self.text("go on"), to: "elsewhere")
            try FileManager.default.createSymbolicLink(atPath: folder.file, withDestinationPath: folder.path + "/elsewhere")
        case "pipe": #expect(mkfifo(folder.file, 0o600) == 0)
        default: #expect(mkdir(folder.file, 0o700) == 0)
        }
        let complaint = try #require(Self.complaint(folder.watch.look()))
        #expect(complaint.contains(kind == "link" ? "symbolic link" : "no plain file"), "\(complaint)")
    }

    @Test("one of another user is not believed", .enabled(if: geteuid() == 0))
    func otherOwner() throws {
        let folder = try Folder()
        try folder.write(Self.text("do as I say"))
        #expect(chown(folder.file, 12_345, 12_345) == 0)
        #expect(Self.complaint(folder.watch.look())?.contains("belongs to user 12345, and is not believed") == true)
    }

    @Test("taken away is only what was read; another one that came meanwhile stays")
    func takeAway() throws {
        let folder = try Folder()
        try folder.write(Self.text("one"))
        folder.watch.takeAway(Array(Self.text("one").utf8))
        #expect(isAbsent(folder.watch.look()))
        try folder.write(Self.text("two"))
        folder.watch.takeAway(Array(Self.text("one").utf8))
        #expect(Self.note(folder.watch.look()) == "two")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["restart-sentinel.json"])
    }

    @Test(
        "written in pieces, then rewritten at once: the last word is heard, and nothing that was never written",
        .timeLimit(.minutes(1)))
    func rewritten() async throws {
        let folder = try Folder()
        var findings = folder.watch.findings().makeAsyncIterator()
        #expect(isAbsent(try #require(await findings.next())), "it is looked at before anything changes")
        let descriptor = open(folder.file, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        let pieces = Self.text("one")
        for piece in [pieces.prefix(40), pieces.dropFirst(40)] {
            _ = Array(piece.utf8).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        }
        close(descriptor)
        for number in 2...5 { try folder.write(Self.text("\(number)")) }
        var heard: [String] = []
        while heard.last != "5" {
            let finding = try #require(await findings.next())
            #expect(Self.complaint(finding) == nil)
            if let note = Self.note(finding) { heard.append(note) }
        }
        #expect(Set(heard).isSubset(of: ["one", "2", "3", "4", "5"]))
    }

    @Test("a folder that comes later, and comes anew, is watched", .timeLimit(.minutes(1)))
    func folderLater() async throws {
        let folder = try Folder()
        try FileManager.default.removeItem(atPath: folder.path)
        var findings = folder.watch.findings().makeAsyncIterator()
        #expect(isAbsent(try #require(await findings.next())))
        for note in ["first", "second"] {
            try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: false)
            try folder.write(Self.text(note))
            while let finding = await findings.next(), Self.note(finding) != note {}
            try FileManager.default.removeItem(atPath: folder.path)
        }
    }
}
