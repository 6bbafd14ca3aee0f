import AsyncHTTPClient
import DiscordProtocol
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NetSupport
import Synchronization
import WakeCore

/// Discord's REST API: every request through the rate limits, every answer judged by the callers.
final class DiscordREST: Sendable {
    /// A request's body.
    struct Body: Sendable {
        var contentType = "application/json"
        var bytes: [UInt8]
    }

    private struct State {
        var client: HTTPClient?
        var isClosed = false
        var underWay = 0
        var whenIdle: CheckedContinuation<Void, Never>?
        var clockSkewMilliseconds: Int64?
    }

    let desk: PermitDesk
    private let settings: DiscordSettings
    private let wallMilliseconds: @Sendable () -> Int64
    private let tokenRejected: @Sendable () -> Void
    private let state = Mutex(State())

    init(
        settings: DiscordSettings, desk: PermitDesk, wallMilliseconds: @escaping @Sendable () -> Int64,
        tokenRejected: @escaping @Sendable () -> Void
    ) {
        self.settings = settings
        self.desk = desk
        self.wallMilliseconds = wallMilliseconds
        self.tokenRejected = tokenRejected
    }

    /// How far Discord's clock is ahead of ours, to a second or two; `nil` before the first answer.
    var clockSkewMilliseconds: Int64? { state.withLock { $0.clockSkewMilliseconds } }

    /// From now on requests are sent, until ``close()``. Does nothing the second time.
    func open() {
        state.withLock { state in
            guard state.client == nil, !state.isClosed else { return }
            state.client = makeClient()
        }
    }

    private func makeClient() -> HTTPClient {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = settings.trustRoots
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow, timeout: .init(connect: .seconds(5)),
            decompression: .disabled)
        configuration.httpVersion = .http1Only
        configuration.connectionPool = .init(idleTimeout: .minutes(5))
        // Refused means refused, at once: when to try again is not decided here.
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: configuration)
    }

    /// Takes no more requests, waits for those under way that change something (their timeout bounds it), cuts off those that only look,
    /// and lets go of all connections: a stop must not wait for an answer that nobody needs any more.
    func close() async {
        let client = state.withLock { state in
            defer { (state.client, state.isClosed) = (nil, true) }
            return state.client
        }
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.underWay == 0 { return true }
                state.whenIdle = continuation
                return false
            }
            if isIdle { continuation.resume() }
        }
        try? await client?.shutdown()
    }

    /// Sends one request, with a permit for the route that is held already or else with one that it waits for. Always returns, at
    /// the latest after the request timeout once it has its permit.
    func call(_ route: DiscordRoute, body: Body? = nil, permit held: RateLimiter.Permit? = nil) async -> RESTOutcome {
        var permit = held
        if permit == nil { permit = await desk.acquire(route) }
        guard let permit else { return .notSent(reason: "the request was taken back") }
        let client = state.withLock { state in
            if state.client != nil, route.changesSomething { state.underWay += 1 }
            return state.client
        }
        guard let client else {
            desk.giveBack(permit)
            return .notSent(reason: "the Discord connection is not running")
        }
        let outcome = await execute(route, body, client)
        finish(permit, outcome, wasCounted: route.changesSomething)
        return outcome
    }

    private func finish(_ permit: RateLimiter.Permit, _ outcome: RESTOutcome, wasCounted: Bool) {
        switch outcome {
        case .answered(let response):
            desk.complete(permit, with: .answered(status: response.status, RateLimitHeaders(response)))
            if let date = response.header("date").flatMap({ HTTPDate.unixMilliseconds($0) }) {
                let skew = date - wallMilliseconds()
                state.withLock { $0.clockSkewMilliseconds = skew }
            }
            if response.status == 401 { tokenRejected() }
        case .notSent: desk.giveBack(permit)
        case .unanswered: desk.complete(permit, with: .unanswered)
        }
        guard wasCounted else { return }
        let idle = state.withLock { state in
            state.underWay -= 1
            guard state.underWay == 0 else { return CheckedContinuation<Void, Never>?.none }
            defer { state.whenIdle = nil }
            return state.whenIdle
        }
        idle?.resume()
    }

    private func execute(_ route: DiscordRoute, _ body: Body?, _ client: HTTPClient) async -> RESTOutcome {
        var request = HTTPClientRequest(url: settings.apiBase + route.path)
        request.method = HTTPMethod(rawValue: route.method)
        request.headers.add(name: "Authorization", value: "Bot " + settings.token.value)
        request.headers.add(name: "User-Agent", value: DiscordChannel.userAgent)
        if let body {
            request.headers.add(name: "Content-Type", value: body.contentType)
            request.body = .bytes(ByteBuffer(bytes: body.bytes))
        }
        do {
            let response = try await client.execute(request, timeout: TimeAmount(settings.requestTimeout))
            let buffer = try await response.body.collect(upTo: RESTResponse.maximumBodyBytes)
            return .answered(
                RESTResponse(
                    status: Int(response.status.code), headers: response.headers.map { ($0.name, $0.value) },
                    body: Array(buffer.readableBytesView)))
        } catch is NIOTooManyBytesError {
            return .unanswered(reason: "an answer over the limit of \(RESTResponse.maximumBodyBytes) bytes")
        } catch {
            let words = TLSFailure.words(error).map { "Discord can't be reached over TLS: \($0)" } ?? "\(error)"
            return Self.isBeforeFirstByte(error) ? .notSent(reason: words) : .unanswered(reason: words)
        }
    }

    /// Only what can't happen after the request was begun; anything else may have been written.
    private static func isBeforeFirstByte(_ error: any Error) -> Bool {
        if error is NIOConnectionError { return true }
        if let error = error as? HTTPClientError {
            return [.connectTimeout, .tlsHandshakeTimeout, .getConnectionFromPoolTimeout, .invalidURL, .alreadyShutdown].contains(
                error)
        }
        // An open connection can't be refused any more; unreachable hosts are told apart by NIOConnectionError alone.
        if let error = error as? IOError, error.errnoCode == ECONNREFUSED { return true }
        if case .handshakeFailed = error as? NIOSSLError { return true }
        return error is NIOSSLExtraError
    }
}

extension TimeAmount {
    init(_ duration: Duration) { self = .microseconds(duration.wholeMicroseconds) }
}

extension DiscordRoute {
    /// Whether a request of it leaves something behind, so that its outcome is worth waiting for.
    fileprivate var changesSomething: Bool { method != "GET" }
}
