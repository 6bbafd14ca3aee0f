import DiscordTransport
import GatewayClient
import Glibc
import LedgerSQLite
import Logging
import OpenClawFacts
import ReveilleConfiguration
import RunStateFiles
import SystemdSupport
import WakeCore
import WakeService

/// All checks of one `reveille doctor`, joined: the one place that knows every part of them.
struct DoctorRounds: Sendable {
    let configuration: Configuration
    let surroundings: Surroundings
    let moments: any MomentSource
    let gateways: [GatewayRound]
    let ledger: Once<LedgerLook>

    /// How long one check may take.
    static let limit: Duration = .seconds(40)

    init(_ configuration: Configuration, gateways: [GatewaySettings], in surroundings: Surroundings, moments: any MomentSource) {
        self.configuration = configuration
        self.surroundings = surroundings
        self.moments = moments
        let folder = configuration.ledger.directory
        self.gateways = gateways.map {
            GatewayRound(GatewayAccess($0, in: surroundings, ledgerFolder: folder), moments: moments)
        }
        ledger = Once { LedgerLook.look(at: folder) }
    }

    /// Takes all looks at the same time.
    ///
    /// - Returns: the findings, the worst first.
    func findings() async -> [Finding] {
        let checks = await checks()
        let all = await withTaskGroup(of: (Int, [Finding]).self) { group in
            for (number, check) in checks.enumerated() {
                group.addTask { (number, await Self.bounded(check)) }
            }
            var all: [Int: [Finding]] = [:]
            for await (number, findings) in group { all[number] = findings }
            return all
        }
        let inOrder = checks.indices.flatMap { all[$0] ?? [] }
        return Finding.Severity.allCases.reversed().flatMap { severity in inOrder.filter { $0.severity == severity } }
    }

    private static func bounded(_ check: any DoctorCheck) async -> [Finding] {
        await TimeLimit.within(limit) { await check.examine() } ?? [
            .unknown(
                "no-answer", check.name, "the look at \(check.name) was given up",
                reason: "no answer came within \(NoticeText.span(limit))", fix: "Ask again; if it stays so, look there by hand.")
        ]
    }

    // MARK: The checks

    private func checks() async -> [any DoctorCheck] {
        var checks: [any DoctorCheck] = [ledgerCheck, NamedCheck("clock") { [clock()] }]
        checks += units()
        let discord = await DiscordRound(self)
        checks += discord.checks()
        for gateway in gateways {
            let name = gateway.settings.name
            checks.append(
                GatewayDoctor(
                    GatewayJudgement(
                        gateway: name, address: "\(gateway.settings.address)", adoptsRestarts: gateway.settings.adoption != .off)
                ) { await gateway.look.value })
            checks.append(NamedCheck("gateway:\(name), its configuration") { await gateway.file.value.findings(gateway: name) })
            checks.append(NamedCheck("gateway:\(name), its gate") { await discord.gate(of: gateway) })
        }
        checks.append(NamedCheck("run states") { await runStates() })
        checks.append(NamedCheck("bot tokens") { await discord.sharedTokens() })
        if !gateways.isEmpty {
            checks.append(
                NamedCheck("gateways") {
                    ProcessJudgement(configured: configuration.gateways.count).findings(ProcessJudgement.GatewayProcess.running())
                })
        }
        return checks
    }

    private var ledgerCheck: LedgerDoctor {
        var loop = RestartLoop()
        loop.loopStarts = configuration.restarts.loopStarts
        loop.loopWithin = configuration.restarts.loopWithin
        let judgement = LedgerJudgement(folder: configuration.ledger.directory, loop: loop, now: moments.now())
        return LedgerDoctor(judgement) { await ledger.value }
    }

    private func clock() -> Finding {
        ClockJudgement.finding(
            isSynchronised: SystemMoments.kernelTellsSynchronised ? moments.now().clockSynchronised : nil)
    }

    /// Those that are looked after, and those in the gateways' workspaces.
    private func runStates() async -> [Finding] {
        var paths = Set(RunStateBook(configuration).paths())
        for gateway in gateways {
            let workspaces = await gateway.file.value.workspaces(
                stateDirectory: gateway.settings.stateDirectory, home: surroundings.variables["HOME"])
            paths.formUnion(workspaces.map { $0 + "/infra/runstate.json" })
        }
        return paths.sorted().compactMap { RunStateJudgement.File.look(at: $0, now: moments.now()) }.map(
            RunStateJudgement.finding)
    }

    /// Our own unit, those of the gateways, and whether they run without a login.
    private func units() -> [any DoctorCheck] {
        let isUserService = surroundings.userID >= 1000
        let scopes = [Bus.Kind.system, .user].map { UnitScope($0, isUserService: isUserService) }
        var checks: [any DoctorCheck] = []
        var userUnits: [String] = []
        func add(
            _ text: String, _ judgement: @escaping @Sendable (UnitName, Bool, UnitFacts?) async -> UnitJudgement
        ) {
            for scope in scopes {
                guard let unit = scope.unit(.unit(text)) else { continue }
                let isUser = scope.bus == .user
                if isUser { userUnits.append(unit.description) }
                checks.append(UnitDoctor(unit, over: scope.bus) { await judgement(unit, isUser, $0) })
            }
        }
        add("reveille.service") { unit, isUser, _ in
            // Sends under way are waited for, and each attempt is bounded.
            UnitJudgement(unit: unit.description, isUserUnit: isUser, content: "the daemon", drain: .seconds(15))
        }
        for gateway in gateways {
            add(gateway.settings.unit) { await gateway.unitJudgement($0, isUserUnit: $1, $2) }
        }
        let user = getpwuid(surroundings.userID).map { String(cString: $0.pointee.pw_name) } ?? "\(surroundings.userID)"
        if isUserService { checks.append(LingerDoctor(LingerJudgement(user: user, units: userUnits))) }
        return checks
    }
}

/// A check that is one closure.
struct NamedCheck: DoctorCheck {
    let name: String
    private let look: @Sendable () async -> [Finding]

    init(_ name: String, _ look: @escaping @Sendable () async -> [Finding]) {
        self.name = name
        self.look = look
    }

    func examine() async -> [Finding] { await look() }
}
