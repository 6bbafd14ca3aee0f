import Foundation
import Glibc
import RunStates
import Testing
import WakeCore

@testable import RunStateFiles

/// A folder of its own.
struct Folder: ~Copyable {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("runs-\(UUID())").path
    var infra: String { path + "/infra" }
    var file: RunStateFile { RunStateFile(infra + "/runstate.json") }

    init() throws { try FileManager.default.createDirectory(atPath: infra, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    static func fresh(_ operation: String = "op") throws -> RunState {
        RunState(
            operation: operation, goal: "g", plan: (1...50).map { "\($0))" }, session: try SessionKey("agent:main:main"),
            place: nil,
            at: "T")
    }

    func write(_ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: file.path)) }
    var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: infra).sorted() } }
}

@Suite("Run states on disk")
struct RunStateFileTests {
    @Test("one is made, changed and read; nothing is left beside it but its lock")
    func whole() throws {
        let folder = try Folder()
        let missing = #expect(throws: RunStateError.self) { try folder.file.read() }
        #expect(missing?.code == .missing)
        let fresh = try Folder.fresh()
        try folder.file.change { $0 = fresh }
        try folder.file.change { state throws(RunStateError) in try state?.step(at: "T2") }
        #expect(try folder.file.read().state.nextStep == 2)
        #expect(try folder.names == [".runstate.json.lock", "runstate.json"])
    }

    @Test("a change that fails leaves the old file, and its mode stays what it was")
    func failedChange() throws {
        let folder = try Folder()
        let fresh = try Folder.fresh()
        try folder.file.change { $0 = fresh }
        chmod(folder.file.path, 0o640)
        #expect(throws: RunStateError.self) {
            try folder.file.change { state throws(RunStateError) in try state?.step(to: 99, at: "T") }
        }
        #expect(try folder.file.read().state == fresh)
        try folder.file.change { state throws(RunStateError) in try state?.step(at: "T") }
        var status = stat()
        #expect(stat(folder.file.path, &status) == 0 && status.st_mode & 0o777 == 0o640)
    }

    @Test("two writers at once each keep their change")
    func together() async throws {
        let folder = try Folder()
        let fresh = try Folder.fresh()
        try folder.file.change { $0 = fresh }
        let file = folder.file
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask { _ = try file.change { $0?.log("writer \(number)", at: "T") } }
            }
            try await group.waitForAll()
        }
        #expect(try Set(file.read().state.progressLog).count == 41)
    }

    @Test("who edits by hand between our look and our write is not overwritten")
    func handEdit() throws {
        let folder = try Folder()
        let fresh = try Folder.fresh()
        try folder.file.change { $0 = fresh }
        let (file, path) = (folder.file, folder.file.path)
        var calls = 0
        let state = try file.change { state throws(RunStateError) in
            calls += 1
            if calls == 1 {
                var edited = fresh
                edited.note("by hand", as: "who", at: "T")
                try? Data(edited.bytes).write(to: URL(fileURLWithPath: path))
            }
            try state?.step(at: "T")
        }
        #expect(calls == 2 && state.nextStep == 2 && state.context["who"] == "by hand")
    }

    @Test("deleted while it is changed: said, and not made anew")
    func deleted() throws {
        let folder = try Folder()
        let fresh = try Folder.fresh()
        try folder.file.change { $0 = fresh }
        let path = folder.file.path
        let error = #expect(throws: RunStateError.self) {
            try folder.file.change { state throws(RunStateError) in
                unlink(path)
                try state?.step(at: "T")
            }
        }
        #expect(error?.code == .missing && error?.message.contains("was deleted while it was changed") == true)
        #expect(try folder.names == [".runstate.json.lock"])
    }

    @Test("100 MiB are not read")
    func huge() throws {
        let folder = try Folder()
        try folder.write("{}")
        truncate(folder.file.path, 100 << 20)
        let error = #expect(throws: RunStateError.self) { try folder.file.read() }
        #expect(error?.code == .tooLarge && error?.message.contains("104857600 bytes") == true)
    }

    @Test(
        "a link within the workspace is followed, and stays a link; one that leads out is refused, and nothing is written there")
    func links() throws {
        let folder = try Folder()
        let fresh = try Folder.fresh()
        let inner = folder.path + "/real.json"
        #expect(symlink(inner, folder.file.path) == 0)
        try Data(fresh.bytes).write(to: URL(fileURLWithPath: inner))
        try folder.file.change { state throws(RunStateError) in try state?.step(at: "T") }
        #expect(try RunStateFile(inner).read().state.nextStep == 2)
        unlink(folder.file.path)
        let other = try Folder()
        let secret = other.infra + "/secret.json"
        try Data(fresh.bytes).write(to: URL(fileURLWithPath: secret))
        #expect(symlink(secret, folder.file.path) == 0)
        for attempt in [{ _ = try folder.file.read() }, { _ = try folder.file.change { $0?.log("x", at: "T") } }] {
            let error = #expect(throws: RunStateError.self) { try attempt() }
            #expect(error?.message.contains("a link out of its workspace") == true)
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: secret)) == Data(fresh.bytes))
    }

    @Test("what is no plain file is not waited for", arguments: ["pipe", "folder"])
    func oddFiles(kind: String) throws {
        let folder = try Folder()
        #expect((kind == "pipe" ? mkfifo(folder.file.path, 0o600) : mkdir(folder.file.path, 0o700)) == 0)
        let error = #expect(throws: RunStateError.self) { try folder.file.read() }
        #expect(error?.message.contains("no plain file") == true)
    }

    @Test("one of somebody who does not own its folder is not believed", .enabled(if: geteuid() == 0))
    func owner() throws {
        let folder = try Folder()
        try folder.write("{}")
        chown(folder.file.path, 12_345, 12_345)
        let error = #expect(throws: RunStateError.self) { try folder.file.read() }
        #expect(error?.message.contains("belongs to user 12345") == true)
        chown(folder.infra, 12_345, 12_345)
        #expect(throws: RunStateError.self) { try folder.file.read() }
    }

    @Test("a full disk and a read-only one leave the old file whole, and say what to do", .enabled(if: geteuid() == 0))
    func disks() throws {
        let folder = try Folder()
        try #require(mount("tmpfs", folder.infra, "tmpfs", 0, "size=16k") == 0)
        defer { umount2(folder.infra, Int32(MNT_DETACH)) }
        let fresh = try Folder.fresh()
        try folder.file.change { $0 = fresh }
        try Data(repeating: 0x20, count: 8_192).write(to: URL(fileURLWithPath: folder.infra + "/ballast"))
        let full = #expect(throws: RunStateError.self) {
            try folder.file.change { $0?.note(String(repeating: "n", count: 9_000), as: "long", at: "T") }
        }
        #expect(full?.hint.contains("Make room") == true, "\(String(describing: full))")
        #expect(try folder.file.read().state == fresh)
        #expect(try folder.names == [".runstate.json.lock", "ballast", "runstate.json"])
        try #require(mount("none", folder.infra, nil, UInt(MS_REMOUNT | MS_RDONLY), nil) == 0)
        let readOnly = #expect(throws: RunStateError.self) { try folder.file.change { $0?.log("x", at: "T") } }
        #expect(readOnly?.hint.contains("read-only") == true, "\(String(describing: readOnly))")
        #expect(try folder.file.read().state == fresh)
    }

    @Test("no folder, no permission: the path is named")
    func noFolder() throws {
        let fresh = try Folder.fresh()
        let file = RunStateFile("/nonexistent/infra/runstate.json")
        let error = #expect(throws: RunStateError.self) { try file.change { $0 = fresh } }
        #expect(error?.message.contains("/nonexistent/infra/runstate.json") == true)
    }

    @Test("a folder that is a link: within the workspace it is followed, out of it refused")
    func linkedFolders() throws {
        let folder = try Folder()
        let other = try Folder()
        let fresh = try Folder.fresh()
        for (target, isInside) in [(folder.path + "/infra", true), (other.infra, false)] {
            let link = folder.path + "/linked"
            unlink(link)
            #expect(symlink(target, link) == 0)
            let file = RunStateFile(link + "/runstate.json")
            if isInside {
                try file.change { $0 = fresh }
                #expect(try folder.file.read().state == fresh)
            } else {
                let error = #expect(throws: RunStateError.self) { try file.change { $0 = fresh } }
                #expect(error?.message.contains("a link out of its workspace") == true)
                #expect(try other.names.isEmpty)
            }
        }
    }

    @Test("who never lets go of the lock is named after a while; nothing is changed meanwhile")
    func heldLock() throws {
        let folder = try Folder()
        let fresh = try Folder.fresh()
        try folder.file.change { $0 = fresh }
        let lock = try FileLock(beside: folder.file)
        let error = #expect(throws: RunStateError.self) {
            try folder.file.change(patienceMilliseconds: 20) { $0?.log("x", at: "T") }
        }
        #expect(error?.code == .conflict && error?.hint.contains(".runstate.json.lock") == true)
        lock.release()
        try folder.file.change { $0?.log("x", at: "T") }
        #expect(try folder.file.read().state.progressLog.count == 2)
    }

    @Test("what a change left that was cut off is in nobody's way")
    func leftOver() throws {
        let folder = try Folder()
        let fresh = try Folder.fresh()
        try Data("half".utf8).write(to: URL(fileURLWithPath: folder.infra + "/.runstate.json.new"))
        try folder.file.change { $0 = fresh }
        #expect(try folder.names == [".runstate.json.lock", "runstate.json"])
    }

    @Test("what root makes or changes stays its owner's", .enabled(if: geteuid() == 0))
    func ownership() throws {
        func owner(_ path: String) -> [UInt32] {
            var status = stat()
            return stat(path, &status) == 0 ? [status.st_uid, status.st_gid] : []
        }
        let folder = try Folder()
        chown(folder.infra, 12_345, 12_346)
        let fresh = try Folder.fresh()
        try folder.file.change { $0 = fresh }
        for name in try folder.names { #expect(owner("\(folder.infra)/\(name)") == [12_345, 12_346], "\(name)") }
        chown(folder.file.path, 12_345, 12_347)
        try folder.file.change { $0?.log("x", at: "T") }
        #expect(owner(folder.file.path) == [12_345, 12_347])
    }
}
