// The sentinel of the newest generation: a row with a revision, from which durable rows are made.
extension GatewayState {
    /// The most attempts at a notice.
    static let noticeAttempts = 45

    /// Turns the sentinel into what is owed, then clears it.
    fileprivate mutating func takeSentinel() {
        guard let sentinel = book.sentinel else { return }
        let payload = sentinel.payload
        let named = payload["sessionKey"]?.filled
        let isSilent =
            named == nil && payload["message"]?.filled == nil && payload["deliveryContext"]?["to"] == nil
            && payload["kind"]?.string?.hasPrefix("config-") == true
        if !isSilent {
            let session = named ?? Self.mainSession
            let text = SentinelText.forPeople(payload)
            let revision = sentinel.revision
            book.owe(.init(key: "restart-sentinel-wake:\(session):\(revision)", kind: .wake, session: session, text: text))
            if let route = Route(payload["deliveryContext"]) ?? named.flatMap({ route(of: $0) }) {
                book.owe(
                    .init(
                        key: "restart-sentinel-notice:\(session):\(revision)", kind: .notice, session: session, text: text,
                        route: route))
            }
            save()
        }
        // A newer one, written meanwhile, would have another revision.
        if book.sentinel?.revision == sentinel.revision { book.sentinel = nil }
        save()
        log.record(
            "sentinel_consumed", ["sentinel": payload, "outcome": isSilent ? "silent" : "owed"])
    }

    fileprivate var queuedNotices: [Book.Row] {
        book.rows.filter { $0.kind == .notice && $0.condition == .queued && $0.attempts < Self.noticeAttempts }
    }

    fileprivate mutating func settleWakes() {
        for row in book.rows where row.kind == .wake && row.condition == .queued {
            book.change(row.key) { $0.condition = .done }
            beginTurn(Turn(session: row.session, message: "System: \(row.text)", source: "wake"))
        }
    }

    /// Counts an attempt before it is made.
    fileprivate mutating func reserveAttempt(_ row: Book.Row) -> Int? {
        guard let now = book.rows.first(where: { $0.key == row.key }), now.attempts < Self.noticeAttempts else { return nil }
        book.change(row.key) { $0.attempts += 1 }
        save()
        return now.attempts + 1
    }

    fileprivate mutating func settled(_ row: Book.Row) {
        book.change(row.key) { $0.condition = .done }
        save()
    }
}

extension Gateway {
    /// Takes the sentinel, wakes whom it names, and says what is to be said; then what earlier lives still owe.
    func settleDebts(_ number: Int) async {
        let notices = inLife(number) { state in
            state.takeSentinel()
            state.settleWakes()
            return state.queuedNotices
        }
        await withDiscardingTaskGroup { group in
            for row in notices ?? [] { group.addTask { await self.give(row, number) } }
        }
    }

    private func give(_ row: Book.Row, _ number: Int) async {
        guard let route = row.route else { return }
        while let attempt = inLife(number, { $0.reserveAttempt(row) }).flatMap(\.self) {
            if (try? await post(row.text, to: route, source: "notice", life: number, attempt: attempt)) != nil {
                _ = inLife(number) { $0.settled(row) }
                return
            }
            guard await wait(options.noticeInterval) else { return }
        }
    }
}
