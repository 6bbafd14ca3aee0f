/// What the service manager says of a unit, at one time.
///
/// Rule: org.freedesktop.systemd1(5).
public struct UnitSnapshot: Hashable, Sendable {
    /// Its properties by name.
    public private(set) var properties: [String: BusValue]

    /// Takes properties as they come.
    public init(_ properties: [String: BusValue] = [:]) { self.properties = properties }

    /// Takes over what has changed.
    public mutating func merge(_ changed: [String: BusValue]) { properties.merge(changed) { $1 } }

    /// `loaded`, `not-found`, `masked`, `bad-setting`, `error`.
    public var loadState: String { properties["LoadState"]?.text ?? "" }
    /// `active`, `reloading`, `inactive`, `failed`, `activating`, `deactivating`.
    public var activeState: String { properties["ActiveState"]?.text ?? "" }
    /// Finer than the active state, such as `auto-restart`.
    public var subState: String { properties["SubState"]?.text ?? "" }
    /// What makes it ready: `simple`, `notify` and others; empty for units that are no services.
    public var type: String { properties["Type"]?.text ?? "" }
    /// How its last run ended: `success`, `exit-code`, `signal`, `watchdog` and others.
    public var result: String { properties["Result"]?.text ?? "success" }
    /// How often it was started again by itself since somebody started it.
    public var automaticRestarts: Int64 { properties["NRestarts"]?.integer ?? 0 }
    /// How its main process ended: 1 exited, 2 killed, 3 dumped. Rule: waitid(2), CLD_….
    public var exitKind: Int64 { properties["ExecMainCode"]?.integer ?? 0 }
    /// Its exit code or signal.
    public var exitStatus: Int64 { properties["ExecMainStatus"]?.integer ?? 0 }

    /// The name of this run, 32 hexadecimal digits; nil where it never ran.
    public var invocation: String? {
        guard let bytes = properties["InvocationID"]?.bytes, bytes.contains(where: { $0 != 0 }) else { return nil }
        return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// How long it was down before this run; nil where it is not known.
    public var down: Duration? {
        let left = properties["ActiveExitTimestampMonotonic"]?.integer ?? 0
        return left > 0 && enteredMicroseconds >= left ? .microseconds(enteredMicroseconds - left) : nil
    }

    /// When its main process last ended, and when it last became active, in microseconds of CLOCK_MONOTONIC; 0 for never.
    public var endedMicroseconds: Int64 { properties["ExecMainExitTimestampMonotonic"]?.integer ?? 0 }
    /// See ``endedMicroseconds``.
    public var enteredMicroseconds: Int64 { properties["ActiveEnterTimestampMonotonic"]?.integer ?? 0 }

    /// What is being done with it: the path of a job; nil if nothing is.
    public var jobPath: String? {
        guard case .structure(let parts)? = properties["Job"], parts.count == 2, let number = parts[0].integer, number > 0 else {
            return nil
        }
        return parts[1].text
    }

    /// When it came into its state, in microseconds of CLOCK_MONOTONIC; nil where it is not known.
    public var stateSinceMicroseconds: Int64? {
        properties["StateChangeTimestampMonotonic"]?.integer.flatMap { $0 > 0 ? $0 : nil }
    }

    /// Whether it is up for good once it is active, as its own word or its end tells.
    public var isSettledWhenActive: Bool { !["simple", "exec", "forking", "idle"].contains(type) }

    /// How its last run ended, in words; nil if it ended well.
    public var death: String? {
        switch result {
        case "success": return nil
        case "exit-code": return "it ended with exit code \(exitStatus)"
        case "signal": return "it was killed by signal \(Self.signal(exitStatus))"
        case "core-dump": return "it crashed with signal \(Self.signal(exitStatus)) and left a core dump"
        case "watchdog": return "it did not answer its watchdog in time"
        case "timeout": return "it did not start or stop in time"
        case "oom-kill": return "it was killed for want of memory"
        case "start-limit-hit": return "it failed too often in a short time (start limit)"
        case "protocol": return "it did not say that it was ready"
        case "resources": return "the system could not give it what it needs"
        case "exec-condition": return "its ExecCondition said no"
        default: return "its result was \(result)"
        }
    }

    /// A signal's number and name. Rule: signal(7), Linux on x86 and ARM.
    private static func signal(_ number: Int64) -> String {
        let names: [Int64: String] = [
            1: "HUP", 2: "INT", 3: "QUIT", 4: "ILL", 5: "TRAP", 6: "ABRT", 7: "BUS", 8: "FPE", 9: "KILL", 10: "USR1", 11: "SEGV",
            12: "USR2", 13: "PIPE", 14: "ALRM", 15: "TERM", 24: "XCPU", 25: "XFSZ", 31: "SYS",
        ]
        return names[number].map { "\(number) (\($0))" } ?? "\(number)"
    }
}
