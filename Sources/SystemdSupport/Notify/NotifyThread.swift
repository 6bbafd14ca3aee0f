import CSystemd
import Foundation
import Glibc
import Logging
import WakeCore
import WakeService

/// The receiver's thread: `claims` and all that is counted are touched by it alone.
final class NotifyThread: @unchecked Sendable {
    /// What was turned away since it was last said.
    private struct Refused {
        var counts: [String: Int] = [:]
        var example: String?
        var saidAtMicroseconds: Int64?
    }

    /// How often it is said what was turned away.
    private static let sayEveryMicroseconds: Int64 = 60_000_000
    /// Datagrams of one user that are read within a second; what comes beyond is thrown away unread, so that nobody can keep us busy,
    /// and no user's flood drowns another's reports.
    private static let mostPerSecond = 2_000

    /// How soon a process is looked at whose end can't be waited for.
    private static let lookEveryMilliseconds: Int32 = 100

    private let descriptor: Int32
    private let bell: Int32
    private let moments: any MomentSource
    private let logger: Logger
    private let directives: AsyncStream<ChannelClaims.Directive>.Continuation
    private let isStopping: @Sendable () -> Bool
    private var claims: ChannelClaims
    private var refused = Refused()
    private var processes: [Int32: Int32] = [:]
    private var units: Int32 = -1
    private var isLookOwed = false
    private var second: (begunMicroseconds: Int64, counts: [UInt32: Int]) = (0, [:])

    init(
        descriptor: Int32, bell: Int32, claims: ChannelClaims, moments: any MomentSource, logger: Logger,
        directives: AsyncStream<ChannelClaims.Directive>.Continuation, isStopping: @escaping @Sendable () -> Bool
    ) {
        self.descriptor = descriptor
        self.bell = bell
        self.claims = claims
        self.moments = moments
        self.logger = logger
        self.directives = directives
        self.isStopping = isStopping
    }

    func start() {
        let thread = Thread { [self] in
            units = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
            for folder in [Reporter.unitFolder, Reporter.userUnitFolder].compactMap({ $0 }) {
                inotify_add_watch(units, folder, UInt32(IN_CREATE | IN_DELETE | IN_MOVED_TO))
            }
            while !isStopping() { turn() }
            for pidfd in processes.values { close(pidfd) }
            close(units)
            directives.finish()
        }
        thread.name = "notify"
        thread.start()
    }

    private func turn() {
        isLookOwed = false
        watchReporters()
        var waits = [descriptor, bell, units].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        waits += processes.values.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        poll(&waits, nfds_t(waits.count), timeoutMilliseconds())
        var count: UInt64 = 0
        eventfd_read(bell, &count)
        if waits[2].revents != 0 { drainUnits() }
        if waits[0].revents != 0 { receive() }
        pass(claims.looked(isAlive: \.isAlive, at: moments.now()))
        sayRefused()
    }

    /// One pidfd for each process that a claim hangs on.
    private func watchReporters() {
        let wanted = Set(claims.claims.values.filter(\.hangsOnProcess).map(\.reporter.pid))
        for (pid, pidfd) in processes where !wanted.contains(pid) {
            close(pidfd)
            processes[pid] = nil
        }
        for pid in wanted where processes[pid] == nil {
            let pidfd = reveille_pidfd_open(pid)
            if pidfd >= 0 { processes[pid] = pidfd }
            // One that has ended meanwhile has no end to wait for; nor has one that can't be waited for.
            if pidfd < 0 { isLookOwed = true }
        }
    }

    private func timeoutMilliseconds() -> Int32 {
        var due = claims.nextDueMicroseconds
        if let said = refused.saidAtMicroseconds, !refused.counts.isEmpty {
            due = min(due ?? .max, said + Self.sayEveryMicroseconds)
        }
        let wait = due.map { Int32(clamping: max(0, ($0 - moments.now().boottimeMicroseconds + 999) / 1000)) }
        guard isLookOwed else { return wait ?? -1 }
        return min(wait ?? Self.lookEveryMilliseconds, Self.lookEveryMilliseconds)
    }

    private func drainUnits() {
        var bytes = [UInt8](repeating: 0, count: 8192)
        while read(units, &bytes, bytes.count) > 0 {}
    }

    private func receive() {
        var bytes = [UInt8](repeating: 0, count: NotifyMessage.maximumBytes + 1)
        // A bounded number at a time: claims run out meanwhile.
        for _ in 0..<256 {
            var sender = reveille_sender()
            let count = reveille_receive(descriptor, &bytes, bytes.count, &sender)
            guard count >= 0 else { return }
            let now = moments.now()
            guard sender.is_known != 0, sender.is_truncated == 0 else {
                refuse("tooLong", nil)
                continue
            }
            guard mayRead(from: sender.uid, at: now) else {
                refuse("flood", nil)
                continue
            }
            take(bytes[..<count], sender, at: now)
        }
    }

    private func mayRead(from uid: UInt32, at now: Moment) -> Bool {
        if now.boottimeMicroseconds - second.begunMicroseconds >= 1_000_000 { second = (now.boottimeMicroseconds, [:]) }
        // As many users as there may be datagrams of one: more are a flood themselves.
        guard second.counts[uid] != nil || second.counts.count < Self.mostPerSecond else { return false }
        second.counts[uid, default: 0] += 1
        return second.counts[uid, default: 0] <= Self.mostPerSecond
    }

    private func take(_ bytes: ArraySlice<UInt8>, _ sender: reveille_sender, at now: Moment) {
        let message: NotifyMessage
        do {
            guard let read = try NotifyMessage.read(bytes) else { return }
            message = read
        } catch {
            return refuse("unreadable", "\(error) from pid \(sender.pid), uid \(sender.uid)")
        }
        let reporter = Reporter.find(pid: sender.pid, uid: sender.uid)
        switch claims.reported(message, by: reporter, at: now) {
        case .success(let directives): pass(directives)
        case .failure(.unknownChannel): refuse("unknownChannel", "\(message.channel) from \(reporter.words)")
        case .failure(.notGranted): refuse("notGranted", "\(message.channel) from \(reporter.words)")
        }
    }

    private func pass(_ list: [ChannelClaims.Directive]) { for directive in list { directives.yield(directive) } }

    private func refuse(_ what: String, _ example: @autoclosure () -> String?) {
        refused.counts[what, default: 0] += 1
        if refused.example == nil { refused.example = example() }
    }

    /// At once the first time, then at most once a minute.
    private func sayRefused() {
        let now = moments.now().boottimeMicroseconds
        guard !refused.counts.isEmpty, refused.saidAtMicroseconds.map({ now - $0 >= Self.sayEveryMicroseconds }) ?? true else {
            return
        }
        let counts = refused.counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        logger.warning(
            "reports on channels were turned away",
            metadata: [
                LogKey.event: "claimsRefused", LogKey.reason: "\(counts)\(refused.example.map { "; such as \($0)" } ?? "")",
            ])
        refused = Refused(saidAtMicroseconds: now)
    }
}
