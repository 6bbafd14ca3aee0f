import DiscordLoopback
import DiscordTransport
import Testing
import WakeService
import WakeTesting

@testable import WakeCore

@Suite("A reader sees Discord without a session", .timeLimit(.minutes(1)))
struct ReaderTests {
    @Test("the witness says who the token belongs to, and reads its own channel only")
    func witness() async throws {
        try await ReaderRig.run { rig in
            let bot = try #require(rig.world.botID(token: LoopbackOptions.defaultToken))
            #expect(await rig.reader.witness(ReaderRig.channel) == .works(account: String(bot)))
            #expect(rig.reader.reads(ReaderRig.channel))
            #expect(!rig.reader.reads(.discord()))
        }
    }

    @Test("a token that Discord refuses is refused, in words")
    func wrongToken() async throws {
        try await ReaderRig.run(token: "OTAwMDAwMDAwMDAwMDAxMDAw.not.it") { rig in
            guard case .refused(let reason) = await rig.reader.witness(ReaderRig.channel) else {
                Issue.record("not refused")
                return
            }
            #expect(reason.contains("token"))
            let error = await rig.refusal()
            #expect(error?.code == .unavailable)
            #expect(error?.cause?.contains("token") == true)
            #expect(error?.hint?.contains("token") == true)
        }
    }

    @Test("a Discord that does not answer is unknown, not refused", arguments: ["status status=503", "drop-request count=9"])
    func unknownWitness(fault: String) async throws {
        try await ReaderRig.run { rig in
            rig.world.add(try LoopbackFault(fault + " method=GET"))
            guard case .unknown = await rig.reader.witness(ReaderRig.channel) else {
                Issue.record("not unknown")
                return
            }
        }
    }

    @Test("as a route check")
    func routeCheck() async throws {
        try await ReaderRig.run { rig in
            try await RouteCheckConformance(
                rig.reader, writable: ReaderRig.route(), refused: [ReaderRig.route(424_242)],
                disturb: { isDown in
                    try? rig.world.perform(
                        isDown ? .addFault(LoopbackFault("status method=GET status=502 count=100")) : .clearFaults)
                }
            ).check()
        }
    }

    @Test("as a receipt lookup, of what a gateway posted without a nonce")
    func lookup() async throws {
        try await ReaderRig.run { rig in
            try rig.say("somebody was here")
            let now = try SystemMoments(environment: [:]).now()
            try await ReceiptLookupConformance(
                rig.reader, route: ReaderRig.route(), now: { now },
                put: { try await rig.post($0.text + "\n" + $0.trailer, as: rig.reader) },
                allowHistory: { isAllowed in
                    let denied: LoopbackPermissions = isAllowed ? [] : .readMessageHistory
                    try rig.world.perform(.permissions(channel: TransportRig.channelID, allow: [], deny: denied))
                },
                disturb: { isDown in
                    try? rig.world.perform(
                        isDown ? .addFault(LoopbackFault("status method=GET status=502 count=100")) : .clearFaults)
                }
            ).check()
        }
    }

    private func search(_ rig: ReaderRig) async throws -> ReceiptSearch {
        let delivery = TransportRig.delivery
        return await rig.reader.search(
            SearchOrder(
                delivery: delivery, session: TransportRig.session, route: ReaderRig.route(),
                trailer: NoticeText.trailer(of: delivery.wake), nonce: delivery.description,
                since: try SystemMoments(environment: [:]).now()))
    }

    @Test("of a text that the gateway split, the part that ends with our line is the receipt")
    func splitText() async throws {
        try await ReaderRig.run { rig in
            try await rig.post(String(repeating: "long ", count: 300), as: rig.reader)
            let last = try await rig.post("the end\n" + NoticeText.trailer(of: TransportRig.wake), as: rig.reader)
            #expect(try await search(rig) == .found(Receipt(id: last, source: .history)))
        }
    }

    @Test("the same line by another bot is no receipt")
    func otherAuthor() async throws {
        try await ReaderRig.run { rig in
            try await rig.post("the end\n" + NoticeText.trailer(of: TransportRig.wake), as: rig.other)
            #expect(try await search(rig) == .absent)
        }
    }
}
