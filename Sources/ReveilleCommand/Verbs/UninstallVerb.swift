import ArgumentParser
import Foundation
import Installation
import WakeCore

/// `reveille uninstall`: takes away what `reveille install` brought.
struct UninstallVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall", abstract: "Stop the daemon and remove what 'reveille install' wrote.",
        discussion: """
            Stops the sockets together with the daemon, disables them, and removes the
            files that install wrote. Those that you changed are left and named. The
            ledger, the user reveille, the configuration and the token stay: install
            again, and everything goes on where it was. Units that require a channel
            (reveille-channel@…) are stopped with it, and so are turns of agents that run
            (reveille-turn@…).

              sudo reveille uninstall --dry-run
              sudo reveille uninstall
              sudo reveille uninstall --purge      the ledger and the user as well

            --purge forgets every open wake. It asks on a terminal; elsewhere it wants
            --yes. This program itself is not removed.
            """)

    @OptionGroup var options: InstallerOptions

    @Flag(name: .long, help: "Remove the ledger, and the user reveille, as well. Every open wake is lost.")
    var purge = false

    @Flag(name: .long, help: "With --purge: don't ask.")
    var yes = false

    @Flag(name: .long, help: "With --dry-run: print the plan as JSON, one document, stable keys.")
    var json = false

    func run() async throws {
        guard !json || options.dryRun else {
            throw Complaint(.usage, "--json is for --dry-run", hint: "reveille uninstall --dry-run --json")
        }
        let ground = try InstallerGround(options)
        if !options.dryRun { try await ground.check(verb: "uninstall" + (purge ? " --purge" : "")) }
        let lock = options.dryRun ? nil : try await InstallerLock.take(ground.lock)
        defer { withExtendedLifetime(lock) {} }
        let manifest = try ground.manifest()
        let steps = Plan.uninstall(manifest, look: InstallerDisk.look)
        if json { return printPlan(steps, ground) }
        show(steps, ground)
        if options.dryRun { return Printing.line("\nNothing was done (--dry-run).") }
        try confirm(ground)
        try await stop(ground.tools)
        try remove(steps, ground, manifest, lock)
        try await InstallerReaders(tools: ground.tools, site: ground.site).tellOthers(InstallerReaders.changed(steps))
        if purge { try await removeState(ground) }
        sayWhatStays(steps, ground)
    }

    // MARK: Doing it

    private func stop(_ tools: InstallerTools) async throws {
        // The sockets together with the daemon, or the next client would start it again. Units that are not there are no failure.
        let units = WantedFiles.startedUnits
        var known: [String] = []
        for unit in units where try await tools.property("LoadState", of: unit) == "loaded" { known.append(unit) }
        if !known.isEmpty {
            try await tools.perform(
                "systemctl", tools.manager(["stop"] + known + WantedFiles.instancePrefixes.map { "\($0)*.service" }))
            try await tools.perform("systemctl", tools.manager(["disable", "--quiet"] + known))
        }
        for unit in units where try await tools.isActive(unit) {
            throw Complaint(.tryLater, "\(unit) is still active", hint: "\(tools.systemctlWords) status \(unit)")
        }
    }

    private func remove(_ steps: [FileStep], _ ground: InstallerGround, _ manifest: Manifest, _ lock: InstallerLock?) throws {
        for step in steps where step.action == .remove {
            try InstallerDisk.remove(step.path)
            Printing.line("gone \(step.path)")
        }
        try InstallerDisk.remove(ground.site.manifest)
        // Those that hold something are not ours alone, and stay.
        lock?.remove()
        let own = (ground.site.manifest as NSString).deletingLastPathComponent
        for folder in manifest.folders.reversed() + [own] { rmdir(folder) }
    }

    private func removeState(_ ground: InstallerGround) async throws {
        let folder = ground.ledgerFolder
        if FileManager.default.fileExists(atPath: folder) {
            do { try FileManager.default.removeItem(atPath: folder) } catch {
                throw Complaint(.inputOutput, "\(folder) can't be removed: \(error)", hint: "Remove it by hand.")
            }
            Printing.line("gone \(folder)")
        }
        if ground.site.scope == .system, getpwnam("reveille") != nil {
            try await ground.tools.attempt("userdel", ["reveille"], otherwise: "the user reveille stays")
        }
    }

    private func confirm(_ ground: InstallerGround) throws {
        guard purge, !yes else { return }
        guard isatty(STDIN_FILENO) == 1, Printing.isTerminal else {
            throw Complaint(
                .usage, "--purge removes \(ground.ledgerFolder) with every open wake, and nobody is here to be asked",
                hint: "Say --yes as well.")
        }
        Printing.whole("\nThis removes \(ground.ledgerFolder), with every open wake. Type 'purge' to go on: ")
        guard readLine() == "purge" else { throw Complaint(.usage, "nothing was done") }
    }

    // MARK: Saying it

    private func show(_ steps: [FileStep], _ ground: InstallerGround) {
        if steps.isEmpty { Printing.line("No file here was written by 'reveille install' (\(ground.site.manifest)).") }
        for step in steps { Printing.line(step.line) }
        if purge {
            Printing.line("  purge          \(ground.ledgerFolder)" + (ground.site.scope == .system ? ", user reveille" : ""))
        }
    }

    private func sayWhatStays(_ steps: [FileStep], _ ground: InstallerGround) {
        InstallerWords.printLeft(steps, "uninstall")
        let packaged = WantedFiles.all(at: ground.site).flatMap(\.packagePaths).filter { access($0, F_OK) == 0 }
        var stays = packaged.isEmpty ? [] : ["what a package brought, such as \(packaged[0])"]
        if !purge {
            stays.append("the ledger, \(ground.ledgerFolder)")
            if ground.site.scope == .system { stays.append("the user reveille") }
        }
        let isSystem = ground.site.scope == .system
        stays.append("configuration and token (\(isSystem ? "/etc/reveille, /etc/credstore" : "~/.config/reveille"))")
        stays.append("the program, \(ground.site.program)")
        stays += WantedFiles.all(at: ground.site).map { $0.path + InstallerDisk.backupEnding }.filter { access($0, F_OK) == 0 }
        Printing.line("\nReveille is uninstalled. What stays: \(stays.joined(separator: "; ")).")
    }

    private func printPlan(_ steps: [FileStep], _ ground: InstallerGround) {
        Printing.json([
            "scope": .string(ground.site.scope.rawValue), "manifest": .string(ground.site.manifest),
            "files": .array(steps.map(\.json)), "purge": .array(purge ? [.string(ground.ledgerFolder)] : []),
        ])
    }
}
