import DiscordProtocol
import Testing
import WakeCore

@Suite("Whether a place can be written to")
struct RouteVerdictTests {
    static let guild = Snowflake(1 as UInt64)
    static let me = Snowflake(42 as UInt64)

    static func bytes(_ json: JSONValue) -> [UInt8] { json.bytes }

    static func standing(everyone: UInt64, role: UInt64 = 0) -> GuildStanding? {
        GuildStanding(
            guild: guild, user: me,
            roles: bytes([["id": "1", "permissions": .string("\(everyone)")], ["id": 2, "permissions": .string("\(role)")]]),
            member: bytes(["roles": ["2"]]))
    }

    static func channel(type: Int64 = 0, overwrites: JSONValue = [], archived: Bool = false, locked: Bool = false)
        -> ChannelDescription
    {
        ChannelDescription(
            parsing: bytes([
                "id": "5", "type": .integer(type), "guild_id": "1", "permission_overwrites": overwrites,
                "thread_metadata": ["archived": .bool(archived), "locked": .bool(locked)],
            ]))!
    }

    static func verdict(_ channel: ChannelDescription, _ standing: GuildStanding?) -> RouteVerdict {
        RouteVerdict(channel, overwrites: channel.overwrites, standing: standing)
    }

    static let view: UInt64 = 1 << 10
    static let send: UInt64 = 1 << 11
    static let attach: UInt64 = 1 << 15
    static let history: UInt64 = 1 << 16
    static let threads: UInt64 = 1 << 38

    @Test("roles add up, and overwrites of everyone, roles and member apply in that order")
    func order() {
        let all = Self.view | Self.send | Self.attach | Self.history
        #expect(
            Self.verdict(Self.channel(), Self.standing(everyone: Self.view, role: Self.send | Self.history))
                == .ready(attachFiles: false, readHistory: true, isPresumed: false))
        let deny: JSONValue = [["id": "1", "type": 0, "allow": "0", "deny": .string("\(Self.send)")]]
        #expect(Self.isBlocked(Self.verdict(Self.channel(overwrites: deny), Self.standing(everyone: all))))
        let back: JSONValue = [
            ["id": "1", "type": 0, "allow": "0", "deny": .string("\(Self.send)")],
            ["id": "2", "type": 0, "allow": .string("\(Self.send)"), "deny": "0"],
        ]
        #expect(!Self.isBlocked(Self.verdict(Self.channel(overwrites: back), Self.standing(everyone: all))))
        let own: JSONValue = [["id": "42", "type": 1, "allow": "0", "deny": .string("\(Self.view)")]]
        #expect(Self.isBlocked(Self.verdict(Self.channel(overwrites: own), Self.standing(everyone: all))))
        #expect(!Self.isBlocked(Self.verdict(Self.channel(overwrites: own), Self.standing(everyone: 8))), "administrators pass")
    }

    @Test("threads ask for their own permission, and archived and locked ones for a moderator")
    func threads() {
        let all = Self.view | Self.send
        #expect(Self.isBlocked(Self.verdict(Self.channel(type: 11), Self.standing(everyone: all))))
        #expect(!Self.isBlocked(Self.verdict(Self.channel(type: 11), Self.standing(everyone: all | Self.threads))))
        let locked = Self.channel(type: 11, archived: true, locked: true)
        #expect(Self.isBlocked(Self.verdict(locked, Self.standing(everyone: all | Self.threads))))
        #expect(Self.isBlocked(Self.verdict(locked, nil)))
        #expect(!Self.isBlocked(Self.verdict(locked, Self.standing(everyone: all | Self.threads | 1 << 34))))
        let archived = Self.channel(type: 11, archived: true)
        #expect(!Self.isBlocked(Self.verdict(archived, Self.standing(everyone: all | Self.threads))))
    }

    @Test("where our roles can't be read, writing is presumed and nothing else")
    func presumed() {
        #expect(Self.verdict(Self.channel(), nil) == .ready(attachFiles: false, readHistory: false, isPresumed: true))
    }

    @Test("direct conversations allow all, forums and categories take no messages")
    func kinds() {
        #expect(Self.verdict(Self.channel(type: 1), nil) == .ready(attachFiles: true, readHistory: true, isPresumed: false))
        for type in [4, 14, 15, 16, 99] as [Int64] {
            guard case .gone = Self.verdict(Self.channel(type: type), nil) else {
                Issue.record("type \(type) takes messages")
                return
            }
        }
    }

    @Test("a refused look is told apart: gone, blocked, token, or worth repeating")
    func refused() {
        func look(_ status: Int, _ body: String) -> RouteVerdict {
            .refused(.answered(RESTResponse(status: status, body: Array(body.utf8))))
        }
        guard case .gone = look(404, #"{"code":10003,"message":"Unknown Channel"}"#),
            case .blocked = look(403, #"{"code":50001,"message":"Missing Access"}"#),
            case .tokenRejected = look(401, #"{"code":0,"message":"401: Unauthorized"}"#),
            case .unknown = look(502, "<html>"), case .unknown = look(404, "<html>"), case .unknown = look(403, "<html>"),
            case .unknown(_, .seconds(3)) = look(429, #"{"retry_after":3}"#),
            case .unknown = RouteVerdict.refused(.notSent(reason: "refused"))
        else {
            Issue.record("judged wrongly")
            return
        }
    }

    @Test("garbage is no channel and no standing")
    func garbage() {
        for body in ["", "[]", "{}", #"{"id":"x","type":0}"#, #"{"id":"1"}"#] {
            #expect(ChannelDescription(parsing: Array(body.utf8)) == nil)
        }
        let odd = ChannelDescription(parsing: Array(#"{"id":1,"type":0,"guild_id":2,"permission_overwrites":[{"id":"z"}]}"#.utf8))
        #expect(odd != nil && odd?.overwrites == nil)
        #expect(
            GuildStanding(guild: Self.guild, user: Self.me, roles: Array("[]".utf8), member: Array("{\"roles\":[]}".utf8)) == nil)
    }

    static func isBlocked(_ verdict: RouteVerdict) -> Bool { if case .blocked = verdict { true } else { false } }
}
