public import WakeCore

/// Runs what an operator wants to be run around restarts and wakes.
///
/// Promise: ``beforeRestart(_:)`` returns within a limit, whatever the hooks do.
public protocol Hooks: Sendable {
    /// Before a restart that we perform: to flush, to checkpoint.
    ///
    /// - Parameter occasion: the restart.
    /// - Returns: why it must not be carried out; nil lets it.
    func beforeRestart(_ occasion: HookOccasion) async -> String?

    /// After a wake that ended with something delivered. Nothing waits for it.
    ///
    /// - Parameter occasion: the wake.
    func afterWake(_ occasion: HookOccasion) async
}

/// What hooks are told.
public struct HookOccasion: Hashable, Sendable {
    /// The sentinels, oldest first; none where a restart wakes nobody.
    public var sentinels: [SentinelID]
    /// The session; nil where a restart wakes nobody.
    public var session: SessionKey?
    /// What restarts, or restarted last.
    public var target: RestartTarget
    /// What the session is told; several notes have an empty line between them.
    public var note: String
    /// The wake; nil before a restart.
    public var wake: WakeID?

    /// Makes an occasion; see the properties.
    public init(
        sentinels: [SentinelID] = [], session: SessionKey? = nil, target: RestartTarget, note: String = "", wake: WakeID? = nil
    ) {
        self.sentinels = sentinels
        self.session = session
        self.target = target
        self.note = note
        self.wake = wake
    }

    /// The restart that a sentinel asks for.
    public init(_ sentinel: Sentinel) {
        self.init(sentinels: [sentinel.id], session: sentinel.session, target: sentinel.target, note: sentinel.note)
    }

    /// What a wake told.
    public init(_ wake: Wake) {
        self.init(
            sentinels: wake.notes.map(\.sentinel), session: wake.session, target: wake.notes.last?.target ?? .nothing,
            note: wake.notes.map(\.text).joined(separator: "\n\n"), wake: wake.id)
    }
}
