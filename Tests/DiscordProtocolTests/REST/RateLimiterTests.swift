import DiscordProtocol
import Testing
import WakeCore

@Suite("Rate limiter")
struct RateLimiterTests {
    static func post(_ channel: UInt64) -> DiscordRoute { .createMessage(in: Snowflake(channel)) }

    static func headers(limit: Int = 5, remaining: Int, after: Double = 5, bucket: String = "b") -> RateLimitHeaders {
        RateLimitHeaders(
            RESTResponse(
                status: 200,
                headers: [
                    ("x-ratelimit-limit", "\(limit)"), ("x-ratelimit-remaining", "\(remaining)"),
                    ("x-ratelimit-reset-after", "\(after)"), ("x-ratelimit-bucket", bucket),
                ]))
    }

    static func granted(_ decision: RateLimiter.Decision) -> RateLimiter.Permit? {
        if case .granted(let permit) = decision { permit } else { nil }
    }

    @Test(
        "10,000 messages to 200 channels take at most 1.1 × what the limits allow, with no 429", arguments: [1, 2, 3] as [UInt64])
    func manyWaiters(seed: UInt64) {
        var world = RateLimitWorld(server: HonestServer(limit: 5, window: 5), latencyMilliseconds: 5...40, seed: seed)
        for waiter in 0..<10_000 as Range<UInt64> { world.queue.enqueue(waiter, for: Self.post(waiter % 200)) }
        let seconds = world.run()
        #expect(world.server.accepted == 10_000)
        #expect(world.server.refused == 0)
        // 50 a second over all is the tighter of the two limits here.
        #expect(seconds <= 1.1 * 10_000 / 50, "took \(seconds) s")
        #expect(world.queue.count == 0)
    }

    @Test("one busy channel keeps within 1.1 × its own limit, in order, and delays no other")
    func busyChannel() {
        var world = RateLimitWorld(server: HonestServer(limit: 5, window: 5), latencyMilliseconds: 5...80, seed: 4)
        for waiter in 0..<500 as Range<UInt64> { world.queue.enqueue(waiter, for: Self.post(1)) }
        for waiter in 1000..<1005 as Range<UInt64> { world.queue.enqueue(waiter, for: Self.post(2)) }
        let seconds = world.run()
        #expect(world.server.refused == 0)
        #expect(seconds <= 1.1 * 500, "took \(seconds) s")
        #expect(world.servedInOrder.filter { $0 < 1000 } == Array(0..<500))
        let lastOfOther = world.servedInOrder.lastIndex { $0 >= 1000 }!
        #expect(lastOfOther < 20)
    }

    @Test("wild latencies, up to twice the window, cause no 429", arguments: 1...20 as ClosedRange<UInt64>)
    func wildLatency(seed: UInt64) {
        var world = RateLimitWorld(server: HonestServer(limit: 3, window: 2), latencyMilliseconds: 1...4000, seed: seed)
        for waiter in 0..<300 as Range<UInt64> { world.queue.enqueue(waiter, for: Self.post(waiter % 7)) }
        _ = world.run()
        #expect(world.server.refused == 0)
        #expect(world.server.accepted == 300)
    }

    @Test("a limiter that forgets what is in flight at the end of a window would be caught by the server")
    func serverIsHard() {
        var server = HonestServer(limit: 2, window: 1)
        let statuses = [0.0, 0.1, 0.2, 1.05, 1.06, 1.07].map { server.arrive(channel: 1, at: $0).status }
        #expect(statuses == [200, 200, 429, 200, 200, 429])
        var global = HonestServer(limit: 100, window: 1)
        let all = (0..<51).map { global.arrive(channel: UInt64($0), at: 0.9 + Double($0) * 0.003).status }
        #expect(all.filter { $0 == 429 }.count == 1)
    }

    @Test("an endpoint never seen goes one at a time in each channel, and its limit then holds for all channels")
    func discovery() throws {
        var limiter = RateLimiter()
        let first = try #require(Self.granted(limiter.permit(for: Self.post(1), at: .zero)))
        #expect(limiter.permit(for: Self.post(1), at: .zero) == .waitForCompletion)
        limiter.complete(first, with: .answered(status: 200, Self.headers(limit: 3, remaining: 2)), at: .milliseconds(10))
        for _ in 0..<2 { #expect(Self.granted(limiter.permit(for: Self.post(1), at: .milliseconds(11))) != nil) }
        #expect(limiter.permit(for: Self.post(1), at: .milliseconds(11)) == .wait(until: .milliseconds(5010)))
        for _ in 0..<3 { #expect(Self.granted(limiter.permit(for: Self.post(2), at: .milliseconds(11))) != nil) }
        #expect(limiter.permit(for: Self.post(2), at: .milliseconds(11)) == .waitForCompletion)
    }

    @Test("what is in flight when a window ends counts against the next")
    func acrossWindows() throws {
        var limiter = RateLimiter()
        let first = try #require(Self.granted(limiter.permit(for: Self.post(1), at: .zero)))
        limiter.complete(first, with: .answered(status: 200, Self.headers(limit: 3, remaining: 2)), at: .zero)
        let slow = try #require(Self.granted(limiter.permit(for: Self.post(1), at: .seconds(4))))
        for _ in 0..<2 { #expect(Self.granted(limiter.permit(for: Self.post(1), at: .seconds(6))) != nil) }
        #expect(Self.granted(limiter.permit(for: Self.post(1), at: .seconds(6))) == nil)
        limiter.complete(slow, with: .unanswered, at: .seconds(7))
    }

    @Test("a permit that is given back may be used again at once, and one that is forgotten lapses")
    func permitsReturn() throws {
        var limiter = RateLimiter()
        let unused = try #require(Self.granted(limiter.permit(for: Self.post(1), at: .zero)))
        limiter.giveBack(unused)
        limiter.giveBack(unused)
        #expect(Self.granted(limiter.permit(for: Self.post(1), at: .zero)) != nil)
        #expect(limiter.permitsOut == 1)
        #expect(limiter.permit(for: Self.post(1), at: .seconds(59)) == .waitForCompletion)
        #expect(Self.granted(limiter.permit(for: Self.post(1), at: .seconds(60))) != nil)
    }

    @Test("each scope of a 429 holds back what it is about, and nothing else")
    func scopes() throws {
        func limited(_ headers: [(String, String)], _ body: String) -> RateLimitHeaders {
            RateLimitHeaders(RESTResponse(status: 429, headers: headers, body: Array(body.utf8)))
        }
        let bucket = [("X-RateLimit-Bucket", "b"), ("X-RateLimit-Limit", "5"), ("X-RateLimit-Remaining", "0")]
        let cases: [(RateLimitHeaders, RateLimitHeaders.Scope, here: Duration, elsewhere: Duration?)] = [
            (
                limited(bucket + [("X-RateLimit-Scope", "user"), ("Retry-After", "3")], #"{"retry_after":2.5}"#), .user,
                .seconds(3), nil
            ),
            (
                limited(
                    bucket + [("X-RateLimit-Scope", "shared"), ("X-RateLimit-Reset-After", "64.57"), ("Retry-After", "65")],
                    #"{"retry_after":1336.57}"#),
                .shared, .milliseconds(1_336_570), nil
            ),
            (
                limited([("X-RateLimit-Scope", "global"), ("Retry-After", "2")], #"{"global":true,"retry_after":2.0}"#), .global,
                .seconds(2), .seconds(2)
            ),
            (limited([("Retry-After", "7")], "<html>error code: 1015</html>"), .global, .seconds(7), .seconds(7)),
            (limited([], ""), .global, .seconds(5), .seconds(5)),
        ]
        for (headers, scope, here, elsewhere) in cases {
            var limiter = RateLimiter()
            let permit = try #require(Self.granted(limiter.permit(for: Self.post(1), at: .zero)))
            limiter.complete(permit, with: .answered(status: 429, headers), at: .zero)
            #expect(headers.scope == scope)
            #expect(limiter.permit(for: Self.post(1), at: .milliseconds(1)) == .wait(until: here))
            #expect(limiter.earliest(for: Self.post(2), at: .milliseconds(1)) == (elsewhere ?? .milliseconds(1)))
        }
    }

    @Test("invalid answers stop everything long before Discord would ban the address, shared 429s not counted")
    func invalidRequests() {
        var tally = InvalidRequestGuard(stopsAt: 100)
        for second in 0..<99 { tally.note(status: 403, scope: nil, at: .seconds(second)) }
        for _ in 0..<1000 { tally.note(status: 429, scope: .shared, at: .seconds(99)) }
        for _ in 0..<1000 { tally.note(status: 404, scope: nil, at: .seconds(99)) }
        #expect(tally.closedUntil(at: .seconds(99)) == nil)
        tally.note(status: 401, scope: nil, at: .seconds(99))
        let until = tally.closedUntil(at: .seconds(99))
        #expect(until == .seconds(610))
        #expect(tally.closedUntil(at: .seconds(610)) == nil)
    }

    @Test("odd headers count as absent")
    func oddHeaders() {
        for value in ["", "-1", "NaN", "inf", "1e400", "x", "99999999999999999999999"] {
            let headers = RateLimitHeaders(
                RESTResponse(
                    status: 429,
                    headers: [
                        ("x-ratelimit-limit", value), ("x-ratelimit-remaining", value), ("x-ratelimit-reset-after", value),
                        ("retry-after", value), ("x-ratelimit-bucket", ""),
                    ], body: Array(#"{"retry_after":1e300}"#.utf8)))
            #expect(headers.limit == nil && headers.bucket == nil)
            #expect(headers.retryAfter == .seconds(30 * 86_400))
        }
    }

    @Test("a permit can be taken at once where nobody waits for the same channel and the limits allow it")
    func taking() {
        var queue = RateLimitQueue()
        let first = queue.take(Self.post(1), at: .zero)
        #expect(first != nil)
        #expect(queue.take(Self.post(1), at: .zero) == nil, "one at a time until an answer names the limit")
        queue.enqueue(7, for: Self.post(2))
        #expect(queue.take(Self.post(2), at: .zero) == nil, "not past those who wait")
        #expect(queue.count == 1)
        #expect(queue.take(Self.post(3), at: .zero) != nil)
    }

    @Test("a waiter can leave the line")
    func leaving() {
        var queue = RateLimitQueue()
        for waiter in 0..<3 as Range<UInt64> { queue.enqueue(waiter, for: Self.post(1)) }
        let left = queue.cancel(0)
        let again = queue.cancel(0)
        #expect(left && !again)
        let grants = queue.grant(at: .zero)
        #expect(grants.granted.map(\.waiter) == [1])
        #expect(queue.count == 1)
    }
}
