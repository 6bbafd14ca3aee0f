import DiscordProtocol
import WakeCore

/// Any answer to any request. The first line of the input is the status, then come header lines until an empty one, then the body.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let response = Response(UnsafeBufferPointer(start: start, count: count))
    judgeSend(response.answer)
    history(response.body)
    limits(response.answer)
    places(response.answer, response.body)
    return 0
}

struct Response {
    let answer: RESTResponse
    let body: [UInt8]

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        let lines = bytes.split(separator: 0x0A, maxSplits: 12, omittingEmptySubsequences: false)
        let status = lines.first.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 200
        let end = lines.dropFirst().firstIndex { $0.isEmpty } ?? lines.endIndex
        let headers = lines.dropFirst().prefix(max(0, end - 1)).compactMap { line -> (name: String, value: String)? in
            let parts = String(decoding: line, as: UTF8.self).split(separator: ":", maxSplits: 1)
            return parts.count == 2 ? (String(parts[0]), String(parts[1].drop { $0 == " " })) : nil
        }
        body = end < lines.endIndex ? Array(lines[(end + 1)...].joined(separator: [0x0A])) : []
        answer = RESTResponse(status: status, headers: headers, body: body)
    }
}

/// Nothing counts as refused unless Discord said so: a status of 500 or more proves nothing, and neither does one of 200.
func judgeSend(_ answer: RESTResponse) {
    let verdict = SendVerdict(.answered(answer))
    guard answer.status >= 500 || (200..<300).contains(answer.status) else { return }
    switch verdict {
    case .accepted, .ambiguous: break
    default: fatalError("status \(answer.status) was judged as \(verdict)")
    }
}

/// “Absent” needs pages that can be read to their end.
func history(_ body: [UInt8]) {
    var search = HistorySearch(
        channel: Snowflake(100), author: Snowflake(900), trailer: "-# reveille AAAAAAAAAAAAAAAAAAAAAA",
        nonce: "AAAAAAAAAAAAAAAAAAAAAAn0",
        sinceUnixMilliseconds: 1_700_000_000_000, mayReadHistory: false)
    for _ in 0..<12 {
        switch search.received(body) {
        case .fetch: continue
        case .absent:
            precondition((try? JSONValue.parse(body, maximumDepth: 64))?.array != nil, "absent, by something that is no list")
            return
        case .found, .cannotTell: return
        }
    }
    fatalError("a search without end")
}

/// Whatever the headers say, permits come back and the limiter goes on.
func limits(_ answer: RESTResponse) {
    _ = RateLimitHeaders(answer)
    _ = answer.header("date").map { HTTPDate.unixMilliseconds($0) }
    var limiter = RateLimiter()
    let route = DiscordRoute.channel(Snowflake(100))
    var now = Duration.seconds(1)
    for _ in 0..<4 {
        if case .granted(let permit) = limiter.permit(for: route, at: now) {
            limiter.complete(permit, with: .answered(status: answer.status, RateLimitHeaders(answer)), at: now)
        }
        now += .seconds(1)
    }
    precondition(limiter.permitsOut == 0)
    _ = limiter.earliest(for: route, at: now)
}

func places(_ answer: RESTResponse, _ body: [UInt8]) {
    _ = RouteVerdict.refused(.answered(answer))
    _ = CurrentUser(parsing: body)
    _ = GatewayBot(parsing: body)
    let standing = GuildStanding(guild: Snowflake(1), user: Snowflake(900), roles: body, member: Array(#"{"roles":["1"]}"#.utf8))
    if let channel = ChannelDescription(parsing: body) { _ = RouteVerdict(channel, overwrites: nil, standing: standing) }
}
