import DiscordProtocol
import WakeCore

/// Discord's side of rate limiting, told from its documentation and sharing no code with the limiter: fixed windows that the
/// first request opens, per channel; and 50 requests in *any* second over all, which is harder than any way Discord may count
/// them.
struct HonestServer {
    let limit: Int
    let window: Double
    let bucket: String
    private var windows: [UInt64: (endsAt: Double, used: Int)] = [:]
    private var recent: [Double] = []
    private(set) var accepted = 0
    private(set) var refused = 0

    init(limit: Int, window: Double, bucket: String = "abcd") {
        self.limit = limit
        self.window = window
        self.bucket = bucket
    }

    /// A request arrives, by the server's clock in seconds.
    mutating func arrive(channel: UInt64, at now: Double) -> RESTResponse {
        recent.removeAll { now - $0 >= 1 }
        if recent.count >= 50 {
            refused += 1
            return RESTResponse(
                status: 429, headers: [("Retry-After", "1"), ("X-RateLimit-Global", "true"), ("X-RateLimit-Scope", "global")],
                body: Array(#"{"message":"You are being rate limited.","retry_after":1.0,"global":true}"#.utf8))
        }
        recent.append(now)
        var state = windows[channel] ?? (now + window, 0)
        if now >= state.endsAt { state = (now + window, 0) }
        state.used += 1
        windows[channel] = state
        let left = max(0, limit - state.used)
        let after = Double(((state.endsAt - now) * 1000).rounded(.up)) / 1000
        var headers = [
            ("X-RateLimit-Limit", "\(limit)"), ("X-RateLimit-Remaining", "\(left)"), ("X-RateLimit-Reset-After", "\(after)"),
            ("X-RateLimit-Bucket", bucket),
        ]
        if state.used > limit {
            refused += 1
            headers += [("Retry-After", "\(Int(after.rounded(.up)))"), ("X-RateLimit-Scope", "user")]
            return RESTResponse(
                status: 429, headers: headers,
                body: Array(#"{"message":"You are being rate limited.","retry_after":\#(after),"global":false}"#.utf8))
        }
        accepted += 1
        return RESTResponse(status: 200, headers: headers, body: Array(#"{"id":"1","channel_id":"2"}"#.utf8))
    }
}

/// A world of one client and one server with latency both ways, in virtual time (whole microseconds).
struct RateLimitWorld {
    enum News {
        case arrives(RateLimiter.Permit)
        case answered(RateLimiter.Permit, RESTResponse)
        case look
    }

    var server: HonestServer
    var queue = RateLimitQueue()
    private var random: SplitMix
    private let latency: ClosedRange<Int64>
    private var agenda: [(at: Int64, order: Int, news: News)] = []
    private var order = 0
    private var nextLook = Int64.max
    private(set) var servedInOrder: [UInt64] = []

    init(server: HonestServer, latencyMilliseconds: ClosedRange<Int64>, seed: UInt64) {
        self.server = server
        self.latency = latencyMilliseconds.lowerBound * 1000...latencyMilliseconds.upperBound * 1000
        self.random = SplitMix(seed: seed)
    }

    private mutating func push(_ at: Int64, _ news: News) {
        order += 1
        // Kept sorted, latest first, so that the next is the last.
        var (low, high) = (0, agenda.count)
        while low < high {
            let middle = (low + high) / 2
            if (agenda[middle].at, agenda[middle].order) > (at, order) { low = middle + 1 } else { high = middle }
        }
        agenda.insert((at, order, news), at: low)
    }

    private mutating func oneWay() -> Int64 { Int64.random(in: latency, using: &random) }

    private mutating func look(at now: Int64) {
        let grants = queue.grant(at: .microseconds(now))
        for (waiter, permit) in grants.granted {
            servedInOrder.append(waiter)
            push(now + oneWay(), .arrives(permit))
        }
        guard let wakeAt = grants.wakeAt?.wholeMicroseconds, wakeAt > now, wakeAt < nextLook else { return }
        nextLook = wakeAt
        push(wakeAt, .look)
    }

    /// Runs until nothing is left to do; the seconds until the last answer.
    mutating func run() -> Double {
        var finishedAt: Int64 = 0
        look(at: 0)
        while let (now, _, news) = agenda.popLast() {
            switch news {
            case .arrives(let permit):
                let response = server.arrive(channel: permit.route.major?.rawValue ?? 0, at: Double(now) / 1_000_000)
                push(now + oneWay(), .answered(permit, response))
            case .answered(let permit, let response):
                finishedAt = now
                let completion = RateLimiter.Completion.answered(status: response.status, RateLimitHeaders(response))
                queue.complete(permit, with: completion, at: .microseconds(now))
                look(at: now)
            case .look:
                if now == nextLook { nextLook = .max }
                look(at: now)
            }
        }
        return Double(finishedAt) / 1_000_000
    }
}
