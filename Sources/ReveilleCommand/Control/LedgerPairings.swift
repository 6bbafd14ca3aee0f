import ControlServer
import GatewayProtocol
import LedgerSQLite
import Logging
import WakeCore
import WakeService

/// The pairings of the ledger, for the server.
struct LedgerPairings: PairingBook {
    let thread: ControlThread
    let moments: any MomentSource
    let logger: Logger

    func pairing(ofDevice id: String, publicKey: String) async -> Pairing? {
        do {
            guard let record = try await thread.pairing(ofDevice: id, publicKey: publicKey) else { return nil }
            return Pairing(scopes: Self.scopes(record.scopes), sessions: record.sessions)
        } catch {
            logger.warning("a pairing could not be looked up", metadata: [LogKey.error: "\(error)"])
            return nil
        }
    }

    func request(_ wish: PairingWish) async -> String {
        do {
            return try await thread.requestPairing(
                device: wish.device, publicKey: wish.publicKey, scopes: wish.scopes,
                client: "\(wish.client.id) \(wish.client.version), \(wish.client.platform)", address: wish.address,
                at: moments.now())
        } catch {
            logger.warning("a request for a pairing could not be kept", metadata: [LogKey.error: "\(error)"])
            return ""
        }
    }

    /// Scopes by their short names in the configuration (`read`) or the protocol's own (`operator.read`).
    static func scopes(_ names: some Sequence<String>) -> Set<Scope> {
        Set(names.compactMap { Scope(rawValue: $0) ?? Scope(rawValue: "operator.\($0)") })
    }
}
