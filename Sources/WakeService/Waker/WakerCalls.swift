import WakeCore

/// What the waker asks of the outside world; what comes of it comes back into its mailbox.
extension Waker {
    func requestPermit(_ id: DeliveryID, _ route: Route) {
        if needsNoPermit(id) { return grantedAtOnce.append(id) }
        guard let transport = transport(of: route.channel) else { return }
        if permits.take(id, over: route, from: transport) { return grantedAtOnce.append(id) }
        permits.request(id, over: route, from: transport, moments) { [mail] in mail.yield(.permit($0)) }
    }

    /// Who starts turns has no limits that must be waited for, and keeps no place for anybody.
    func needsNoPermit(_ id: DeliveryID) -> Bool {
        guard id.kind == .turn, let delivery = delivery(id) else { return false }
        return turnSink(of: delivery.session, over: delivery.route.channel) != nil
    }

    func brief(_ order: BriefingOrder, _ group: inout ThrowingDiscardingTaskGroup<any Error>) {
        let source = outside.briefings.first { $0.briefs(order.route.channel) }
        group.addTask { [moments, mail] in
            let briefing = await OutsideCall.answer(within: Self.lookLimit, moments) {
                await source?.brief(order) ?? .needed(missed: [])
            }
            mail.yield(.event(.briefed(order.delivery, briefing ?? .needed(missed: []))))
        }
    }

    func restart(_ sentinel: Sentinel, _ group: inout ThrowingDiscardingTaskGroup<any Error>) {
        group.addTask { [outside, moments, mail] in
            // A command runs as long as it runs; a stop does not wait for it.
            let result = await OutsideCall.answer(within: nil, moments) { await outside.restarts.perform(sentinel) }
            if case .some(.some(let event)) = result { mail.yield(.event(event)) }
        }
    }

    func check(_ route: Route, _ group: inout ThrowingDiscardingTaskGroup<any Error>) {
        let check = outside.routeChecks.first { $0.serves(route.channel) }
        group.addTask { [moments, mail] in
            let state = await OutsideCall.answer(within: Self.lookLimit, moments) {
                await check?.check(route) ?? .blocked(reason: "no transport of ours serves \(route.channel)")
            }
            mail.yield(.event(.routeChecked(route, state ?? .unknown)))
        }
    }

    func search(_ order: SearchOrder, _ group: inout ThrowingDiscardingTaskGroup<any Error>) {
        let lookup = outside.lookups.first { $0.serves(order.route.channel) }
        let sink = order.delivery.kind == .turn ? turnSink(of: order.session, over: order.route.channel) : nil
        group.addTask { [moments, mail] in
            let search = await OutsideCall.answer(within: Self.lookLimit, moments) { () -> ReceiptSearch in
                if let sink { return await sink.search(order) }
                return await lookup?.search(order) ?? .cannotTell(reason: "no transport of ours serves \(order.route.channel)")
            }
            mail.yield(.event(.searched(order.delivery, search ?? .tryAgain(reason: "no answer in time", retryAfter: nil))))
        }
    }

    func send(_ order: SendOrder, _ group: inout ThrowingDiscardingTaskGroup<any Error>) {
        sendsUnderWay += 1
        permits.use(order.delivery)
        let transport = transport(of: order.route.channel)
        let sink = order.delivery.kind == .turn ? turnSink(of: order.session, over: order.route.channel) : nil
        group.addTask { [moments, mail, policy] in
            // Its answer is worth waiting for, a stop included; a transport that breaks its promise to return is not.
            let outcome = await OutsideCall.answer(
                within: policy.attemptTimeout + Self.sendGrace, moments,
                late: { outcome in
                    // An attempt after this one may be under way by now: only proof counts.
                    if case .accepted(let receipt) = outcome { mail.yield(.event(.receiptSeen(order.delivery, receipt))) }
                },
                { () -> Outcome in
                    if let sink { return await sink.start(order) }
                    return await transport?.send(order) ?? .transient(reason: "no transport serves it", retryAfter: nil)
                })
            mail.yield(.sent(order.delivery, outcome ?? .ambiguous(reason: "the transport gave no outcome in time")))
        }
    }

    func follow(_ turn: Turn, _ group: inout ThrowingDiscardingTaskGroup<any Error>) {
        guard let keeper = keeper(of: turn) else {
            _ = mail.yield(.event(.turnEnded(turn.id, .lost(reason: "agent \(turn.agent) is not configured any more"))))
            return
        }
        group.addTask { [mail] in
            if let end = await keeper.follow(turn) { mail.yield(.event(.turnEnded(turn.id, end))) }
        }
    }

    func plan(_ job: Job, after milliseconds: Int64) {
        guard let planner = outside.planner else { return }
        mail.yield(.event(.jobPlanned(job.id, after: milliseconds, next: planner.next(of: job, after: milliseconds))))
    }

    func cancel(_ turn: Turn, _ group: inout ThrowingDiscardingTaskGroup<any Error>) {
        let keeper = keeper(of: turn)
        group.addTask { await keeper?.cancel(turn) }
    }

    func forget(_ turn: Turn, _ group: inout ThrowingDiscardingTaskGroup<any Error>) {
        let keeper = keeper(of: turn)
        group.addTask { await keeper?.forget(turn) }
    }

    private func keeper(of turn: Turn) -> (any TurnKeeper)? { outside.keepers.first { $0.runs(turn.agent) } }

    func transport(of channel: ChannelName) -> (any NoticeTransport)? {
        outside.transports.first { $0.serves(channel) }
    }

    private func turnSink(of session: SessionKey, over channel: ChannelName) -> (any TurnSink)? {
        outside.turns.first { $0.serves(session, over: channel) }
    }
}
