import CSystemd
import Foundation
import Synchronization
import WakeCore

/// The thread that owns a bus handle: `handle`, `waiting` and `rules` are touched by it alone.
///
/// It waits in poll(2) and nowhere else: a bus that takes connections and answers nothing holds nobody up, a stop least of all. So none
/// of libsystemd's calls that wait for an answer is made here.
final class BusLoop: @unchecked Sendable {
    enum Command {
        case call(BusCall, PendingCall)
        case watch(String)
        case emit(BusSignal)
        case stop
    }

    /// One call that is under way, as libsystemd holds it.
    final class Waiting {
        let loop: Unmanaged<BusLoop>
        let call: PendingCall

        init(_ loop: BusLoop, _ call: PendingCall) {
            self.loop = Unmanaged.passUnretained(loop)
            self.call = call
        }
    }

    private struct Inbox {
        var commands: [Command] = []
        var isOver = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private struct Listeners {
        var all: [Int: AsyncStream<Bus.Event>.Continuation] = [:]
        var next = 0
        var isConnected = false
        /// Why there is no connection, once that was told.
        var loss: String?
        var isOver = false
    }

    /// How long until a lost connection is tried again, at first and at most.
    private static let firstRetryMilliseconds: Int32 = 250
    private static let longestRetryMilliseconds: Int32 = 5000
    /// How long a new connection may take until the bus has greeted us.
    private static let greetingMilliseconds: Int64 = 10_000

    private let kind: Bus.Kind
    let name: String?
    let objects: BusObjects?
    private let listeners = Mutex(Listeners())
    private let inbox = Mutex(Inbox())
    /// Wakes the thread out of poll(2).
    private let bell: Int32

    private var handle: OpaquePointer?
    /// While the bus has not greeted us: until when it may, in milliseconds of the monotonic clock.
    private var greetingDue: Int64?
    /// Why the connection is of no use, told by an answer.
    var refusal: String?
    /// What came before it had.
    private var held: [Command] = []
    var waiting: [ObjectIdentifier: Waiting] = [:]
    private var rules: [String] = []
    private var isStopping = false
    private var isLossTold = false
    private var retryMilliseconds = firstRetryMilliseconds
    /// While there is no connection: tells when the bus's socket appears.
    private var appearance: SocketAppearance?

    init(_ kind: Bus.Kind, name: String?, objects: BusObjects?) {
        self.kind = kind
        self.name = name
        self.objects = objects
        bell = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    }

    deinit { if bell >= 0 { close(bell) } }

    func start(_ ended: @escaping @Sendable () -> Void) {
        let thread = Thread { [self] in
            run()
            ended()
        }
        thread.name = "bus-\(kind.rawValue)"
        thread.start()
    }

    func stop() { post(.stop) }

    func listen() -> AsyncStream<Bus.Event> {
        let (stream, continuation) = AsyncStream.makeStream(of: Bus.Event.self)
        let number = listeners.withLock { listeners in
            if listeners.isConnected { continuation.yield(.connected) }
            if let loss = listeners.loss { continuation.yield(.lost(reason: loss)) }
            if listeners.isOver { continuation.finish() }
            listeners.next += 1
            listeners.all[listeners.next] = continuation
            return listeners.next
        }
        continuation.onTermination = { [weak self] _ in _ = self?.listeners.withLock { $0.all.removeValue(forKey: number) } }
        return stream
    }

    func tell(_ event: Bus.Event) {
        listeners.withLock { listeners in
            switch event {
            case .connected: (listeners.isConnected, listeners.loss) = (true, nil)
            case .lost(let reason): (listeners.isConnected, listeners.loss) = (false, reason)
            case .signal, .nameRefused: break
            }
            for listener in listeners.all.values { listener.yield(event) }
        }
    }

    func post(_ command: Command) {
        let isTooLate = inbox.withLock { inbox in
            if !inbox.isOver { inbox.commands.append(command) }
            return inbox.isOver
        }
        if isTooLate {
            if case .call(_, let pending) = command { pending.end { .failure(.notConnected) } }
        } else {
            eventfd_write(bell, 1)
        }
    }

    func ended() async {
        await withCheckedContinuation { continuation in
            let isOver = inbox.withLock { inbox in
                if !inbox.isOver { inbox.waiters.append(continuation) }
                return inbox.isOver
            }
            if isOver { continuation.resume() }
        }
    }

    // MARK: On the thread

    private func run() {
        while !isStopping {
            if handle == nil { connect() }
            work()
            guard !isStopping else { break }
            pause()
        }
        disconnect()
        let (left, waiters) = inbox.withLock { inbox in
            inbox.isOver = true
            defer { inbox.commands = [] }
            return (inbox.commands, inbox.waiters)
        }
        for case .call(_, let pending) in left { pending.end { .failure(.notConnected) } }
        let readers = listeners.withLock { listeners in
            listeners.isOver = true
            return listeners.all.values.map { $0 }
        }
        for reader in readers { reader.finish() }
        for waiter in waiters { waiter.resume() }
    }

    /// Handles all that has come, from either side.
    private func work() {
        repeat {
            for command in inbox.withLock({ inbox in
                defer { inbox.commands = [] }
                return inbox.commands
            }) {
                carryOut(command)
            }
            while let bus = handle {
                let result = sd_bus_process(bus, nil)
                if result < 0 { lose("\(String(cString: strerror(-result)))") }
                if let refusal { lose(refusal) }
                if result <= 0 { break }
            }
            greet()
        } while inbox.withLock { !$0.commands.isEmpty } && !isStopping
    }

    private func pause() {
        var descriptors = [pollfd(fd: bell, events: Int16(POLLIN), revents: 0)]
        var milliseconds: Int32 = -1
        if let bus = handle {
            descriptors.append(pollfd(fd: sd_bus_get_fd(bus), events: Int16(clamping: sd_bus_get_events(bus)), revents: 0))
            milliseconds = timeout(of: bus)
        } else {
            if appearance == nil { appearance = SocketAppearance(kind) }
            if let appearance { descriptors.append(pollfd(fd: appearance.descriptor, events: Int16(POLLIN), revents: 0)) }
            milliseconds = retryMilliseconds
            retryMilliseconds = min(retryMilliseconds * 2, Self.longestRetryMilliseconds)
        }
        poll(&descriptors, nfds_t(descriptors.count), milliseconds)
        // What has a name now may not listen yet: it is tried at short intervals anew.
        if handle == nil, appearance?.hasHappened() == true { retryMilliseconds = Self.firstRetryMilliseconds }
        var count: UInt64 = 0
        eventfd_read(bell, &count)
    }

    private func timeout(of bus: OpaquePointer) -> Int32 {
        if let greetingDue { return Int32(clamping: max(0, greetingDue - Self.now / 1000)) }
        var due = UInt64.max
        guard sd_bus_get_timeout(bus, &due) >= 0, due != .max else { return -1 }
        return Int32(clamping: max(0, (Int64(clamping: due) - Self.now + 999) / 1000))
    }

    /// In microseconds of the monotonic clock, which libsystemd's deadlines are in.
    private static var now: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000
    }

    private func connect() {
        var bus: OpaquePointer?
        let opened = kind == .system ? sd_bus_open_system(&bus) : sd_bus_open_user(&bus)
        guard opened >= 0, let bus else { return tellLoss(String(cString: strerror(-opened))) }
        handle = bus
        greetingDue = Self.now / 1000 + Self.greetingMilliseconds
        sd_bus_set_exit_on_disconnect(bus, 0)
        if let objects {
            sd_bus_add_fallback(bus, nil, objects.prefix, Self.requestCame, Unmanaged.passUnretained(self).toOpaque())
        }
    }

    /// Once the bus has greeted us, the connection is there; one that has not in time is given up.
    private func greet() {
        guard let bus = handle, let due = greetingDue else { return }
        guard sd_bus_is_ready(bus) > 0 else {
            if Self.now / 1000 >= due { lose("it does not answer") }
            return
        }
        greetingDue = nil
        for rule in rules { addMatch(rule) }
        // A rule that can't be sent has ended the connection.
        guard handle != nil else { return }
        // What the rules and the name are answered comes later; what is asked from now on is handled after them.
        if let name {
            let result = sd_bus_request_name_async(
                bus, nil, name, 0, Self.nameAnswered, Unmanaged.passUnretained(self).toOpaque())
            if result < 0 { tell(.nameRefused(name, reason: String(cString: strerror(-result)))) }
        }
        isLossTold = false
        appearance = nil
        retryMilliseconds = Self.firstRetryMilliseconds
        tell(.connected)
        let commands = held
        held = []
        for command in commands { carryOut(command) }
    }

    private func addMatch(_ rule: String) {
        guard let bus = handle, greetingDue == nil else { return }
        let result = sd_bus_add_match_async(
            bus, nil, rule, Self.signalCame, Self.ruleAnswered, Unmanaged.passUnretained(self).toOpaque())
        if result < 0 { lose("the rule \(rule) was refused: \(String(cString: strerror(-result)))") }
    }

    private func lose(_ reason: String) {
        disconnect()
        tellLoss(reason)
    }

    private func tellLoss(_ reason: String) {
        guard !isLossTold else { return }
        isLossTold = true
        tell(.lost(reason: reason))
    }

    private func disconnect() {
        if let bus = handle {
            sd_bus_close_unref(bus)
        }
        (handle, greetingDue, refusal) = (nil, nil, nil)
        let left = (waiting.values.map(\.call), held)
        (waiting, held) = ([:], [])
        for call in left.0 { call.end { .failure(.notConnected) } }
        for case .call(_, let call) in left.1 { call.end { .failure(.notConnected) } }
    }

    private func carryOut(_ command: Command) {
        switch command {
        case .stop: isStopping = true
        case .watch(let rule):
            guard !rules.contains(rule) else { return }
            rules.append(rule)
            addMatch(rule)
        case .emit(let signal): try? emit(signal)
        case .call(let call, let pending):
            // After the rules, which may be there for its sake; a stop has no time for a bus that does not answer.
            if greetingDue != nil, !pending.isOfStop { return held.append(command) }
            do {
                try begin(call, pending)
            } catch {
                pending.end { .failure(error) }
            }
        }
    }

    private func emit(_ signal: BusSignal) throws(BusError) {
        guard let bus = handle, greetingDue == nil else { return }
        var message: OpaquePointer?
        let made = sd_bus_message_new_signal(bus, &message, signal.path, signal.interface, signal.member)
        try BusError.unless(made >= 0, made, "a signal could not be made")
        defer { sd_bus_message_unref(message) }
        guard let message else { return }
        try BusMessage.append(signal.arguments, to: message)
        sd_bus_send(bus, message, nil)
    }

    private func begin(_ call: BusCall, _ pending: PendingCall) throws(BusError) {
        guard let bus = handle, greetingDue == nil else { throw .notConnected }
        var message: OpaquePointer?
        let made = sd_bus_message_new_method_call(bus, &message, call.destination, call.path, call.interface, call.member)
        try BusError.unless(made >= 0, made, "the call of \(call.member) could not be made")
        defer { sd_bus_message_unref(message) }
        guard let message else { return }
        if call.isInteractive { sd_bus_message_set_allow_interactive_authorization(message, 1) }
        try BusMessage.append(call.arguments, to: message)
        let waiter = Waiting(self, pending)
        let result = sd_bus_call_async(
            bus, nil, message, Self.answerCame, Unmanaged.passUnretained(waiter).toOpaque(),
            UInt64(clamping: call.timeout.wholeMicroseconds))
        try BusError.unless(result >= 0, result, "\(call.member) could not be called")
        waiting[ObjectIdentifier(waiter)] = waiter
    }
}
