import Foundation
import Synchronization
import Testing
import WakeCore

@testable import ReveilleConfiguration

@Suite("Accepted patches on the disk")
struct DurabilityTests {
    /// Pulls the plug at one step: that step is done by half or not at all, and no later one is done.
    private final class Plug: FileOperations {
        private let disk = DiskOperations()
        private let stepsLeft: Mutex<Int>
        private let tears: Bool

        init(afterSteps steps: Int, tears: Bool) {
            stepsLeft = Mutex(steps)
            self.tears = tears
        }

        var isPulled: Bool { stepsLeft.withLock { $0 < 0 } }

        private func step() throws(FileFault) {
            let left = stepsLeft.withLock { left in
                left -= 1
                return left
            }
            if left < 0 { throw FileFault(number: EIO) }
        }

        func makeDirectory(_ path: String) throws(FileFault) {
            try step()
            try disk.makeDirectory(path)
        }

        func write(_ bytes: [UInt8], to path: String) throws(FileFault) {
            do { try step() } catch {
                if tears { try? disk.write(Array(bytes.prefix(bytes.count / 2)), to: path) }
                throw error
            }
            try disk.write(bytes, to: path)
        }

        func rename(_ path: String, to other: String) throws(FileFault) {
            try step()
            try disk.rename(path, to: other)
        }

        func syncDirectory(_ path: String) throws(FileFault) {
            try step()
            try disk.syncDirectory(path)
        }

        func remove(_ path: String) {
            if !isPulled { disk.remove(path) }
        }
    }

    @Test(
        "wherever the plug is pulled, the configuration is the one before or the one after, and the next change works",
        arguments: [false, true])
    func crashes(tears: Bool) throws {
        var steps = 0
        var outcomes: Set<String> = []
        while true {
            let scratch = try Scratch()
            let store = try scratch.store("{ log: { level: 'trace' } }")
            try store.patch("{ log: { level: 'error' } }")
            let plug = Plug(afterSteps: steps, tears: tears)
            let dying = try scratch.store("{ log: { level: 'trace' } }", operations: plug)
            let answer = Result { try dying.patch("{ log: { level: 'debug' } }") }
            let after = try store.current()
            #expect(after.configuration.warnings.isEmpty)
            let level = after.configuration.log.level
            outcomes.insert(level)
            #expect(level == "error" || level == "debug")
            if case .success = answer { #expect(level == "debug") }
            if case .failure = answer { #expect(level == "error", "step \(steps)") }
            #expect(try store.log(limit: 9).map(\.number) == (level == "debug" ? [2, 1] : [1]))
            let next = try store.patch("{ wake: { holdFor: '1d' } }")
            #expect(try store.log(limit: 1) == [next])
            #expect(try store.configuration.log.level == level)
            if !plug.isPulled { break }
            steps += 1
        }
        #expect(steps > 7)
        #expect(outcomes == ["error", "debug"])
    }

    @Test("a layer that is torn gives way to the last good one, and none of it keeps the daemon from starting")
    func torn() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        try store.patch("{ log: { level: 'error' } }")
        try store.patch("{ log: { level: 'debug' } }")
        let path = store.directory + "/patches.json"
        let whole = try BoundedFile.read(path, maximumBytes: 9_999)
        for length in [0, 1, whole.count / 2, whole.count - 2] {
            try DiskOperations().write(Array(whole.prefix(length)), to: path)
            let configuration = try store.configuration
            #expect(configuration.log.level == "debug", "\(length)")
            #expect(configuration.warnings.count == 1)
            #expect(configuration.warnings[0].contains("the last good ones are in force"))
        }
        let entry = try store.patch("{ wake: { holdFor: '1d' } }")
        #expect(entry.number == 3)
        #expect(try store.configuration.warnings.isEmpty)
        try DiskOperations().write([], to: path)
        try DiskOperations().write([], to: store.directory + "/last-good.json")
        let bare = try store.configuration
        #expect(bare.log.level == "info")
        #expect(bare.warnings.count == 1)
        #expect(try store.refusal(of: "{ log: { level: 'trace' } }").code == .storage)
        // To revert is to build the layer anew from the log.
        _ = try store.commit(store.planRevert(of: 3), by: "", note: nil, session: nil, at: 0)
        #expect(try store.configuration.log.level == "debug")
        #expect(try store.log(limit: 1)[0].number == 4)
    }

    @Test("a file that a person changes so that the accepted patches no longer fit does not stop the daemon")
    func misfit() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        try store.patch("{ delivery: { backoffBase: '30s' } }")
        try scratch.write("reveille.json5", "{ delivery: { backoffCap: '10s' } }")
        let configuration = try store.configuration
        #expect(configuration.deliveries.backoffBase == .milliseconds(250))
        #expect(configuration.warnings.count == 1)
        #expect(configuration.warnings[0].contains("backoffBase"))
        try scratch.write("reveille.json5", "{ delivery: { backoffCap: 'x' } }")
        let problems = #expect(throws: ConfigurationProblems.self) { try store.current() }
        #expect(problems?.list.map(\.path) == ["delivery.backoffCap"])
    }

    @Test("of two that change the same configuration at once, one wins and the other learns the new digest")
    func races() async throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        for round in 1...5 {
            let plans = try (1...4).map { try store.planPatch("{ wake: { holdFor: '\(round)\($0)h' } }") }
            let results = try await withThrowingTaskGroup(of: Result<Int, any Error>.self) { group in
                for plan in plans {
                    group.addTask {
                        Result { try store.commit(plan, by: "", note: nil, session: nil, at: 0).number }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let won = results.compactMap { try? $0.get() }
            #expect(won == [round])
            for case .failure(let error) in results {
                #expect((error as? ChangeFault)?.code == .conflict(currentHash: try store.current().hash))
            }
        }
        #expect(try store.log(limit: 3).map(\.number) == [5, 4, 3])
    }

    @Test("while another process holds the lock, a change waits and is then refused")
    func locked() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        try store.patch("{ log: { level: 'error' } }")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "exec 9>>\(store.directory)/lock; flock 9; echo held; read line"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        #expect(output.fileHandleForReading.availableData == Data("held\n".utf8))
        let fault = #expect(throws: ChangeFault.self) { try store.patch("{ log: { level: 'debug' } }") }
        #expect(fault?.code == .locked)
        #expect(try store.configuration.log.level == "error")
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        #expect(try store.patch("{ log: { level: 'debug' } }").number == 2)
    }

    @Test("what root accepts belongs to the daemon's user", .enabled(if: SmallDisk.isAllowed))
    func ownership() throws {
        let scratch = try Scratch()
        try DiskOperations().makeDirectory(scratch.path + "/ledger")
        chown(scratch.path + "/ledger", 1_234, 1_234)
        let store = try scratch.store()
        try store.patch("{ log: { level: 'error' } }")
        for name in ["", "/lock", "/patches.json", "/last-good.json", "/log", "/log/00000001.json"] {
            var status = stat()
            #expect(stat(store.directory + name, &status) == 0 && status.st_uid == 1_234, "\(name)")
            #expect(status.st_mode & 0o077 == 0)
        }
    }

    @Test("a full disk leaves the configuration as it was", .enabled(if: SmallDisk.isAllowed))
    func fullDisk() throws {
        let scratch = try Scratch()
        let disk = try SmallDisk(kibibytes: 64)
        let file = try scratch.write("reveille.json5", "{}")
        let store = try ConfigurationStore(loader: scratch.loader(file, set: ["ledger.directory=\(disk.path)"]))
        try store.patch("{ log: { level: 'error' } }")
        let hash = try store.current().hash
        var codes: [ChangeFault.Code] = []
        // From no page left to some: every write of a change is once the one that fails.
        for freePages in 0..<4 {
            disk.fill(leavingPages: freePages)
            do {
                try store.patch("{ log: { level: 'debug' } }")
                #expect(try store.configuration.log.level == "debug")
                break
            } catch let fault as ChangeFault {
                codes.append(fault.code)
                #expect(fault.code == .diskFull)
                #expect(try store.current().hash == hash)
                #expect(try store.configuration.warnings.isEmpty)
                #expect(try store.log(limit: 9).count == 1)
            }
            disk.unfill()
        }
        #expect(codes.count >= 2)
        disk.unfill()
        _ = try? store.patch("{ log: { level: 'trace' } }")
        #expect(try store.configuration.log.level == "trace")
        disk.makeReadOnly()
        let fault = #expect(throws: ChangeFault.self) { try store.patch("{ log: { level: 'debug' } }") }
        #expect(fault?.code == .storage)
    }
}

/// A file system of its own of few pages. Needs root.
final class SmallDisk {
    let path: String
    private let bytes: Int

    init(kibibytes: Int) throws {
        path = FileManager.default.temporaryDirectory.path + "/configuration-tmpfs-\(UUID().uuidString)"
        bytes = kibibytes * 1_024
        mkdir(path, 0o700)
        try #require(mount("tmpfs", path, "tmpfs", 0, "size=\(kibibytes)k,mode=0700") == 0, "mount: \(errno)")
    }

    func fill(leavingPages pages: Int) {
        let file = open(path + "/filler", O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
        let page = [UInt8](repeating: 7, count: 4_096)
        var size: off_t = 0
        while write(file, page, page.count) > 0 { size += off_t(page.count) }
        ftruncate(file, max(0, size - off_t(pages * page.count)))
        close(file)
    }

    func unfill() { unlink(path + "/filler") }

    func makeReadOnly() { _ = mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT | MS_RDONLY), "") }

    deinit {
        umount2(path, Int32(MNT_DETACH))
        rmdir(path)
    }

    static var isAllowed: Bool { geteuid() == 0 || ProcessInfo.processInfo.environment["CI"] == "true" }
}
