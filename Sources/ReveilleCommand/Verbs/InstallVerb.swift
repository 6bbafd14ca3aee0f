import ArgumentParser
import Foundation
import Installation
import SystemdSupport
import WakeCore

/// `reveille install`: the units and what belongs to them, out of this program.
struct InstallVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install", abstract: "Install the systemd units, start the daemon, and say whether it is up.",
        discussion: """
            All that is needed is in this program. It shows what it will write, writes
            it, tells systemd, the bus and the journal, enables and starts the sockets
            and the daemon, and waits until it is up. Run it again after an upgrade:
            what is there already stays, and the daemon is restarted only if its unit
            or this program is another one.

              sudo reveille install --dry-run      see first
              sudo reveille install                a system service, as user reveille
              reveille install --user              a service of your own, beside an
                                                   agent that is one

            The bot token comes first: put it, and nothing else, into
            /etc/credstore/reveille-discord (mode 600, root), or with --user into a
            file of yours that discord.accounts.default.tokenFile names. Without one,
            nothing is started, and the exit code is 78.

            A file that you changed is never written over, only named, unless
            --overwrite is given; then yours is kept as NAME.before-install. Changes
            of your own belong in a drop-in: systemctl edit reveille.service. What was
            written is remembered, with its hashes, in
            /var/lib/reveille-install/manifest.json, or with --user in
            ~/.local/state/reveille-install/manifest.json; 'reveille uninstall' goes by
            it.

            A system service may restart exactly those units that are named here:

              sudo reveille install --may-restart nginx.service --may-restart app@1

            Exit codes: 0 it is up, 64 wrong usage, 69 it did not start or there is no
            systemd, 73 a file can't be written, 77 not root, 78 no token, or a wrong
            configuration.
            """)

    @OptionGroup var options: InstallerOptions

    @Option(
        name: .customLong("may-restart"),
        help: ArgumentHelp(
            "Let the daemon restart this unit, by a rule for polkit; may be repeated. Rules given earlier stay.",
            valueName: "unit"))
    var mayRestart: [String] = []

    @Flag(name: .customLong("may-reboot"), help: "Let the daemon reboot the machine, by a rule for polkit.")
    var mayReboot = false

    @Flag(name: .long, help: "Write over files that you changed, too; each is kept as NAME.before-install.")
    var overwrite = false

    @Option(
        name: .customLong("print"),
        help: ArgumentHelp(
            """
            Print what belongs at this path, or a file by its name in units/ (e.g. \
            drop-ins/openclaw-gateway.service.d/50-reveille.conf), and do nothing.
            """, valueName: "file"))
    var printed: String?

    @Flag(name: .long, help: "With --dry-run: print the plan as JSON, one document, stable keys.")
    var json = false

    func run() async throws {
        guard !json || options.dryRun else {
            throw Complaint(.usage, "--json is for --dry-run", hint: "reveille install --dry-run --json")
        }
        let permissions = try InstallPermissions(units: mayRestart, reboot: mayReboot, isUser: options.user)
        let ground = try InstallerGround(options)
        let wanted = WantedFiles.all(at: ground.site, restartable: permissions.units, mayReboot: mayReboot)
        if let printed { return try print(printed, wanted) }
        if !options.dryRun { try await ground.check(verb: typed) }
        if let obstacle = ground.site.programObstacle {
            throw Complaint(
                .configuration, obstacle,
                hint: "sudo install -m755 \(InstallerWords.shellQuoted(ground.site.program)) /usr/local/bin/reveille"
                    + "\nThen: sudo reveille \(typed)")
        }
        let lock = options.dryRun ? nil : try await InstallerLock.take(ground.lock)
        defer { withExtendedLifetime(lock) {} }
        let manifest = try ground.manifest()
        let steps = Plan.install(wanted, manifest: manifest, mayOverwrite: overwrite, look: InstallerDisk.look)
        if json { return Printing.json(.object(plan(steps, ground))) }
        show(steps, ground)
        if options.dryRun {
            InstallerWords.printLeft(steps, verbWords)
            sayToken(InstallerToken.look(at: ground.site), ground)
            sayWhatUserModeLacks(ground)
            return Printing.line("\nNothing was done (--dry-run).")
        }
        try await perform(steps, ground, manifest)
    }

    // MARK: Doing it

    private func perform(_ steps: [FileStep], _ ground: InstallerGround, _ manifest: Manifest) async throws {
        let done = try write(steps, ground, manifest)
        let unread = try await InstallerReaders(tools: ground.tools, site: ground.site).tell(after: done)
        InstallerWords.printLeft(steps, verbWords)
        let finding = InstallerToken.look(at: ground.site)
        sayToken(finding, ground)
        switch finding {
        case .missing, .wrong: throw ExitCode(Complaint.Code.configuration.rawValue)
        case .good, .unknown, .givenBy: break
        }
        try await InstallerService(tools: ground.tools, site: ground.site).start(after: done, unread: unread)
        sayWhatUserModeLacks(ground)
    }

    /// The manifest says first what will be written, and then that it was: a crash in between leaves nothing unexplained.
    private func write(_ steps: [FileStep], _ ground: InstallerGround, _ old: Manifest) throws -> [FileStep] {
        var manifest = old
        for step in steps where step.isChange {
            if let wanted = step.wanted { manifest.intend(Data(wanted.text.utf8), at: step.path) }
        }
        try ground.save(manifest)
        var done: [FileStep] = []
        for step in steps {
            guard let wanted = step.wanted, step.isChange else {
                if step.action == .remove { try InstallerDisk.remove(step.path) }
                if step.action == .remove || step.standing == .missing { manifest.forget(step.path) }
                if step.isChange { done.append(step) }
                continue
            }
            do {
                let made = try InstallerDisk.write(
                    Data(wanted.text.utf8), to: step.path, keepingOld: step.action == .overwrite)
                manifest.folders += made.filter { !manifest.folders.contains($0) }
                manifest.wrote(at: step.path)
                done.append(step)
            } catch let complaint as Complaint where wanted.isOptional {
                manifest.forget(step.path)
                Printing.line("skip \(complaint.line); all else works without it")
            }
        }
        try ground.save(manifest)
        return done
    }

    // MARK: Saying it

    private func show(_ steps: [FileStep], _ ground: InstallerGround) {
        let place = ground.site.scope == .system ? "a system service" : "a service of user \(NSUserName())"
        Printing.line("Reveille \(Version.text) as \(place); its program is \(ground.site.program)")
        for step in steps { Printing.line(step.line) }
        for step in steps where step.path.hasPrefix(PermissionRules.folder + "/" + PermissionRules.givenPrefix) {
            guard let wanted = step.wanted else { continue }
            Printing.line("\n\(step.path):")
            for line in wanted.text.split(separator: "\n") { Printing.line("    \(line)") }
        }
    }

    private func sayToken(_ finding: InstallerToken.Finding, _ ground: InstallerGround) {
        switch finding {
        case .good(let channels): Printing.line("channels: \(channels.joined(separator: ", "))")
        case .givenBy(let dropIn): Printing.line("the token is taken from what \(dropIn) says; not checked here")
        case .unknown: Printing.line("whether there is a bot token, only root can see")
        case .wrong(let problems):
            Printing.line("\n\(outlook): the configuration is wrong.\n\(problems)")
        case .missing:
            Printing.line("\n\(outlook): there is no bot token, so nobody could be woken. To give it:")
            for line in InstallerToken.instructions(for: ground.site) { Printing.line("    \(line)") }
        }
    }

    private func sayWhatUserModeLacks(_ ground: InstallerGround) {
        guard ground.site.scope == .user else { return }
        if access("/var/lib/systemd/linger/\(NSUserName())", F_OK) != 0 {
            Printing.line(
                """
                A user service runs only while you are logged in. To have it run from boot on, and after you log out:
                    loginctl enable-linger \(NSUserName())
                """)
        }
        Printing.line(
            "A user service has no sandbox, and may restart your own units only; units of the system need a rule of root's."
        )
    }

    private func plan(_ steps: [FileStep], _ ground: InstallerGround) -> JSONObject {
        let token: JSONValue =
            switch InstallerToken.look(at: ground.site) {
            case .good: "good"
            case .givenBy: "givenByDropIn"
            case .unknown: "unknown"
            case .missing: "missing"
            case .wrong: "wrong"
            }
        return [
            "version": .string(Version.text), "scope": .string(ground.site.scope.rawValue),
            "program": .string(ground.site.program), "programIsInPath": .bool(ground.site.isProgramInPath),
            "manifest": .string(ground.site.manifest), "files": .array(steps.map(\.json)), "token": token,
            "changes": .bool(steps.contains(where: \.isChange)),
        ]
    }

    private func print(_ name: String, _ wanted: [WantedFile]) throws {
        guard let text = wanted.first(where: { $0.path == name })?.text ?? UnitFiles.all[name] else {
            throw Complaint(
                .noInput, "nothing of ours belongs at '\(name)'",
                hint: "One of these:\n  " + (wanted.map(\.path) + UnitFiles.all.keys.sorted()).joined(separator: "\n  "))
        }
        Printing.whole(text)
    }

    private var outlook: String { options.dryRun ? "Nothing would be started" : "Nothing is started" }

    private var verbWords: String { options.user ? "install --user" : "install" }

    /// What was typed, to be typed again.
    private var typed: String {
        (["install"] + mayRestart.map { "--may-restart \(InstallerWords.shellQuoted($0))" } + (mayReboot ? ["--may-reboot"] : [])
            + (overwrite ? ["--overwrite"] : [])).joined(separator: " ")
    }
}

/// What the daemon is to be allowed, checked.
private struct InstallPermissions {
    let units: [String]

    init(units names: [String], reboot: Bool, isUser: Bool) throws {
        guard !isUser || (names.isEmpty && !reboot) else {
            throw Complaint(
                .usage, "--may-restart and --may-reboot are for the system service",
                hint: "As a user service it may restart your own units without any rule. For units of the system, root writes a "
                    + "rule for you: see 'reveille install --print polkit-1/may-restart.rules.in'.")
        }
        var units: [String] = []
        for name in names {
            let unit: UnitName
            do { unit = try UnitName(name) } catch {
                throw Complaint(.usage, "--may-restart: \(error.message)", hint: error.hint ?? "Name a unit, e.g. nginx.service.")
            }
            let text = unit.description
            guard !WantedFiles.unitNames.contains(text), !WantedFiles.instancePrefixes.contains(where: { text.hasPrefix($0) })
            else {
                throw Complaint(
                    .usage, "--may-restart: \(text) is Reveille's own",
                    hint: "It restarts itself without anybody's leave: reveille restart --session … --note …")
            }
            if !units.contains(text) { units.append(text) }
        }
        self.units = units
    }
}
