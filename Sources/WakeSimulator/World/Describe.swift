internal import WakeCore

/// Words for the history.
enum Describe {
    static func request(_ request: RestartRequest) -> String {
        let who = request.performedByUs ? "restart" : "await the restart of"
        return
            "\(who) \(request.target) for \(request.session) at \(request.route.map(\.description) ?? "its own place"), "
            + "delay \(request.delay), '\(request.note.prefix(12))' owing \(request.owes.sorted().map(\.rawValue)), \(request.id)"
    }

    static func event(_ event: Event) -> String {
        switch event {
        case .requested(let request, let row): "requested \(request.id) row \(row.map(String.init) ?? "none")"
        case .commanded(let command, _, _): "commanded \(command)"
        case .channelChanged(let name, let state): "\(name) \(state.words)"
        case .routeChecked(let route, let state): "\(route) \(state.words)"
        case .epochObserved(let target, let epoch, let settled, _): "\(target) seen in \(epoch), settled \(settled)"
        case .attemptEnded(let id, let outcome): "\(id) attempt: \(outcome.words)"
        case .searched(let id, let search): "\(id) search: \(search)"
        case .receiptSeen(let id, let receipt): "\(id) receipt \(receipt.id) by \(receipt.source.rawValue)"
        default: "\(event)"
        }
    }

    static func directive(_ directive: Directive) -> String {
        switch directive {
        case .record(let changes): "record \(changes.count)"
        case .performRestart(let sentinel): "perform restart of \(sentinel.target) for \(sentinel.id)"
        case .observe(let target): "watch \(target)"
        case .checkRoute(let route): "check \(route)"
        case .brief(let order): "ask what has changed for \(order.delivery)"
        case .requestPermit(let id, _): "ask a permit for \(id)"
        case .returnPermit(let id): "return the permit of \(id)"
        case .send(let order): "send \(order.delivery), attempt \(order.attempt), nonce \(order.nonce)"
        case .followTurn(let turn): "follow turn \(turn.id)"
        case .cancelTurn(let turn): "cancel turn \(turn.id)"
        case .forgetTurn(let turn): "forget turn \(turn.id): \(turn.stateName)"
        case .planJob(let job, let after): "plan job \(job.id) after \(after)"
        case .search(let order): "search \(order.delivery)"
        case .tell(let decision):
            "\(decision.code.rawValue) \(decision.delivery?.description ?? decision.wake?.description ?? decision.sentinel?.description ?? "")"
                + (decision.reason.map { " (\($0))" } ?? "")
        }
    }
}
