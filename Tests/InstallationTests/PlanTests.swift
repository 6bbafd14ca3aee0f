import Foundation
import Testing

@testable import Installation

@Suite("The plan of an installation")
struct PlanTests {
    /// A disk that is only a dictionary.
    private struct Disk {
        var files: [String: OnDisk] = [:]

        func look(_ path: String) -> OnDisk { files[path] ?? .absent }
    }

    private static let site = InstallationSite.system(program: "/usr/local/bin/reveille", isProgramInPath: true)
    private static let path = "/etc/systemd/system/reveille.service"
    private let file = WantedFile(
        path: Self.path, text: "new", packagePaths: ["/usr/local/lib/systemd/system/reveille.service"], reader: .manager)

    private func plan(_ disk: Disk, _ manifest: Manifest = Manifest(), overwrite: Bool = false) -> [FileStep] {
        Plan.install([file], manifest: manifest, mayOverwrite: overwrite, look: disk.look)
    }

    /// A manifest that says that this was written.
    private func manifest(_ text: String, at path: String = Self.path) -> Manifest {
        var manifest = Manifest()
        manifest.intend(Data(text.utf8), at: path)
        manifest.wrote(at: path)
        return manifest
    }

    private func disk(_ text: String, at path: String = Self.path) -> Disk {
        Disk(files: [path: .file(Data(text.utf8))])
    }

    @Test("on an empty disk, everything is new and is written")
    func empty() {
        let wanted = WantedFiles.all(at: Self.site)
        let steps = Plan.install(wanted, manifest: Manifest(), mayOverwrite: false) { _ in .absent }
        #expect(steps.count == wanted.count)
        #expect(steps.allSatisfy { $0.standing == .new && $0.action == .write })
    }

    @Test("what was written and is wanted still is left in peace")
    func unchanged() {
        #expect(plan(disk("new"), manifest("new")).map(\.standing) == [.unchanged])
        #expect(plan(disk("new"), manifest("new")).allSatisfy { !$0.isChange })
    }

    @Test("the last version is replaced by the new one")
    func outdated() {
        let steps = plan(disk("old"), manifest("old"))
        #expect(steps.map(\.standing) == [.outdated])
        #expect(steps.map(\.action) == [.write])
    }

    @Test("a file that a person changed is left alone, and written over only on demand", arguments: [false, true])
    func changed(isDemanded: Bool) {
        let steps = plan(disk("mine"), manifest("old"), overwrite: isDemanded)
        #expect(steps.map(\.standing) == [.changedByYou("changed")])
        #expect(steps.map(\.action) == [isDemanded ? .overwrite : .leave])
    }

    @Test("a file that was there before us is a person's, too")
    func foreign() {
        let steps = plan(disk("mine"))
        #expect(steps.map(\.action) == [.leave])
    }

    @Test("a masked unit is left alone")
    func masked() {
        let steps = plan(Disk(files: [Self.path: .other("masked")]), manifest("new"))
        #expect(steps.map(\.standing) == [.changedByYou("masked")])
        #expect(steps.map(\.action) == [.leave])
    }

    @Test("a file that was removed comes back")
    func removed() {
        let steps = plan(Disk(), manifest("new"))
        #expect(steps.map(\.standing) == [.missing])
        #expect(steps.map(\.action) == [.write])
    }

    @Test("what a package brought is not written again")
    func packaged() {
        let packaged = "/usr/local/lib/systemd/system/reveille.service"
        #expect(plan(disk("new", at: packaged)).map(\.standing) == [.alreadyThere(path: packaged)])
        #expect(plan(disk("old", at: packaged)).map(\.standing) == [.hiding(package: packaged)])
        #expect(plan(disk("old", at: packaged)).map(\.action) == [.write])
    }

    @Test("what is no longer wanted is removed, unless a person changed it")
    func obsolete() {
        let dropIn = "/etc/systemd/system/reveille.service.d/10-program.conf"
        var manifest = manifest("new")
        manifest.intend(Data("path".utf8), at: dropIn)
        var disk = disk("new")
        disk.files[dropIn] = .file(Data("path".utf8))
        #expect(plan(disk, manifest).map(\.action) == [.none, .remove])
        disk.files[dropIn] = .file(Data("mine".utf8))
        #expect(plan(disk, manifest).map(\.action) == [.none, .leave])
        disk.files[dropIn] = nil
        #expect(plan(disk, manifest).map(\.action) == [.none, .none])
    }

    @Test("a permission that was given stays when it is not named again")
    func permissions() {
        let rule = PermissionRules.mayRestart("nginx.service")
        let manifest = manifest(rule.text, at: rule.path)
        let steps = Plan.install([], manifest: manifest, mayOverwrite: false, look: disk(rule.text, at: rule.path).look)
        #expect(steps.map(\.standing) == [.kept])
        #expect(Plan.uninstall(manifest, look: disk(rule.text, at: rule.path).look).map(\.action) == [.remove])
    }

    @Test("an install that was cut off knows either version as its own")
    func cutOff() throws {
        var manifest = manifest("old")
        manifest.intend(Data("new".utf8), at: Self.path)
        manifest = try Manifest(manifest.encoded())
        #expect(plan(disk("old"), manifest).map(\.standing) == [.outdated])
        #expect(plan(disk("new"), manifest).map(\.standing) == [.unchanged])
        #expect(plan(disk("mine"), manifest).map(\.action) == [.leave])
        // Cut off again, with yet another version to be written.
        manifest.intend(Data("newer".utf8), at: Self.path)
        #expect(plan(disk("old"), manifest).map(\.action) == [.write])
        manifest.wrote(at: Self.path)
        #expect(plan(disk("old"), manifest).map(\.action) == [.leave])
    }

    @Test("uninstall removes what was written, the last first, and leaves what a person changed")
    func uninstall() {
        var manifest = manifest("new")
        manifest.intend(Data("b".utf8), at: "/b")
        manifest.intend(Data("c".utf8), at: "/c")
        var disk = disk("new")
        disk.files["/b"] = .file(Data("mine".utf8))
        let steps = Plan.uninstall(manifest, look: disk.look)
        #expect(steps.map(\.path) == ["/c", "/b", Self.path])
        #expect(steps.map(\.action) == [.none, .leave, .remove])
    }
}

@Suite("What an installation consists of")
struct WantedFilesTests {
    private func user(_ program: String, isInPath: Bool) -> InstallationSite {
        .user(
            configurationHome: "/home/u/.config", stateHome: "/home/u/.local/state", program: program, isProgramInPath: isInPath)
    }

    @Test("every unit is there, in both modes")
    func units() {
        let system = WantedFiles.all(at: .system(program: "/usr/bin/reveille", isProgramInPath: true))
        for name in WantedFiles.unitNames + WantedFiles.systemUnitNames {
            #expect(system.contains { $0.path == "/etc/systemd/system/\(name)" && $0.text == UnitFiles.all[name] })
        }
        for name in WantedFiles.unitNames {
            let user = WantedFiles.all(at: user("/usr/bin/reveille", isInPath: true))
            #expect(
                user.contains { $0.path == "/home/u/.config/systemd/user/\(name)" && $0.text == UnitFiles.all["user/\(name)"] })
        }
        #expect(Set(WantedFiles.startedUnits).isSubset(of: WantedFiles.unitNames))
        let embedded = UnitFiles.all.keys.filter { !$0.contains("/") && ($0.hasSuffix(".service") || $0.hasSuffix(".socket")) }
        #expect(Set(embedded) == Set(WantedFiles.unitNames + WantedFiles.systemUnitNames))
    }

    @Test(
        "a turn's unit forbids nothing that agents' command lines do: make code, a sandbox of their own, use a device",
        arguments: [
            "MemoryDenyWriteExecute", "RestrictNamespaces", "ProtectKernelTunables", "ProtectKernelLogs", "ProtectHostname",
            "ProtectSystem", "ProtectHome", "PrivateDevices", "SystemCallFilter",
        ])
    func turns(_ directive: String) throws {
        let text = try #require(UnitFiles.all["reveille-turn@.service"])
        #expect(!text.contains(directive + "="))
        // Nor may the daemon's restart end it.
        #expect(!text.contains("PartOf=") && !text.contains("BindsTo=") && !text.contains("Requires="))
    }

    @Test("user mode touches nothing outside the user's own folder")
    func userMode() {
        for file in WantedFiles.all(at: user("/home/u/bin/reveille", isInPath: false)) {
            #expect(file.path.hasPrefix("/home/u/.config/systemd/user/"))
            #expect(file.reader == .manager)
        }
    }

    @Test("where the program is not found by its name, drop-ins say its path, quoted as systemd wants it")
    func program() {
        let plain = WantedFiles.all(at: user("/home/u/bin/reveille", isInPath: false)).filter { $0.path.hasSuffix(".conf") }
        #expect(plain.count == 2)
        #expect(plain[0].text.contains("\nExecStart=\nExecStart=/home/u/bin/reveille daemon\n"))
        #expect(plain[1].text.contains("\nExecStart=/home/u/bin/reveille wait %I\n"))
        let system = WantedFiles.all(at: .system(program: "/opt/reveille", isProgramInPath: false))
        let turn = system.first { $0.path == "/etc/systemd/system/reveille-turn@.service.d/10-program.conf" }
        #expect(turn?.text.contains("\nExecStart=\nExecStart=/opt/reveille turn-exec %i\n") == true)
        let strange = WantedFiles.all(at: user(#"/home/u/my "100%" bin/reveille"#, isInPath: false))
        #expect(strange.contains { $0.text.contains(#"ExecStart="/home/u/my \"100%%\" bin/reveille" daemon"#) })
        #expect(!WantedFiles.all(at: user("/usr/bin/reveille", isInPath: true)).contains { $0.path.hasSuffix(".conf") })
    }

    @Test("a program in a home can't be a system service's")
    func homes() {
        #expect(InstallationSite.system(program: "/home/u/reveille", isProgramInPath: false).programObstacle != nil)
        #expect(InstallationSite.system(program: "/root/reveille", isProgramInPath: true).programObstacle != nil)
        #expect(InstallationSite.system(program: "/opt/reveille/reveille", isProgramInPath: false).programObstacle == nil)
        #expect(user("/home/u/bin/reveille", isInPath: false).programObstacle == nil)
    }

    @Test("a permission names exactly its unit, as a script must write it")
    func permission() {
        let rule = PermissionRules.mayRestart(#"app@my\x2dbot.service"#)
        #expect(rule.path == #"/etc/polkit-1/rules.d/50-reveille-may-restart-app@my\x2dbot.service.rules"#)
        #expect(rule.text.contains(#"action.lookup("unit") == "app@my\\x2dbot.service" && action.lookup("verb") == "restart""#))
        #expect(!rule.text.contains("@UNIT@"))
    }
}
