import DiscordProtocol
import Testing
import WakeCore

/// Drives a gateway machine by hand, in seconds since boot, and knows how Discord's frames look.
struct GatewayRig {
    static let me = Snowflake(42)
    static let loopback = "ws://127.0.0.1:9000/"

    var machine: GatewayMachine
    var now = Duration.seconds(1000)
    var jitter = UnitFraction(0.5)

    init(configuration: GatewayConfiguration = .init(trustedLoopback: ["127.0.0.1:9000"])) {
        machine = GatewayMachine(configuration: configuration)
    }

    @discardableResult
    mutating func feed(_ input: GatewayInput) -> [GatewayDirective] {
        machine.handle(input, at: now, jitter: jitter)
    }

    @discardableResult
    mutating func frame(_ payload: GatewayPayload) -> [GatewayDirective] {
        feed(.frameReceived(payload, on: connection))
    }

    mutating func pass(_ duration: Duration) { now += duration }

    /// The id that the machine gave its present connection: the rig counts as the machine does.
    var connection: GatewayConnectionID = 0

    mutating func connected() -> [GatewayDirective] { feed(.connected(connection)) }

    /// Takes notice of the `connect` among the directives.
    @discardableResult
    mutating func expectConnect(_ directives: [GatewayDirective], _ location: SourceLocation = #_sourceLocation) -> String? {
        for case .connect(let url, let id) in directives {
            connection = id
            return url
        }
        Issue.record("no connect among \(directives)", sourceLocation: location)
        return nil
    }

    static func bot(remaining: Int = 1000, resetAfterMilliseconds: Int64 = 3_600_000) -> GatewayBot {
        GatewayBot(url: loopback, total: 1000, remaining: remaining, resetAfterMilliseconds: resetAfterMilliseconds)
    }

    static let hello = GatewayPayload(opcode: 10, data: ["heartbeat_interval": 40_000])
    static let acknowledgement = GatewayPayload(opcode: 11)
    static let reconnect = GatewayPayload(opcode: 7)
    static func invalid(mayResume: Bool) -> GatewayPayload { GatewayPayload(opcode: 9, data: .bool(mayResume)) }
    static func ready(sequence: Int64 = 1, session: String = "s1", resumeURL: String = loopback) -> GatewayPayload {
        GatewayPayload(
            opcode: 0,
            data: [
                "v": 10, "session_id": .string(session), "resume_gateway_url": .string(resumeURL),
                "user": ["id": "42"], "guilds": [["id": "7", "unavailable": true]],
            ], sequence: sequence, type: "READY")
    }
    static func message(sequence: Int64, author: String = "42", nonce: String = "n") -> GatewayPayload {
        GatewayPayload(
            opcode: 0,
            data: [
                "id": .string("9\(sequence)"), "channel_id": "5", "author": ["id": .string(author)],
                "nonce": .string(nonce), "content": "hi\n-# reveille x",
            ], sequence: sequence, type: "MESSAGE_CREATE")
    }
    static func dispatch(_ type: String, sequence: Int64, _ data: JSONValue = .null) -> GatewayPayload {
        GatewayPayload(opcode: 0, data: data, sequence: sequence, type: type)
    }

    /// From nothing to READY, by Identify.
    static func live(configuration: GatewayConfiguration = .init(trustedLoopback: ["127.0.0.1:9000"])) -> GatewayRig {
        var rig = GatewayRig(configuration: configuration)
        rig.feed(.started(nil))
        rig.expectConnect(rig.feed(.gatewayFetched(bot())))
        _ = rig.connected()
        rig.frame(hello)
        rig.frame(ready())
        return rig
    }

    /// Waits out the reconnect timer that the directives arm, and fires it.
    mutating func waitForReconnect(_ directives: [GatewayDirective]) -> [GatewayDirective] {
        for case .armTimer(.reconnect, let at) in directives { now = max(now, at) }
        return feed(.timerFired(.reconnect))
    }
}

extension [GatewayDirective] {
    var reconnectsAt: Duration? {
        for case .armTimer(.reconnect, let at) in self { return at }
        return nil
    }
    var beatsAt: Duration? {
        for case .armTimer(.heartbeat, let at) in self { return at }
        return nil
    }
    var commands: [GatewayCommand] {
        compactMap { if case .send(let command, _) = $0 { command } else { nil } }
    }
    var statuses: [GatewayStatus] {
        compactMap { if case .publish(let status) = $0 { status } else { nil } }
    }
    var stored: [StoredGatewaySession] {
        compactMap { if case .store(let session) = $0 { session } else { nil } }
    }
    var events: [GatewayEvent] {
        compactMap { if case .dispatch(let event, _) = $0 { event } else { nil } }
    }
    var closes: [UInt16] {
        compactMap { if case .close(let code, _) = $0 { code } else { nil } }
    }
}
