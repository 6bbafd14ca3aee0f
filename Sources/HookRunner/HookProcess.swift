import CLinux
import Foundation
import Glibc
import Synchronization

/// One hook, from its start to its end, on the thread that calls.
///
/// It gets a process group of its own, which ends with its main process: what it leaves in the background in that group is ended, and
/// nothing waits for a pipe that such a one holds open. What it prints beyond the limit is read and dropped.
struct HookProcess {
    /// How it ended.
    enum End: Hashable {
        /// With an exit code.
        case exited(Int32)
        /// By a signal.
        case signalled(Int32)
        /// It was ended, since the time was over.
        case overTime
        /// It was ended, since the daemon stops.
        case stopped
        /// It could not be started.
        case notStarted(String)

        /// Why that is a failure; nil where it is none.
        var failure: String? {
            switch self {
            case .exited(0): nil
            case .exited(let code): "exit code \(code)"
            case .signalled(let number): "ended by signal \(number)"
            case .overTime: "not done in time, and ended"
            case .stopped: "ended, since the daemon stops"
            case .notStarted(let reason): reason
            }
        }
    }

    /// How much of what a hook prints is kept, in bytes.
    static let keptBytes = 8 * 1024

    /// From SIGKILL to giving up on it.
    static let patienceMilliseconds: Int64 = 5_000

    let path: String
    let environment: [String: String]
    /// When it is ended, in milliseconds of boottime.
    let deadline: Int64
    /// Readable once the daemon stops; -1: never.
    var stop: Int32 = -1

    /// Runs it.
    ///
    /// - Returns: how it ended, and the first ``keptBytes`` of what it printed.
    func run() -> (end: End, output: [UInt8]) {
        guard let output = Self.pipe(), let exits = Self.pipe() else {
            return (.notStarted("no pipe could be made: \(String(cString: strerror(errno)))"), [])
        }
        defer { close(output.reading) }
        let (code, child) = spawn(writingTo: output.writing)
        close(output.writing)
        guard code == 0 else {
            close(exits.reading)
            close(exits.writing)
            return (.notStarted("can't be started: \(String(cString: strerror(code)))"), [])
        }
        let status = Mutex<Int32>(0)
        let exitEnd = exits.writing
        Thread.detachNewThread {
            var code: Int32 = 0
            while waitpid(child, &code, 0) < 0, errno == EINTR {}
            status.withLock { $0 = code }
            close(exitEnd)
        }
        var kept: [UInt8] = []
        let early = follow(child, output: output.reading, exit: exits.reading, &kept)
        close(exits.reading)
        kill(-child, SIGKILL)
        let word = status.withLock(\.self)
        return (early ?? (word & 0x7F == 0 ? .exited((word >> 8) & 0xFF) : .signalled(word & 0x7F)), kept)
    }

    /// Reads what it prints until it has ended; ends it when it must.
    private func follow(_ child: pid_t, output: Int32, exit: Int32, _ kept: inout [UInt8]) -> End? {
        var polled = [output, exit, stop].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var early: End?
        var until = deadline
        while true {
            let left = max(0, until - Self.now())
            let count = poll(&polled, 3, Int32(clamping: left))
            if count < 0 { continue }
            if polled[0].revents != 0, !read(output, &kept) { polled[0].fd = -1 }
            if polled[1].revents != 0 { break }
            let isOver = Self.now() >= until
            // One that even SIGKILL does not end, since its disk does not answer, is left to itself.
            if early != nil, isOver { break }
            guard early == nil, isOver || polled[2].revents != 0 else { continue }
            early = isOver ? .overTime : .stopped
            polled[2].fd = -1
            until = Self.now() + Self.patienceMilliseconds
            kill(-child, SIGKILL)
            kill(child, SIGKILL)
        }
        // What is in the pipe by now, and no more: others may hold it open.
        _ = fcntl(output, F_SETFL, O_NONBLOCK)
        while polled[0].fd >= 0, kept.count < Self.keptBytes, read(output, &kept) {}
        return early
    }

    /// Returns false where nothing more comes.
    private func read(_ output: Int32, _ kept: inout [UInt8]) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        let count = Glibc.read(output, &buffer, buffer.count)
        if count < 0, errno == EINTR { return true }
        guard count > 0 else { return false }
        kept += buffer.prefix(min(count, Self.keptBytes - kept.count))
        return true
    }

    /// 10 ms apart.
    private static let startTries = 50

    private func spawn(writingTo output: Int32) -> (code: Int32, child: pid_t) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setpgroup(&attributes, 0)
        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var arguments = [strdup(path), nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in arguments + variables { free(pointer) } }
        var child: pid_t = 0
        var code: Int32 = 0
        // Somebody has it open for writing, or a child of somebody's who has just written it: mostly for a moment (execve(2), ETXTBSY).
        for _ in 0..<Self.startTries {
            code = posix_spawn(&child, path, &actions, &attributes, &arguments, &variables)
            guard code == ETXTBSY else { break }
            usleep(10_000)
        }
        return (code, child)
    }

    private static func pipe() -> (reading: Int32, writing: Int32)? {
        var ends: [Int32] = [-1, -1]
        return pipe2(&ends, O_CLOEXEC) == 0 ? (ends[0], ends[1]) : nil
    }

    /// Milliseconds of boottime.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
