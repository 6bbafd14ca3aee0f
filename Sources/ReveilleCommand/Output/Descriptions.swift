import WakeCore

// What the core's values look like in JSON. Keys are added to, never renamed.
extension Sentinel {
    var json: JSONValue {
        var object: JSONObject = [
            "id": .string(id.description), "session": .string(session.description), "route": .string(route.description),
            "target": .string(target.description), "origin": .string(origin.rawValue), "state": .string(stateName),
            "note": .string(note), "requestedAt": .string(WallTime.text(requestedAt)),
            "stateSince": .string(WallTime.text(stateSince)),
            "delayMilliseconds": .integer(delay.wholeMilliseconds), "performedByUs": .bool(performedByUs),
            "uid": .integer(Int64(requester.uid)), "pid": .integer(Int64(requester.pid)),
        ]
        object["reason"] = reason.map { .string($0) }
        object["wake"] = wake.map { .string($0.description) }
        object["command"] = command.map { .array($0.arguments.map { .string($0) }) }
        return .object(object)
    }

    /// Why it stands where it stands, where that is more than its state's name.
    var reason: String? {
        switch state {
        case .notRestarted(let reason), .targetFailed(let reason): reason
        case .fired(let cause): cause.words
        default: nil
        }
    }
}

extension Sentinel.Cause {
    /// The cause in words.
    var words: String {
        switch self {
        case .restarted: "restarted as asked"
        case .restartedElsewhere: "restarted by itself or by someone else"
        case .commandSucceeded: "the command ended well"
        case .resultUnknown: "cut off while the command ran; its result is unknown"
        case .didNotHappen(let reason): "did not happen: \(reason)"
        case .targetFailed(let reason): "failed: \(reason)"
        case .asked: "asked for"
        }
    }
}

extension Wake {
    var json: JSONObject {
        [
            "id": .string(id.description), "session": .string(session.description), "route": .string(route.description),
            "state": .string(state.rawValue), "openedAt": .string(WallTime.text(openedAt)),
            "notes": .array(
                notes.map { note in
                    [
                        "sentinel": .string(note.sentinel.description), "note": .string(note.text),
                        "target": .string(note.target.description), "cause": .string(note.cause.words),
                        "requestedAt": .string(WallTime.text(note.requestedAt)), "firedAt": .string(WallTime.text(note.firedAt)),
                    ]
                }),
        ]
    }
}

extension Delivery {
    /// `waitsFor` says what its gate waits for, where that is known.
    func json(waitsFor: String?) -> JSONObject {
        var object: JSONObject = [
            "id": .string(id.description), "kind": .string(id.kind.rawValue), "state": .string(stateName),
            "route": .string(route.description), "stateSince": .string(WallTime.text(stateSince)),
            "attempts": .integer(Int64(attempts)), "nonce": .string(nonce),
        ]
        object["reason"] = reason.map { .string($0) }
        object["lastResult"] = lastResult.map { .string($0) }
        object["waitsFor"] = state == .held ? waitsFor.map { .string($0) } : nil
        object["possibleRepeat"] = isPossibleRepeat ? true : nil
        object["firstUnresolvedAttemptAt"] = firstUnresolvedAttemptAt.map { .string(WallTime.text($0)) }
        if case .waiting(let until) = state { object["waitingUntil"] = .string(WallTime.text(until)) }
        if case .delivered(let receipt) = state {
            object["receipt"] = [
                "kind": .string(receipt.kind.rawValue), "id": .string(receipt.id), "source": .string(receipt.source.rawValue),
            ]
        }
        return object
    }

    /// Why it ended as it did.
    var reason: String? {
        switch state {
        case .dead(let reason), .unresolved(let reason): reason
        default: nil
        }
    }

    /// State and what matters with it, on one line.
    func words(waitsFor: String?) -> String {
        switch state {
        case .held: waitsFor.map { "held, waits for \($0)" } ?? "held"
        case .delivered(let receipt): "delivered, \(receipt.kind.rawValue) \(receipt.id) (by \(receipt.source.rawValue))"
        case .dead(let reason): "dead: \(reason)"
        case .unresolved(let reason): "unresolved: \(reason)"
        case .waiting(let until): "waiting until \(WallTime.text(until)); last: \(lastResult ?? "-")"
        default: stateName
        }
    }
}
