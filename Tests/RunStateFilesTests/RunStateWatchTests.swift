import Foundation
import Glibc
import RunStates
import Testing
import WakeCore

@testable import RunStateFiles

@Suite("Watching run states", .timeLimit(.minutes(1)))
struct RunStateWatchTests {
    private typealias Findings = AsyncStream<RunStateFinding>.Iterator

    /// Looks at signs alone: what only a look from time to time would find is not found.
    private static func watch(_ book: RunStateBook) -> AsyncStream<RunStateFinding> {
        RunStateWatch(book, lookEveryMilliseconds: -1).findings()
    }

    /// The next finding about the operation.
    private static func next(_ findings: inout Findings) async throws -> String {
        switch try #require(await findings.next()) {
        case .work(_, let work, _): work.map { "work \($0.operation) \($0.nextStep ?? -1)" } ?? "nothing pending"
        case .invalid(_, let reason): "invalid \(reason)"
        case .gone: "gone"
        case .lookedAtAll: "looked"
        }
    }

    /// Findings until that one; what is said twice on the way is no fault.
    private static func wait(for wanted: String, _ findings: inout Findings) async throws {
        while try await !next(&findings).hasPrefix(wanted) {}
    }

    @Test("what is there is read first; then each change, a hand edit too, and its end")
    func follows() async throws {
        let folder = try Folder()
        let book = RunStateBook(patterns: [folder.file.path], folder: folder.path)
        let fresh = try Folder.fresh()
        try folder.file.change { $0 = fresh }
        var findings = Self.watch(book).makeAsyncIterator()
        #expect(try await Self.next(&findings) == "work op 0")
        #expect(try await Self.next(&findings) == "looked")
        try folder.file.change { state throws(RunStateError) in try state?.step(at: "T") }
        try await Self.wait(for: "work op 1", &findings)
        try folder.write(String(decoding: fresh.bytes, as: UTF8.self).replacing("\"nextStep\": 1", with: "\"nextStep\": 7"))
        try await Self.wait(for: "work op 6", &findings)
        try folder.file.change { state throws(RunStateError) in try state?.end(nil, isDone: true, at: "T") }
        try await Self.wait(for: "nothing pending", &findings)
        unlink(folder.file.path)
        try await Self.wait(for: "gone", &findings)
    }

    @Test("an invalid edit is told once, with its reason, and nothing else is said until it is mended")
    func invalid() async throws {
        let folder = try Folder()
        let fresh = try Folder.fresh()
        try folder.file.change { $0 = fresh }
        var findings = Self.watch(RunStateBook(patterns: [folder.file.path], folder: folder.path)).makeAsyncIterator()
        try await Self.wait(for: "looked", &findings)
        let text = String(decoding: fresh.bytes, as: UTF8.self)
        try folder.write(text.replacing("\"nextStep\": 1", with: "\"nextStep\": \"two\""))
        #expect(try await Self.next(&findings).contains("'nextStep' must be a whole number"))
        try folder.write(text.replacing("\"nextStep\": 1", with: "\"nextStep\": 2"))
        try await Self.wait(for: "work op 1", &findings)
        try folder.write(String(text.dropLast(30)))
        try await Self.wait(for: "invalid the run state", &findings)
        try folder.write(text)
        try await Self.wait(for: "work op 0", &findings)
    }

    @Test("one that is begun elsewhere is watched once it is remembered, and patterns name many")
    func registry() async throws {
        let folder = try Folder()
        let book = RunStateBook(patterns: [folder.infra + "/*.json"], folder: folder.path)
        var findings = Self.watch(book).makeAsyncIterator()
        try await Self.wait(for: "looked", &findings)
        let (one, other) = (try Folder.fresh("one"), try Folder.fresh("other"))
        try RunStateFile(folder.infra + "/a.json").change { $0 = one }
        try await Self.wait(for: "work one", &findings)
        let elsewhere = try Folder()
        try elsewhere.file.change { $0 = other }
        try book.add(elsewhere.file.path)
        try await Self.wait(for: "work other", &findings)
        #expect(book.paths() == [folder.infra + "/a.json", elsewhere.file.path])
        try book.add(elsewhere.file.path)
        #expect(book.paths().count == 2 && book.standard == nil)
    }

    @Test("a registry that can't be read names nothing", arguments: ["", "[]", #"{"files": 5}"#, #"{"files": ["relative", 7]}"#])
    func badRegistry(text: String) throws {
        let folder = try Folder()
        let book = RunStateBook(patterns: [], folder: folder.path)
        try Data(text.utf8).write(to: URL(fileURLWithPath: book.registry))
        #expect(book.paths().isEmpty)
        try book.add(folder.file.path)
        #expect(book.paths() == [folder.file.path])
    }

    @Test("a file behind a link is watched where it lies")
    func linked() async throws {
        let folder = try Folder()
        let (real, state) = (RunStateFile(folder.path + "/real.json"), try Folder.fresh())
        try real.change { $0 = state }
        #expect(symlink(real.path, folder.file.path) == 0)
        let book = RunStateBook(patterns: [folder.file.path], folder: folder.infra)
        var findings = Self.watch(book).makeAsyncIterator()
        try await Self.wait(for: "looked", &findings)
        try real.change { state throws(RunStateError) in try state?.step(at: "T") }
        try await Self.wait(for: "work op 1", &findings)
    }

    @Test("a file cut off right behind a bracket is waited for as any half-written one is")
    func cutBehindBracket() async throws {
        let folder = try Folder()
        let fresh = try Folder.fresh()
        let text = String(decoding: fresh.bytes, as: UTF8.self)
        let cut = try #require(text.firstIndex(of: "]"))
        try folder.write(String(text[...cut]))
        var findings = Self.watch(RunStateBook(patterns: [folder.file.path], folder: folder.path)).makeAsyncIterator()
        #expect(try await Self.next(&findings).contains("stays half written"))
    }

    @Test("a ledger's folder that is a link holds a registry all the same")
    func linkedLedger() throws {
        let folder = try Folder()
        let ledger = try Folder()
        #expect(symlink(ledger.infra, folder.path + "/ledger") == 0)
        let book = RunStateBook(patterns: [], folder: folder.path + "/ledger")
        try book.add(folder.file.path)
        #expect(book.paths() == [folder.file.path] && book.names(folder.file.path))
    }
}
