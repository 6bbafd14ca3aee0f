import Glibc
public import Logging
public import WakeCore
public import WakeService

/// Keeps `reveille-channel@NAME.service` active while a channel is ready, so that any unit can be ordered after it.
///
/// A channel that is down takes its unit down only after a grace: `BindsTo=` would stop dependents on every flap. A unit that is not
/// installed, or that we may not start, is let be.
public struct ChannelUnits: Sendable {
    private let bus: Bus
    private let readiness: ReadinessBus
    private let grace: Duration
    private let moments: any MomentSource
    private let logger: Logger

    private enum Input: Sendable {
        case channel(ChannelName, ChannelState)
        case connected
        case graceOver(ChannelName, number: Int)
    }

    /// Prepares them.
    ///
    /// - Parameters:
    ///   - bus: the bus of our own service manager.
    ///   - readiness: where channel states come from.
    ///   - grace: how long a channel may be down before its unit is stopped.
    ///   - moments: the clock.
    ///   - logger: for what could not be done.
    public init(_ bus: Bus, readiness: ReadinessBus, grace: Duration, moments: any MomentSource, logger: Logger) {
        self.bus = bus
        self.readiness = readiness
        self.grace = grace
        self.moments = moments
        self.logger = logger
    }

    /// The instance's name, escaped. Rule: systemd.unit(5), "String Escaping for Inclusion in Unit Names".
    public static func unit(of channel: ChannelName) -> String {
        var name = ""
        for (index, byte) in channel.description.utf8.enumerated() {
            let isPlain =
                (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) || (byte >= 0x30 && byte <= 0x39)
                || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "_") || (byte == UInt8(ascii: ".") && index > 0)
            if byte == UInt8(ascii: "/") {
                name += "-"
            } else if isPlain {
                name.unicodeScalars.append(UnicodeScalar(byte))
            } else {
                name += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return "reveille-channel@\(name).service"
    }

    /// Keeps them until cancelled. What is active stays so over a restart of ours.
    public func run() async {
        let (inputs, input) = AsyncStream.makeStream(of: Input.self)
        let reports = readiness.watch()
        let events = bus.events()
        await withDiscardingTaskGroup { group in
            group.addTask { for await case .channel(let name, let state) in reports { input.yield(.channel(name, state)) } }
            group.addTask { for await case .connected in events { input.yield(.connected) } }
            var channels: [ChannelName: ChannelState] = [:]
            var downs: [ChannelName: Int] = [:]
            for await next in inputs {
                switch next {
                case .connected:
                    for (name, state) in channels where state.isReady { await order("StartUnit", name) }
                case .channel(let name, let state):
                    let wasReady = channels.updateValue(state, forKey: name)?.isReady
                    if state.isReady {
                        downs[name, default: 0] += 1
                        await order("StartUnit", name)
                    } else if wasReady != false {
                        // Also after a start of ours: an earlier life may have left it active.
                        downs[name, default: 0] += 1
                        let number = downs[name] ?? 0
                        let due = moments.now().advanced(by: grace).boottimeMicroseconds
                        group.addTask { [moments] in
                            await moments.wait(untilBoottimeMicroseconds: due)
                            input.yield(.graceOver(name, number: number))
                        }
                    }
                case .graceOver(let name, let number):
                    if downs[name] == number, channels[name]?.isReady == false { await order("StopUnit", name) }
                }
            }
            group.cancelAll()
            if await isStoppedForGood() {
                for name in channels.keys.sorted() { await order("StopUnit", name) }
            }
        }
    }

    /// Whether our own unit is being stopped, and not started again: then the channels are nobody's any more.
    private func isStoppedForGood() async -> Bool {
        guard let unit = Reporter.find(pid: getpid(), uid: getuid()).unit,
            let name = try? UnitName(unit), let path = try? await Systemd.load(name, over: bus),
            let snapshot = try? await Systemd.look(at: path, over: bus), let job = snapshot.jobPath
        else { return false }
        let type = try? await bus.call(
            BusCall(
                Systemd.destination, job, Systemd.properties, "Get",
                [.string("org.freedesktop.systemd1.Job"), .string("JobType")])
        ).first?.text
        return type == "stop"
    }

    private func order(_ verb: String, _ channel: ChannelName) async {
        do {
            // A stop must not take the wait of others back who want the channel: then nothing is stopped.
            let mode = verb == "StopUnit" ? "fail" : "replace"
            _ = try await bus.call(Systemd.call(verb, [.string(Self.unit(of: channel)), .string(mode)]))
        } catch {
            logger.debug(
                "a channel's unit was let be", metadata: [LogKey.place: "\(channel)", LogKey.error: "\(error)"])
        }
    }
}
