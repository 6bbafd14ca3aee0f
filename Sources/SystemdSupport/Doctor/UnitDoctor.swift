import CSystemd
import Glibc
public import WakeService

/// Looks at one unit over the bus.
public struct UnitDoctor: DoctorCheck {
    /// The unit's name.
    public var name: String { unit.description }
    private let unit: UnitName
    private let kind: Bus.Kind
    private let judgement: @Sendable (UnitFacts?) async -> UnitJudgement

    /// Makes a check.
    ///
    /// - Parameters:
    ///   - unit: which unit.
    ///   - kind: whose service manager it belongs to.
    ///   - judgement: what is expected of it; what was seen of it may tell.
    public init(_ unit: UnitName, over kind: Bus.Kind, judgement: @escaping @Sendable (UnitFacts?) async -> UnitJudgement) {
        self.unit = unit
        self.kind = kind
        self.judgement = judgement
    }

    /// See ``WakeService/DoctorCheck``.
    public func examine() async -> [Finding] {
        let look = await Self.look(at: unit, over: kind)
        return await judgement(look.facts).findings(look)
    }

    /// Asks the service manager. A unit that has no file is seen too: as `not-found`.
    public static func look(at unit: UnitName, over kind: Bus.Kind) async -> UnitLook {
        do {
            let snapshot: UnitSnapshot = try await Preflight.asking(kind) { bus throws(BusError) in
                try await Systemd.look(at: try await Systemd.load(unit, over: bus), over: bus)
            }
            var time = timespec()
            clock_gettime(CLOCK_MONOTONIC, &time)
            return .seen(UnitFacts(snapshot, now: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000))
        } catch {
            let fix =
                "If another supervisor than systemd runs it, make sure that it starts it again whenever it ends; else: is dbus running?"
            return .unseen(reason: error.message, fix: kind == .user ? error.hint : fix)
        }
    }
}

/// Looks whether a user's units outlive the user's last session.
public struct LingerDoctor: DoctorCheck {
    /// The user.
    public var name: String { "user \(judgement.user)" }
    private let judgement: LingerJudgement

    /// Makes a check.
    public init(_ judgement: LingerJudgement) { self.judgement = judgement }

    /// See ``WakeService/DoctorCheck``.
    public func examine() async -> [Finding] { judgement.findings(LingerJudgement.look(at: judgement.user)) }
}
