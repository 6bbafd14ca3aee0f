import GatewayProtocol
public import OpenClawFacts
import WakeCore
public import WakeService

/// What a gateway tells of itself.
public struct GatewayFacts: Sendable {
    /// Its version, as it prints it.
    public var versionText: String
    /// What it knows to do.
    public var methods: [String]
    /// What we may do there.
    public var scopes: [String]
    /// Its channels; nil where it did not tell.
    public var status: ChannelsStatus?
    /// Its sessions.
    public var sessions: [SessionRow] = []
    /// Why it did not tell all of it; nil where it did.
    public var refusal: String?

    /// Its version; nil where it is none.
    public var version: GatewayVersion? { GatewayVersion(versionText) }

    /// Makes facts.
    public init(
        versionText: String, methods: [String] = [], scopes: [String] = ["operator.read", "operator.write"],
        status: ChannelsStatus? = nil, sessions: [SessionRow] = [], refusal: String? = nil
    ) {
        self.versionText = versionText
        self.methods = methods
        self.scopes = scopes
        self.status = status
        self.sessions = sessions
        self.refusal = refusal
    }
}

/// What came of asking a gateway.
public enum GatewayLook: Sendable {
    /// It answered.
    case seen(GatewayFacts)
    /// Nothing listens there.
    case absent(reason: String)
    /// It does not let us in.
    case refused(reason: String)
    /// We have nothing to prove who we are with.
    case noToken(reason: String, fix: String)
    /// It is there and gave no answer that can be used.
    case unclear(reason: String)

    /// What it answered.
    public var facts: GatewayFacts? { if case .seen(let facts) = self { facts } else { nil } }

    /// How many sessions are asked for.
    static let sessionsMaximumCount: Int64 = 200

    /// Asks a gateway: who it is, how its channels are, which sessions it has. One connection, three calls at most.
    public static func look(
        at address: GatewayAddress, _ credentials: GatewayCredentials, _ configuration: GatewayConnection.Configuration,
        moments: any MomentSource
    ) async -> GatewayLook {
        do {
            return try await GatewayConnection.with(address, credentials, configuration, moments: moments) { connection in
                let hello = connection.hello
                var facts = GatewayFacts(versionText: hello.serverVersion, methods: hello.methods, scopes: hello.scopes)
                do {
                    facts.status = ChannelsStatus(try await connection.call("channels.status", ["probe": false]))
                    facts.sessions = SessionRow.rows(
                        of: try await connection.call("sessions.list", ["limit": .integer(sessionsMaximumCount)]))
                } catch {
                    facts.refusal = "\(error)"
                }
                return .seen(facts)
            }
        } catch let mishap as GatewayMishap {
            return judged(mishap)
        } catch {
            return .unclear(reason: "\(error)")
        }
    }
}

extension GatewayLook {
    private static func judged(_ mishap: GatewayMishap) -> GatewayLook {
        switch mishap {
        case .notListening(let reason): .absent(reason: reason)
        case .closed(let close) where close.code == 1008: .refused(reason: mishap.description)
        case .notLetIn(let fault) where fault.isRetryable != true: .refused(reason: mishap.description)
        default: .unclear(reason: mishap.description)
        }
    }
}
