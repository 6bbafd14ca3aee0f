import DiscordProtocol
import Testing
import WakeCore

@Suite("Verdict on a POST")
struct SendVerdictTests {
    enum Kind: Hashable { case accepted, deleted, transient, channel, route, permanent, ambiguous }

    static func kind(_ verdict: SendVerdict) -> Kind {
        switch verdict {
        case .accepted: .accepted
        case .deletedAfterDelivery: .deleted
        case .transient: .transient
        case .channelUnavailable: .channel
        case .routeUnavailable: .route
        case .permanent: .permanent
        case .ambiguous: .ambiguous
        }
    }

    static func verdict(_ status: Int, _ body: String, headers: [(name: String, value: String)] = []) -> SendVerdict {
        SendVerdict(.answered(RESTResponse(status: status, headers: headers, body: Array(body.utf8))))
    }

    @Test("each error code is judged as the table says")
    func errorCodes() {
        let table: [(Int, Int, Kind)] = [
            (404, 10003, .permanent), (404, 10004, .permanent), (404, 10008, .deleted), (404, 10013, .permanent),
            (400, 20009, .permanent), (429, 20016, .transient), (429, 20028, .transient), (429, 20029, .transient),
            (401, 40001, .channel), (403, 40002, .route), (429, 40003, .transient), (400, 40004, .transient),
            (413, 40005, .permanent), (400, 40006, .transient), (400, 40058, .permanent), (429, 40062, .transient),
            (403, 40333, .route), (403, 50001, .route), (400, 50003, .permanent), (400, 50006, .permanent),
            (403, 50007, .route), (400, 50008, .permanent), (403, 50013, .route), (401, 50014, .channel),
            (400, 50024, .permanent), (400, 50035, .permanent), (400, 50083, .route), (400, 50109, .permanent),
            (403, 50278, .route), (503, 110001, .ambiguous), (503, 130000, .ambiguous), (403, 160002, .route),
            (400, 160005, .route), (400, 200000, .permanent), (400, 240000, .permanent), (403, 0, .route), (401, 0, .channel),
            (404, 0, .permanent), (405, 0, .permanent),
        ]
        for (status, code, expected) in table {
            #expect(Self.kind(Self.verdict(status, #"{"code":\#(code),"message":"x"}"#)) == expected, "\(status) \(code)")
        }
    }

    @Test("a message object is a receipt, and a 200 without one proves nothing")
    func success() {
        #expect(Self.verdict(200, #"{"id":"77","channel_id":"5"}"#) == .accepted(message: Snowflake(77)))
        #expect(Self.verdict(201, #"{"id":77,"channel_id":5}"#) == .accepted(message: Snowflake(77)))
        for body in ["", "<html>", "{}", "[]", "null", #"{"id":"x","channel_id":"1"}"#, #"{"id":"1"}"#] {
            #expect(Self.kind(Self.verdict(200, body)) == .ambiguous, "\(body)")
        }
        #expect(Self.kind(Self.verdict(204, "")) == .ambiguous)
    }

    @Test("server errors and silence are ambiguous, a refused connection is not")
    func unclear() {
        for status in [100, 302, 408, 500, 502, 503, 504, 520, 999] {
            #expect(Self.kind(Self.verdict(status, "<html>")) == .ambiguous)
        }
        #expect(Self.kind(SendVerdict(.unanswered(reason: "reset"))) == .ambiguous)
        #expect(Self.kind(SendVerdict(.notSent(reason: "refused"))) == .transient)
    }

    @Test("a block page is no word of Discord's: tried again, slowly")
    func blockPages() {
        for status in [400, 403, 404] {
            #expect(
                Self.verdict(status, "<html>")
                    == .transient(
                        reason: "HTTP \(status) that is not from Discord's API", retryAfter: .seconds(60)))
        }
        #expect(Self.kind(Self.verdict(429, "<html>error code: 1015</html>", headers: [("Retry-After", "9")])) == .transient)
        #expect(Self.kind(Self.verdict(401, "<html>")) == .channel)
    }

    @Test("Discord's words are cut and cleaned before anybody prints them")
    func words() {
        let long = String(repeating: "y", count: 5000)
        guard case .permanent(let reason) = Self.verdict(400, #"{"code":50035,"message":"a\u001b[31m\u0000\#(long)"}"#) else {
            Issue.record("not permanent")
            return
        }
        #expect(reason.count < 300)
        #expect(!reason.unicodeScalars.contains("\u{1b}"))
    }
}
