import GatewayProtocol
import Logging
import Synchronization
import WakeService
import WakeTesting

@testable import GatewayClient
@testable import WakeCore

/// A link to a scripted gateway, and all that it reported.
final class LinkRig: Sendable {
    static let session = "agent:infra:discord:channel:900"
    static let route = Route(
        channel: ChannelName("gateway:main/discord:default") ?? .discord(), kind: .channel, destination: "900")
    /// What `channels.status` says of an account that can be talked through.
    static let connected: JSONValue = [
        "channelAccounts": ["discord": [["accountId": "default", "running": true, "connected": true]]]
    ]

    let link: GatewayLink
    let gateway: ScriptedGateway
    let events = Witness<[Event]>([])
    let readiness = RecordedReadiness()
    let moments: HurriedMoments

    private init(
        _ gateway: ScriptedGateway, _ address: GatewayAddress, _ store: InMemorySessionStore, _ reader: (any ChannelReader)?,
        _ change: (inout GatewayLink.Settings) -> Void
    ) throws {
        let moments = try HurriedMoments()
        var settings = GatewayLink.Settings(name: "main", address: address)
        settings.adoption = .off
        change(&settings)
        self.gateway = gateway
        self.moments = moments
        link = GatewayLink(
            settings,
            GatewayLink.Parts(
                credentials: { .token("secret") }, store: store, reader: reader, sink: readiness, isDurable: { true },
                moments: moments, dice: SeededDice()),
            logger: Logger(label: "link") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Runs it while the body runs.
    static func play(
        _ acts: [ScriptedGateway.Act], store: InMemorySessionStore = InMemorySessionStore(), reader: (any ChannelReader)? = nil,
        change: @escaping @Sendable (inout GatewayLink.Settings) -> Void = { _ in },
        _ body: @escaping @Sendable (LinkRig) async throws -> Void
    ) async throws {
        try await ScriptedGateway.play(acts) { gateway, address in
            let rig = try LinkRig(gateway, address, store, reader, change)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await rig.link.run { event in rig.events.change { $0.append(event) } } }
                try await body(rig)
                group.cancelAll()
            }
        }
    }

    /// A gateway that answers what is given by method, what it would answer in peace for the rest.
    static func gateway(
        uptime: Int64 = 60_000, version: String = "2026.3.2",
        _ answer: @escaping @Sendable (GatewayRequest) -> Result<JSONValue?, GatewayFault>?? = { _ in nil }
    ) -> ScriptedGateway.Act {
        .talk(uptimeMilliseconds: uptime, version: version) { request in
            if let answer = answer(request) { return answer }
            switch request.method {
            case "channels.status": return .success(connected)
            case "sessions.list": return .success(["sessions": []])
            case "chat.history": return .success(["messages": []])
            default: return .success([:])
            }
        }
    }

    /// The states of the route's channel, in order.
    var states: [ChannelState] {
        readiness.all.compactMap { if case .channel(Self.route.channel, let state) = $0 { state } else { nil } }
    }

    /// Waits until its channel can be talked through.
    func ready() async {
        await readiness.wait { reports in
            reports.contains { if case .channel(Self.route.channel, .ready) = $0 { true } else { false } }
        }
    }

    /// The epochs that were reported.
    func epochs(_ events: [Event]) -> [Epoch] {
        events.compactMap { if case .epochObserved(_, let epoch, _, _) = $0 { epoch } else { nil } }
    }

    func order(_ kind: DeliveryKind, life: Epoch? = nil) throws -> SendOrder {
        SendOrder(
            delivery: DeliveryID(wake: Identifier(high: 0, low: 7), kind: kind), session: try SessionKey(Self.session),
            route: Self.route,
            capabilities: RouteCapabilities(), text: "go on", trailer: "-# reveille 7", nonce: "nonce-7", attempt: 1, life: life)
    }

    func search(_ kind: DeliveryKind, since: Moment) throws -> SearchOrder {
        SearchOrder(
            delivery: DeliveryID(wake: Identifier(high: 0, low: 7), kind: kind), session: try SessionKey(Self.session),
            route: Self.route,
            trailer: "-# reveille 7", nonce: "nonce-7", since: since)
    }

    func briefing(_ kind: DeliveryKind, _ origin: Sentinel.Origin, openSince: Moment) throws -> BriefingOrder {
        let note = Wake.Note(
            sentinel: Identifier(high: 0, low: 3), text: "look at the logs", target: .gateway("main"), cause: .restarted,
            origin: origin,
            requestedAt: openSince, firedAt: openSince, story: nil)
        return BriefingOrder(
            delivery: DeliveryID(wake: Identifier(high: 0, low: 7), kind: kind), session: try SessionKey(Self.session),
            route: Self.route,
            notes: [note], gateOpenSince: openSince)
    }
}

extension ScriptedGateway {
    /// The requests of one method.
    func requests(_ method: String) -> [GatewayRequest] { requests.filter { $0.method == method } }
}
