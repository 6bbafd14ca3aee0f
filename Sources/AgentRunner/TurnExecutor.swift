import CLinux
import Foundation
import Glibc
import Synchronization
import WakeCore

/// Runs one turn to its end, in a process of its own: what `reveille turn-exec FOLDER` does. What is left among the children of that process
/// is ended, whoever began it.
///
/// The command gets a process group of its own. It ends with its main process: whatever that has left in the background is ended, and
/// nothing waits for a pipe that such a one holds open. What it prints beyond the limit is read and dropped, so that it never blocks and
/// never fills the disk.
public enum TurnExecutor {
    /// From being asked to end to being made to.
    static let patienceMilliseconds: Int64 = 10_000

    /// Runs it.
    ///
    /// - Parameter path: the turn's folder.
    /// - Returns: the exit code for the service manager: the command's own; 128 and the signal's number where one ended it.
    public static func run(_ path: String) -> Int32 {
        let folder = TurnFolder(path: path)
        guard folder.result == nil, let order = folder.order else { return 66 }
        // Heard from before anybody can know of us.
        guard let words = TerminationWords() else { return 71 }
        // Somebody else runs it, or did, or nobody is to any more.
        guard folder.claim(as: "taken") else { return 75 }
        do { try folder.write(TurnFolder.Process.current()) } catch {
            // Nothing has run, and nobody else could: whoever looks for it finds that nobody has it.
            folder.unclaim()
            return 74
        }
        var execution = Execution(order, folder, words)
        let result = execution.run()
        while folder.exists {
            do {
                try folder.write(result)
                break
            } catch {
                // The disk is full: the result is worth waiting for room.
                sleep(1)
            }
        }
        return result.notStarted != nil ? 127 : result.signal.map { 128 + $0 } ?? result.code ?? 1
    }
}

/// The write end of the pipe that tells of a SIGTERM.
private let terminationPipe = Atomic<Int32>(-1)

/// A pipe that no command inherits; nil where none can be had.
private func closedPipe() -> (reading: Int32, writing: Int32)? {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
}

/// That we were asked to end, as something that can be polled.
private struct TerminationWords {
    let descriptor: Int32

    init?() {
        guard let ends = closedPipe() else { return nil }
        descriptor = ends.reading
        terminationPipe.store(ends.writing, ordering: .sequentiallyConsistent)
        signal(SIGTERM) { _ in
            var byte: UInt8 = 0
            _ = write(terminationPipe.load(ordering: .sequentiallyConsistent), &byte, 1)
        }
    }
}

/// What a command leaves running when it has ended: it becomes our child, wherever it has put itself, and is ended.
private enum Orphans {
    static func adopt() { _ = reveille_adopt_orphans() }

    /// Ends all of them, and theirs, which become our children then.
    static func end(within milliseconds: Int64) {
        let due = DispatchTime.now() + .milliseconds(Int(milliseconds))
        while DispatchTime.now() < due {
            for child in children() { kill(child, SIGKILL) }
            var status: Int32 = 0
            let ended = waitpid(-1, &status, WNOHANG)
            if ended < 0, errno == ECHILD { return }
            if ended == 0 { usleep(1_000) }
        }
    }

    private static func children() -> [pid_t] {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        return threads.flatMap { thread in
            let text = (try? String(contentsOfFile: "/proc/self/task/\(thread)/children", encoding: .utf8)) ?? ""
            return text.split(separator: " ").compactMap { pid_t($0) }
        }
    }
}

/// One command, from its start to its end.
private struct Execution {
    private let words: TerminationWords
    let order: TurnFolder.Order
    let folder: TurnFolder
    private var isToldToEnd = false
    private var isOverTime = false

    init(_ order: TurnFolder.Order, _ folder: TurnFolder, _ words: TerminationWords) {
        self.words = words
        self.order = order
        self.folder = folder
    }

    mutating func run() -> TurnFolder.Result {
        guard let output = closedPipe(), let exits = closedPipe() else {
            return failed("no pipe could be made: \(String(cString: strerror(errno)))")
        }
        // The process is the turn's own, so its folder may be as well.
        guard chdir(order.directory) == 0 else {
            return failed("the folder '\(order.directory)' can't be entered: \(String(cString: strerror(errno)))")
        }
        Orphans.adopt()
        let child: pid_t
        switch spawn(writingTo: output.writing) {
        case .success(let pid): child = pid
        case .failure(let fault): return failed(fault.description)
        }
        close(output.writing)
        // Known for the case that we are killed. Without room for it the turn goes on all the same.
        try? folder.write(command: .ofThisBoot(child))
        let status = Mutex<Int32>(0)
        let exitEnd = exits.writing
        Thread.detachNewThread {
            var code: Int32 = 0
            while waitpid(child, &code, 0) < 0, errno == EINTR {}
            status.withLock { $0 = code }
            close(exitEnd)
        }
        follow(child, output: output.reading, exit: exits.reading, words: words.descriptor)
        // What it left behind, in its group and out of it.
        kill(-child, SIGKILL)
        Orphans.end(within: TurnExecutor.patienceMilliseconds)
        return ended(status.withLock(\.self))
    }

    /// Reads what it prints until it has ended; makes it end when it must.
    private mutating func follow(_ child: pid_t, output: Int32, exit: Int32, words: Int32) {
        let kept = open(folder.output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        var room = order.outputBytes
        var polled = [
            pollfd(fd: output, events: Int16(POLLIN), revents: 0), pollfd(fd: exit, events: Int16(POLLIN), revents: 0),
            pollfd(fd: words, events: Int16(POLLIN), revents: 0),
        ]
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let due = Self.now() + order.timeLimitSeconds * 1_000
        var killAt: Int64?
        defer { if kept >= 0 { close(kept) } }
        while true {
            let wait = max(0, (killAt ?? due) - Self.now())
            poll(&polled, 3, Int32(clamping: wait))
            if polled[0].revents != 0, !read(output, &buffer, kept, &room) { polled[0].fd = -1 }
            if polled[1].revents != 0 { break }
            if polled[2].revents != 0 {
                (isToldToEnd, polled[2].fd) = (true, -1)
                kill(-child, SIGTERM)
                killAt = Self.now() + TurnExecutor.patienceMilliseconds
            }
            if let at = killAt {
                if Self.now() >= at { kill(-child, SIGKILL) }
            } else if Self.now() >= due {
                isOverTime = true
                kill(-child, SIGTERM)
                killAt = Self.now() + TurnExecutor.patienceMilliseconds
            }
        }
        // What is in the pipe by now, and no more: others may hold it open.
        _ = fcntl(output, F_SETFL, O_NONBLOCK)
        while polled[0].fd >= 0, room > 0, read(output, &buffer, kept, &room) {}
        if kept >= 0 { fsync(kept) }
    }

    /// Returns false where nothing more comes.
    private func read(_ output: Int32, _ buffer: inout [UInt8], _ kept: Int32, _ room: inout Int) -> Bool {
        let count = Glibc.read(output, &buffer, buffer.count)
        if count < 0, errno == EINTR { return true }
        guard count > 0 else { return false }
        let taken = min(room, count)
        if kept >= 0, taken > 0 { _ = write(kept, buffer, taken) }
        room -= taken
        return true
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }

    private func spawn(writingTo output: Int32) -> Result<pid_t, TurnFault> {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, order.readsInput ? folder.input : "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setpgroup(&attributes, 0)
        var defaults = sigset_t()
        sigfillset(&defaults)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        // This thread is one of a pool, which blocks nearly all signals: the command would never hear that it is to end.
        var blocked = sigset_t()
        sigemptyset(&blocked)
        posix_spawnattr_setsigmask(&attributes, &blocked)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var environment = Self.inheritable(ProcessInfo.processInfo.environment)
        for (name, value) in order.environment { environment[name] = value }
        // The command is looked for where its own environment says. This process is the turn's own.
        if let path = environment["PATH"] { setenv("PATH", path, 1) }
        var arguments = order.arguments.map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in arguments + variables { free(pointer) } }
        var child: pid_t = 0
        var code: Int32 = 0
        // Somebody has just written the program, or is at it: mostly for a moment (execve(2), ETXTBSY).
        for _ in 0..<50 {
            code = posix_spawnp(&child, order.arguments[0], &actions, &attributes, &arguments, &variables)
            guard code == ETXTBSY else { break }
            usleep(10_000)
        }
        return code == 0 ? .success(child) : .failure(TurnFault("'\(order.arguments[0])' could not be started", code))
    }

    /// What the command gets of our environment. All else may be a secret of the daemon's, or speak to a service manager in its name.
    private static func inheritable(_ environment: [String: String]) -> [String: String] {
        let names: Set<String> = [
            "HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "LANGUAGE", "TZ", "TMPDIR", "SSH_AUTH_SOCK",
            "DBUS_SESSION_BUS_ADDRESS",
        ]
        return environment.filter { names.contains($0.key) || $0.key.hasPrefix("LC_") || $0.key.hasPrefix("XDG_") }
    }

    private func failed(_ reason: String) -> TurnFolder.Result { result { $0.notStarted = reason } }

    private func ended(_ status: Int32) -> TurnFolder.Result {
        result {
            if status & 0x7F == 0 { $0.code = (status >> 8) & 0xFF } else { $0.signal = status & 0x7F }
            if isToldToEnd, folder.isCancelled { $0.isCancelled = true } else if isToldToEnd { $0.isStopped = true }
            if isOverTime { $0.isOverTime = true }
        }
    }

    private func result(_ fill: (inout TurnFolder.Result) -> Void) -> TurnFolder.Result {
        var result = TurnFolder.Result(at: Int64(Date().timeIntervalSince1970 * 1_000))
        fill(&result)
        return result
    }
}
