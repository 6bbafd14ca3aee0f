/// A point in a gateway connection's life where a fault may strike.
enum GatewayPoint {
    case connect, identify, resume, ready, resumed, heartbeat
    /// After this many dispatches on the connection.
    case dispatch(Int)

    var moment: LoopbackFault.Moment {
        switch self {
        case .connect: .connect
        case .identify: .identify
        case .resume: .resume
        case .ready: .ready
        case .resumed: .resumed
        case .heartbeat: .heartbeat
        case .dispatch: .dispatch
        }
    }
}

extension LoopbackState {
    private static let elsewhere: Set<LoopbackFault.Kind> = [
        .lateReady, .numericGuildIDs, .readySequenceZero, .refuseHandshake, .hangHandshake,
    ]

    /// Lets a fault strike here, if one is due; true if it takes the place of what would have happened.
    mutating func strike(_ point: GatewayPoint, on id: UInt64) -> Bool {
        guard !faults.entries.isEmpty else { return false }
        let fault = faults.take { fault in
            guard !fault.kind.isREST, !Self.elsewhere.contains(fault.kind), fault.moments.contains(point.moment) else {
                return false
            }
            if case .dispatch(let sent) = point { return fault.after == sent }
            return true
        }
        guard let fault else { return false }
        log.record(
            "fault", ["conn": JSON(id), "fault": .string(fault.kind.rawValue), "when": .string(point.moment.rawValue)])
        return inflict(fault, on: id)
    }

    private mutating func inflict(_ fault: LoopbackFault, on id: UInt64) -> Bool {
        switch fault.kind {
        case .close: close(id, fault.code == 0 ? nil : UInt16(clamping: fault.code ?? 4_000))
        case .reconnect: askToReconnect(id, omitsBody: fault.omitsBody)
        case .invalidSession: invalidate(id, resumable: fault.resumable)
        case .gatewayReset: drop(id, reset: true)
        case .gatewayDrop: drop(id, reset: false)
        case .halfOpen: connections[id]?.halfOpen = true
        case .hugeFrame:
            send("{\"op\":0,\"t\":\"HUGE\",\"s\":null,\"d\":\"\(String(repeating: "x", count: fault.bytes))\"}", on: id)
            return false
        case .garbageFrame:
            send("{\"op\":0,\"t\":\"MESS", on: id)
            return false
        case .silent:
            connections[id]?.silent = true
            return false
        default: break
        }
        return true
    }
}
