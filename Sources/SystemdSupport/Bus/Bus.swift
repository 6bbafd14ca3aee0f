import Synchronization
import WakeService

/// One connection to a message bus, kept up: when it is lost it is made again, with all that was watched and served.
///
/// sd-bus handles belong to one thread, so a thread of its own drives it; nothing here blocks a caller. Rule: sd-bus(3).
public final class Bus: Sendable {
    /// Which bus.
    public enum Kind: String, Hashable, Sendable {
        /// The machine's.
        case system
        /// The user's own.
        case user
    }

    /// What comes from it.
    public enum Event: Sendable {
        /// The connection is there; whatever is to be asked first is asked now.
        case connected
        /// It is not; told once, until it is there again.
        case lost(reason: String)
        /// Somebody sent a signal that is watched.
        case signal(BusSignal)
        /// Another program has the name.
        case nameRefused(String, reason: String)
    }

    /// Which bus it is.
    public let kind: Kind
    private let loop: BusLoop

    /// Prepares a connection; nothing starts yet.
    ///
    /// - Parameters:
    ///   - kind: which bus.
    ///   - name: the well-known name to own, such as `io.github.reveille.Reveille1`; default none.
    ///   - objects: what is served there.
    public init(_ kind: Kind, name: String? = nil, objects: BusObjects? = nil) {
        self.kind = kind
        loop = BusLoop(kind, name: name, objects: objects)
    }

    /// What comes from now on, in order; first how the connection is, if that was told before. Every reader gets all of it, and must keep up.
    public func events() -> AsyncStream<Event> { loop.listen() }

    /// Keeps the connection until the task is cancelled. May be called once.
    public func run() async {
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        loop.start { end.finish() }
        await withTaskCancellationHandler {
            for await _ in ended {}
            // A cancelled task's stream ends at once; the thread's own end is waited for all the same.
            await loop.ended()
        } onCancel: {
            loop.stop()
        }
    }

    /// Has signals told that fit the rule, from now on and after each new connection.
    ///
    /// - Parameter rule: such as `type='signal',sender='org.freedesktop.systemd1',member='JobRemoved'`.
    public func watch(_ rule: String) { loop.post(.watch(rule)) }

    /// Calls a method and waits for its answer, or until the task is cancelled; what was called for may be done all the same.
    ///
    /// A task that was cancelled before asks for what a stop needs: it waits for the answer, but at most ``stopPatience``.
    ///
    /// - Throws: what the far side answered, or that it can't be reached, or that it was not waited for.
    public func call(_ call: BusCall) async throws(BusError) -> [BusValue] {
        let pending = PendingCall(isOfStop: Task.isCancelled)
        var call = call
        if pending.isOfStop { call.timeout = min(call.timeout, Self.stopPatience) }
        loop.post(.call(call, pending))
        let answer = await withTaskCancellationHandler {
            await pending.answer()
        } onCancel: {
            if !pending.isOfStop { pending.end { .failure(.notWaitedFor) } }
        }
        return try answer.get()
    }

    /// How long a stop waits for one answer.
    public static let stopPatience: Duration = .seconds(2)

    /// Sends a signal; passed over while there is no connection.
    public func emit(_ signal: BusSignal) { loop.post(.emit(signal)) }
}

/// A method call.
public struct BusCall: Sendable {
    /// Whom it is for, such as `org.freedesktop.systemd1`.
    public var destination: String
    /// The object.
    public var path: String
    /// The interface.
    public var interface: String
    /// The method.
    public var member: String
    /// What is handed over.
    public var arguments: [BusValue]
    /// How long an answer is waited for; default 25 s.
    public var timeout: Duration
    /// Whether the far side may ask a person; default no.
    public var isInteractive = false

    /// Makes a call.
    public init(
        _ destination: String, _ path: String, _ interface: String, _ member: String, _ arguments: [BusValue] = [],
        timeout: Duration = .seconds(25)
    ) {
        self.destination = destination
        self.path = path
        self.interface = interface
        self.member = member
        self.arguments = arguments
        self.timeout = timeout
    }
}

/// A signal, come or to be sent.
public struct BusSignal: Hashable, Sendable {
    /// The object.
    public let path: String
    /// The interface.
    public let interface: String
    /// The signal's name.
    public let member: String
    /// What it carries.
    public let arguments: [BusValue]

    /// Makes one.
    public init(path: String, interface: String, member: String, arguments: [BusValue] = []) {
        self.path = path
        self.interface = interface
        self.member = member
        self.arguments = arguments
    }
}

/// Objects that are served on the bus.
public struct BusObjects: Sendable {
    /// A method call that came.
    public struct Request: Sendable {
        /// The object.
        public let path: String
        /// The interface; empty where the caller named none.
        public let interface: String
        /// The method.
        public let member: String
        /// What was handed over.
        public let arguments: [BusValue]
    }

    /// What it is answered with.
    public enum Answer: Sendable {
        /// The result.
        case reply([BusValue])
        /// An error of that D-Bus name.
        case error(BusError)
        /// There is no such object or method.
        case unknown
    }

    /// The path under which all objects are.
    public let prefix: String
    /// Answers a call; runs on the bus's thread and must not block.
    public let answer: @Sendable (Request) -> Answer

    /// Makes them.
    public init(prefix: String, answer: @escaping @Sendable (Request) -> Answer) {
        self.prefix = prefix
        self.answer = answer
    }
}
