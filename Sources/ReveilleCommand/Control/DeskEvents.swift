import ControlServer
import GatewayProtocol
import WakeCore
import WakeService

/// The news that the control plane tells.
enum DeskEvents {
    /// Their names, in the order of docs/PROTOCOL.md. `tick` and `shutdown` are the server's own.
    static let all = [
        "tick", "health", "shutdown", "config.changed", "channels.changed", "wake.opened", "wake.joined", "wake.sealed",
        "wake.ended", "wake.delivery", "wake.sentinel", "run.turn", "run.lease", "cron",
    ]

    /// What is told of a decision; nil: nothing.
    static func of(_ decision: Decision, at now: Moment) -> GatewayEvent? {
        let name: String
        switch decision.code {
        case .wakeOpened: name = "wake.opened"
        case .wakeJoined: name = "wake.joined"
        case .wakeSealed: name = "wake.sealed"
        case .wakeEnded: name = "wake.ended"
        case .deliveryHeld, .deliveryLeft, .deliverySending, .deliveryWaiting, .deliveryReconciling, .deliveryDelivered,
            .deliveryDead,
            .deliveryExpired, .deliveryCancelled, .deliveryUnresolved, .gateShutLong, .fallbackTaken:
            name = "wake.delivery"
        case .sentinelArmed, .sentinelRefused, .sentinelRestarting, .sentinelFired, .sentinelNotRestarted, .sentinelTargetFailed,
            .sentinelExpired, .sentinelCancelled:
            name = "wake.sentinel"
        case .turnStarted, .turnEnded, .turnFailed: name = "run.turn"
        case .leaseRenewed, .leaseSeenTo, .leaseRunOut, .leaseGivenUp: name = "run.lease"
        case .jobAdded, .jobRemoved, .jobFired, .jobSkipped, .jobMissed: name = "cron"
        case .channelChanged, .channelDoubted, .channelTrusted, .routeChanged, .commandRefused, .inboxRefused: return nil
        }
        var payload: JSONObject = ["code": .string(decision.code.rawValue), "ts": .integer(now.wallMilliseconds)]
        payload["wake"] = decision.wake.map { .string($0.description) }
        payload["sentinel"] = decision.sentinel.map { .string($0.description) }
        payload["delivery"] = decision.delivery.map { .string($0.description) }
        payload["sessionKey"] = decision.session.map { .string($0.description) }
        payload["place"] = decision.place.map { .string($0) }
        payload["reason"] = decision.reason.map { .string($0) }
        return GatewayEvent(name, payload: .object(payload))
    }

    /// What is told when what is held has changed.
    static func health(_ outlook: Outlook, isReady: Bool) -> GatewayEvent {
        GatewayEvent(
            "health",
            payload: [
                "ok": true, "readiness": ["live": true, "control": true, "channels": .bool(isReady)],
                "sentinels": .integer(Int64(outlook.openSentinels)), "wakes": .integer(Int64(outlook.openWakes)),
                "unresolved": .integer(Int64(outlook.unresolved)),
            ])
    }

    /// What is told of a channel.
    static func changed(_ channel: ChannelName, _ state: ChannelState, at now: Moment) -> GatewayEvent {
        var payload: JSONObject = [
            "channel": .string(channel.transport), "accountId": .string(channel.account), "name": .string(channel.description),
            "ts": .integer(now.wallMilliseconds),
        ]
        for member in ChannelWords.members(state).members { payload[member.key] = member.value }
        return GatewayEvent("channels.changed", payload: .object(payload))
    }
}

/// A channel's state as the control plane says it.
enum ChannelWords {
    static func members(_ state: ChannelState) -> JSONObject {
        var object: JSONObject = ["connected": .bool(state.isReady)]
        switch state {
        case .unknown: object["state"] = "unknown"
        case .connecting: object["state"] = "connecting"
        case .ready(let generation):
            object["state"] = "ready"
            object["generation"] = .integer(Int64(clamping: generation))
        case .down(let reason, let retryAt):
            object["state"] = "down"
            object["lastError"] = .string(reason)
            object["retryAtMs"] = retryAt.map { .integer($0.wallMilliseconds) }
        case .blocked(let reason):
            object["state"] = "blocked"
            object["lastError"] = .string(reason)
        }
        return object
    }
}
