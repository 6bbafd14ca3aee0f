import DiscordProtocol
import WakeCore
import WakeService

extension DiscordPlaces {
    /// Reads the channel's history for the notice. “Absent” is said only where history may be read and was read whole.
    func search(_ order: SearchOrder) async -> ReceiptSearch {
        let place: Snowflake
        switch await resolve(order.route) {
        case .success(let found): place = found
        case .failure(let refusal): return Self.conclusion(refusal.verdict)
        }
        guard let user = await userID else {
            return .tryAgain(reason: "Discord has not told yet who we are", retryAfter: .seconds(1))
        }
        var search = HistorySearch(
            channel: place, author: user, trailer: order.trailer, nonce: order.nonce,
            sinceUnixMilliseconds: discordTime(of: order.since),
            mayReadHistory: order.route.kind == .user)
        var step = search.first
        while true {
            switch step {
            case .found(let message): return .found(Receipt(id: message.description, source: .history))
            case .absent: return .absent
            case .cannotTell(let reason): return .cannotTell(reason: reason)
            case .fetch(let page):
                let outcome = await rest.call(page)
                guard case .answered(let response) = outcome, response.isSuccess else {
                    return Self.conclusion(.refused(outcome))
                }
                step = search.received(response.body)
            }
        }
    }

    /// When that was by Discord's clock, which message ids are made by: our own wall clock may be off or may have been set since.
    private func discordTime(of moment: Moment) -> Int64 {
        let now = moments.now()
        let ours =
            now.boot == moment.boot
            ? now.wallMilliseconds - (now.elapsed(since: moment) ?? .zero).wholeMilliseconds : moment.wallMilliseconds
        return ours + (rest.clockSkewMilliseconds ?? 0)
    }

    private static func conclusion(_ verdict: RouteVerdict) -> ReceiptSearch {
        switch verdict {
        case .ready: .tryAgain(reason: "try again", retryAfter: nil)
        case .blocked(let reason), .gone(let reason): .cannotTell(reason: reason)
        case .tokenRejected(let reason): .tryAgain(reason: reason, retryAfter: .seconds(60))
        case .unknown(let reason, let retryAfter): .tryAgain(reason: reason, retryAfter: retryAfter)
        }
    }
}
