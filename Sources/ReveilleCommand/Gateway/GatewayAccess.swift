import GatewayClient
import GatewayProtocol
import Glibc
import OpenClawFacts
import ReveilleConfiguration
import WakeCore
import WakeService

/// How a gateway that our configuration names is reached: where it is, and by which proof it lets us in.
struct GatewayAccess: Sendable {
    let settings: GatewaySettings
    let surroundings: Surroundings
    /// Where the key of this device is kept.
    let keyFolder: String

    /// - Parameters:
    ///   - settings: the gateway.
    ///   - surroundings: the user and the environment.
    ///   - ledgerFolder: the ledger's folder, which the key of this device lies in.
    init(_ settings: GatewaySettings, in surroundings: Surroundings, ledgerFolder: String) {
        self.settings = settings
        self.surroundings = surroundings
        keyFolder = ledgerFolder
    }

    /// Finds a gateway by its name in the configuration; the only one where no name is given.
    ///
    /// - Throws: ``Complaint`` where there is none of that name, or more than one to choose from.
    static func find(_ name: String?, _ configuration: Configuration, in surroundings: Surroundings) throws -> GatewayAccess {
        let known = configuration.gateways.keys.sorted()
        guard let name = name ?? (known.count == 1 ? known[0] : nil) else {
            throw Complaint(
                .usage,
                known.isEmpty ? "no gateway is configured" : "there is more than one gateway: \(known.joined(separator: ", "))",
                hint: known.isEmpty
                    ? "Write gateways: { main: {} } into the configuration; see docs/OPENCLAW.md." : "Name one with --gateway.")
        }
        guard let settings = configuration.gateways[name] else {
            throw Complaint(
                .usage, "there is no gateway '\(name)' in the configuration",
                hint: known.isEmpty
                    ? "Write gateways: { \(name): {} } into the configuration; see docs/OPENCLAW.md."
                    : "Known gateways: \(known.joined(separator: ", ")).")
        }
        return GatewayAccess(settings, in: surroundings, ledgerFolder: configuration.ledger.directory)
    }

    /// Where it listens.
    var address: GatewayAddress { .web("\(settings.address)") }

    /// The bounds of a connection to it.
    var connection: GatewayConnection.Configuration {
        var configuration = GatewayConnection.Configuration()
        configuration.client.version = Version.text
        configuration.certificateFile = settings.certificateFile
        return configuration
    }

    /// By which proof it lets us in: read anew each time, since tokens change.
    ///
    /// - Throws: ``ConfigurationProblem``, or ``GatewayError`` where the key of this device can't be had.
    func credentials() async throws -> GatewayCredentials {
        let token = try await GatewayFilesThread.shared.token(of: self)
        guard settings.identity == .device else { return token.map { .token($0) } ?? .none }
        return .device(try await DeviceIdentity.open(at: deviceKeyPath), token: token)
    }

    /// Where the key of this device for it is kept.
    var deviceKeyPath: String { "\(keyFolder)/gateway-\(settings.name).key" }

    /// Whether there is one already.
    var hasDeviceKey: Bool { Glibc.access(deviceKeyPath, R_OK) == 0 }

    /// The bot token for reads over REST; nil where none may be used.
    func botToken(of account: String = "default") throws -> Secret? {
        if let token = try GatewayToken.loadBotToken(for: settings, in: surroundings) { return token }
        guard settings.mayReadItsBotToken else { return nil }
        return GatewayFileLook.look(at: settings, in: surroundings).file?.discordAccounts.first { $0.id == account }?.token.secret
    }

    fileprivate func token() throws -> String? {
        if let token = try GatewayToken.load(for: settings, in: surroundings) { return token.reveal() }
        guard settings.mayReadItsToken else { return nil }
        switch GatewayFileLook.look(at: settings, in: surroundings) {
        case .unread(let path, let reason, let fix):
            throw GatewayError(.denied, "the gateway's token can't be read from \(path)", cause: reason, hint: fix)
        case .read(let file):
            switch file.authSecret {
            case .missing: return nil
            case .value(let secret): return secret.reveal()
            case .unavailable(let problem):
                throw GatewayError(
                    .denied, "the gateway's token can't be had from its configuration", cause: problem.description,
                    hint: problem.hint)
            }
        }
    }
}

/// Reads files on a thread of its own, since a disk may be slow.
private actor GatewayFilesThread {
    static let shared = GatewayFilesThread()

    private let executor = ThreadExecutor(name: "gateway-files")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    func token(of access: GatewayAccess) throws -> String? { try access.token() }
}
