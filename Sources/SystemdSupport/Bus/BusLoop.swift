import CSystemd
import Foundation
import Synchronization
import WakeCore

/// The thread that owns a bus handle: `handle`, `waiting` and `rules` are touched by it alone.
final class BusLoop: @unchecked Sendable {
    enum Command {
        case call(BusCall, CheckedContinuation<Result<[BusValue], BusError>, Never>)
        case watch(String)
        case emit(BusSignal)
        case stop
    }

    /// One call that waits for its answer.
    private final class Waiting {
        let loop: Unmanaged<BusLoop>
        let continuation: CheckedContinuation<Result<[BusValue], BusError>, Never>

        init(_ loop: BusLoop, _ continuation: CheckedContinuation<Result<[BusValue], BusError>, Never>) {
            self.loop = Unmanaged.passUnretained(loop)
            self.continuation = continuation
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

    private let kind: Bus.Kind
    private let name: String?
    private let objects: BusObjects?
    private let listeners = Mutex(Listeners())
    private let inbox = Mutex(Inbox())
    /// Wakes the thread out of poll(2).
    private let bell: Int32

    private var handle: OpaquePointer?
    private var waiting: [ObjectIdentifier: Waiting] = [:]
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

    private func tell(_ event: Bus.Event) {
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
            if case .call(_, let continuation) = command { continuation.resume(returning: .failure(.notConnected)) }
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
        for case .call(_, let continuation) in left { continuation.resume(returning: .failure(.notConnected)) }
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
                if result <= 0 { break }
            }
        } while inbox.withLock { !$0.commands.isEmpty } && !isStopping
    }

    private func pause() {
        var descriptors = [pollfd(fd: bell, events: Int16(POLLIN), revents: 0)]
        var milliseconds: Int32 = -1
        if let bus = handle {
            descriptors.append(pollfd(fd: sd_bus_get_fd(bus), events: Int16(clamping: sd_bus_get_events(bus)), revents: 0))
            milliseconds = Self.timeout(of: bus)
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

    private static func timeout(of bus: OpaquePointer) -> Int32 {
        var due = UInt64.max
        guard sd_bus_get_timeout(bus, &due) >= 0, due != .max else { return -1 }
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let microseconds = Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000
        return Int32(clamping: max(0, (Int64(clamping: due) - microseconds + 999) / 1000))
    }

    private func connect() {
        var bus: OpaquePointer?
        let opened = kind == .system ? sd_bus_open_system(&bus) : sd_bus_open_user(&bus)
        guard opened >= 0, let bus else { return tellLoss(String(cString: strerror(-opened))) }
        handle = bus
        sd_bus_set_exit_on_disconnect(bus, 0)
        let me = Unmanaged.passUnretained(self).toOpaque()
        // The first call that waits also shows whether the bus answers at all.
        var id: UnsafePointer<CChar>?
        let greeted = sd_bus_get_unique_name(bus, &id)
        guard greeted >= 0 else { return lose(String(cString: strerror(-greeted))) }
        for rule in rules { addMatch(rule) }
        guard handle != nil else { return }
        if let objects { sd_bus_add_fallback(bus, nil, objects.prefix, Self.requestCame, me) }
        if let name {
            let result = sd_bus_request_name(bus, name, 0)
            if result < 0 { tell(.nameRefused(name, reason: String(cString: strerror(-result)))) }
        }
        isLossTold = false
        appearance = nil
        retryMilliseconds = Self.firstRetryMilliseconds
        tell(.connected)
    }

    private func addMatch(_ rule: String) {
        guard let bus = handle else { return }
        let result = sd_bus_add_match(bus, nil, rule, Self.signalCame, Unmanaged.passUnretained(self).toOpaque())
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
        handle = nil
        let left = waiting
        waiting = [:]
        for call in left.values { call.continuation.resume(returning: .failure(.notConnected)) }
    }

    private func carryOut(_ command: Command) {
        switch command {
        case .stop: isStopping = true
        case .watch(let rule):
            guard !rules.contains(rule) else { return }
            rules.append(rule)
            addMatch(rule)
        case .emit(let signal): try? emit(signal)
        case .call(let call, let continuation):
            do {
                try begin(call, continuation)
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
    }

    private func emit(_ signal: BusSignal) throws(BusError) {
        guard let bus = handle else { return }
        var message: OpaquePointer?
        let made = sd_bus_message_new_signal(bus, &message, signal.path, signal.interface, signal.member)
        try BusError.unless(made >= 0, made, "a signal could not be made")
        defer { sd_bus_message_unref(message) }
        guard let message else { return }
        try BusMessage.append(signal.arguments, to: message)
        sd_bus_send(bus, message, nil)
    }

    private func begin(
        _ call: BusCall, _ continuation: CheckedContinuation<Result<[BusValue], BusError>, Never>
    ) throws(BusError) {
        guard let bus = handle else { throw .notConnected }
        var message: OpaquePointer?
        let made = sd_bus_message_new_method_call(bus, &message, call.destination, call.path, call.interface, call.member)
        try BusError.unless(made >= 0, made, "the call of \(call.member) could not be made")
        defer { sd_bus_message_unref(message) }
        guard let message else { return }
        if call.isInteractive { sd_bus_message_set_allow_interactive_authorization(message, 1) }
        try BusMessage.append(call.arguments, to: message)
        let waiter = Waiting(self, continuation)
        let result = sd_bus_call_async(
            bus, nil, message, Self.answerCame, Unmanaged.passUnretained(waiter).toOpaque(),
            UInt64(clamping: call.timeout.wholeMicroseconds))
        try BusError.unless(result >= 0, result, "\(call.member) could not be called")
        waiting[ObjectIdentifier(waiter)] = waiter
    }

    // MARK: What libsystemd calls, on the thread

    private static let answerCame: sd_bus_message_handler_t = { message, context, _ in
        guard let message, let context else { return 0 }
        let waiter = Unmanaged<Waiting>.fromOpaque(context).takeUnretainedValue()
        guard waiter.loop.takeUnretainedValue().waiting.removeValue(forKey: ObjectIdentifier(waiter)) != nil else { return 0 }
        waiter.continuation.resume(returning: answer(message))
        return 0
    }

    private static func answer(_ message: OpaquePointer) -> Result<[BusValue], BusError> {
        if sd_bus_message_is_method_error(message, nil) > 0, let error = sd_bus_message_get_error(message) {
            let words = error.pointee.message.map { String(cString: $0) } ?? "no reason given"
            return .failure(BusError(name: error.pointee.name.map { String(cString: $0) } ?? "", message: words))
        }
        do {
            return .success(try BusMessage.read(message))
        } catch {
            return .failure(error)
        }
    }

    private static let signalCame: sd_bus_message_handler_t = { message, context, _ in
        guard let message, let context, let arguments = try? BusMessage.read(message) else { return 0 }
        Unmanaged<BusLoop>.fromOpaque(context).takeUnretainedValue().tell(
            .signal(
                BusSignal(
                    path: text(sd_bus_message_get_path(message)), interface: text(sd_bus_message_get_interface(message)),
                    member: text(sd_bus_message_get_member(message)), arguments: arguments)))
        return 0
    }

    private static let requestCame: sd_bus_message_handler_t = { message, context, _ in
        guard let message, let context,
            let objects = Unmanaged<BusLoop>.fromOpaque(context).takeUnretainedValue().objects
        else { return 0 }
        let request = BusObjects.Request(
            path: text(sd_bus_message_get_path(message)), interface: text(sd_bus_message_get_interface(message)),
            member: text(sd_bus_message_get_member(message)), arguments: (try? BusMessage.read(message)) ?? [])
        switch objects.answer(request) {
        case .unknown: return 0
        case .reply(let values): return reply(to: message, values)
        case .error(let error): return fail(message, error)
        }
    }

    private static func reply(to call: OpaquePointer, _ values: [BusValue]) -> Int32 {
        var reply: OpaquePointer?
        guard sd_bus_message_new_method_return(call, &reply) >= 0, let reply else { return 0 }
        defer { sd_bus_message_unref(reply) }
        guard (try? BusMessage.append(values, to: reply)) != nil else { return -EINVAL }
        return sd_bus_send(nil, reply, nil) < 0 ? -EIO : 1
    }

    private static func fail(_ call: OpaquePointer, _ error: BusError) -> Int32 {
        error.name.withCString { name in
            error.message.withCString { words in
                var value = sd_bus_error(name: name, message: words, _need_free: 0)
                var reply: OpaquePointer?
                guard sd_bus_message_new_method_error(call, &reply, &value) >= 0, let reply else { return 0 }
                defer { sd_bus_message_unref(reply) }
                return sd_bus_send(nil, reply, nil) < 0 ? -EIO : 1
            }
        }
    }

    private static func text(_ pointer: UnsafePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }
}
