import ArgumentParser
import GatewayClient
import GatewayProtocol
import ReveilleConfiguration
import WakeCore
import WakeService

/// Which gateway a command line means.
struct GatewayOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("Its name under gateways in the configuration, or its address, ws:// or wss://.", valueName: "name"))
    var gateway: String?
    @Option(
        name: .long, help: ArgumentHelp("A file with the gateway's token, if not the configured one counts.", valueName: "file"))
    var tokenFile: String?

    /// Whether it names one at all.
    var namesOne: Bool { gateway != nil }
}

/// A gateway as a command line names it: by its name in the configuration, or by where it listens.
struct GatewayDoor: Sendable {
    /// Its name in the configuration; nil where it has none there.
    let name: String?
    let address: GatewayAddress
    private let access: GatewayAccess?
    private let tokenFile: String?
    private let surroundings: Surroundings

    /// Finds it.
    ///
    /// - Throws: ``Complaint`` where there is no such gateway, or none is named and there is not exactly one.
    static func find(
        _ options: GatewayOptions, _ configuration: Configuration, in surroundings: Surroundings
    ) throws -> GatewayDoor {
        guard let text = options.gateway, text.contains(":") else {
            let access = try GatewayAccess.find(options.gateway, configuration, in: surroundings)
            return GatewayDoor(
                name: access.settings.name, address: access.address, access: access, tokenFile: options.tokenFile,
                surroundings: surroundings)
        }
        let address = try CallPlace.find(text, in: surroundings) { _ in false }
        // Whoever names a configured gateway by its address means that gateway.
        let known = configuration.gateways.values.filter { Self.isSame("\($0.address)", text) }
        let settings = known.count == 1 ? known.first : nil
        return GatewayDoor(
            name: settings?.name, address: address,
            access: settings.map {
                GatewayAccess($0, in: surroundings, ledgerFolder: configuration.ledger.directory)
            }, tokenFile: options.tokenFile, surroundings: surroundings)
    }

    private static func isSame(_ one: String, _ two: String) -> Bool {
        one == (two.hasSuffix("/") ? String(two.dropLast()) : two)
    }

    /// What it is called in a sentence.
    var words: String { name.map { "the gateway \($0)" } ?? "the gateway at \(address)" }

    /// A caller that waits restarts out.
    func caller(moments: any MomentSource) async throws -> GatewayCaller {
        var connection = access?.connection ?? GatewayConnection.Configuration()
        connection.client.version = Version.text
        do {
            let credentials: GatewayCredentials =
                if tokenFile == nil, let access {
                    try await access.credentials()
                } else {
                    try CallPlace.credentials(tokenFile, in: surroundings)
                }
            return GatewayCaller(address, credentials, connection, moments: moments, dice: SystemDice())
        } catch let error as GatewayError { throw complaint(error) }
    }

    // MARK: What went wrong

    /// Whatever a call of it threw, in words that name it and what to do.
    func complaint(any error: any Error) -> any Error {
        switch error {
        case let error as GatewayError: complaint(error)
        case let fault as GatewayFault: complaint(GatewayMishap.fault(fault).error)
        case let closed as GatewayClosed: complaint(GatewayMishap.closed(closed.close).error)
        default: error
        }
    }

    /// What went wrong, in words that name this gateway and what to do.
    func complaint(_ error: GatewayError) -> Complaint {
        let said = error.fault?.message ?? error.cause ?? ""
        if let scope = Self.missingScope(error.fault) {
            return Complaint(.permission, "\(words) does not allow this: the scope \(scope) is missing", hint: scopeHint)
        }
        if error.fault?.details?["code"]?.string?.hasPrefix("AUTH_") == true || said.contains("unauthorized")
            || error.message.contains("unauthorized")
        {
            return Complaint(
                .permission, "\(words) does not take our token: \(said.isEmpty ? error.message : said)", hint: tokenHint)
        }
        var told = error
        told.message = error.message.replacing("the gateway", with: words, maxReplacements: 1)
        told.hint = error.hint?.replacing("--wait", with: "--try-for")
        if error.code == .unavailable, error.fault == nil { told.hint = absenceHint }
        if error.code == .unreachable, said.contains("its certificate is not trusted") { told.hint = certificateHint }
        return Complaint(told)
    }

    /// The scope that a refusal misses.
    static func missingScope(_ fault: GatewayFault?) -> String? {
        guard let fault else { return nil }
        if let scope = fault.details?["missingScope"]?.string { return scope }
        guard let found = fault.message.firstRange(of: "missing scope: ") else { return nil }
        return String(fault.message[found.upperBound...].prefix { !$0.isWhitespace })
    }

    private var tokenHint: String {
        guard let name, tokenFile == nil, let settings = access?.settings else {
            return "Hand in the gateway's token: --token-file FILE."
        }
        if settings.tokenLocation != nil || settings.mayReadItsToken {
            return "The token that is configured under gateways.\(name) is not the one that the gateway has now."
        }
        return "Put its token into a file that only you can read, and name it: gateways.\(name).tokenFile; "
            + "or let it be read where the gateway has it: gateways.\(name).tokenFrom: \"gateway\"."
    }

    private var scopeHint: String {
        guard let name else {
            return
                "Name a gateway of the configuration, with identity: \"device\", and approve that device on the gateway's machine."
        }
        return access?.settings.identity == .device
            ? "Approve that scope for this device on the gateway's machine."
            : "Call from the gateway's own machine, or be a device: gateways.\(name).identity: \"device\", and approve it there."
    }

    private var absenceHint: String {
        guard let name, let settings = access?.settings else {
            return "See whether it runs and listens there, or give it more time with --try-for."
        }
        return "See whether it runs: systemctl --user status \(settings.unit); "
            + "and whether it listens elsewhere: gateways.\(name).address."
    }

    private var certificateHint: String {
        let place = name.map { "gateways.\($0).certificateFile" } ?? "certificateFile of a gateway in the configuration"
        return "If the certificate is its own: save it as PEM, and name that file: \(place)."
    }
}
