import Foundation
import ReveilleConfiguration
import Testing

@Suite("Where configuration and ledger are looked for")
struct FilesTests {
    private func files(
        _ variables: [String: String], user: UInt32 = 1_000, file: String? = nil, scope: ConfigurationFiles.Scope? = nil
    ) throws -> ConfigurationFiles {
        try ConfigurationFiles(
            file: file, scope: scope, in: Surroundings(variables: variables, userID: user, workingDirectory: "/srv"))
    }

    @Test("a person's is in XDG_CONFIG_HOME, else in ~/.config; the system's in /etc/reveille; --config wins")
    func places() throws {
        #expect(try files(["HOME": "/h"]).main == "/h/.config/reveille/reveille.json5")
        #expect(try files(["HOME": "/h", "XDG_CONFIG_HOME": "/c/"]).main == "/c/reveille/reveille.json5")
        #expect(try files(["HOME": "/h", "XDG_CONFIG_HOME": "relative"]).main == "/h/.config/reveille/reveille.json5")
        #expect(try files(["HOME": "/root"], user: 0).main == "/etc/reveille/reveille.json5")
        #expect(try files([:], user: 998).main == "/etc/reveille/reveille.json5")
        #expect(try files(["HOME": "/root"], user: 0, scope: .user).main == "/root/.config/reveille/reveille.json5")
        #expect(try files(["CONFIGURATION_DIRECTORY": "/etc/reveille-b:/x"], user: 998).main == "/etc/reveille-b/reveille.json5")
        let named = try files([:], file: "conf/mine.json5")
        #expect(named.main == "/srv/conf/mine.json5")
        #expect(named.dropInDirectory == "/srv/conf/reveille.d")
        #expect(named.isNamed)
    }

    @Test("without a home directory a person is told to name the file")
    func noHome() throws {
        let problem = #expect(throws: ConfigurationProblem.self) { try files([:]) }
        #expect(problem?.hint?.contains("--config") == true)
    }

    @Test("the ledger is in STATE_DIRECTORY, else in /var/lib for the system, else in XDG_STATE_HOME or ~/.local/state")
    func ledger() throws {
        let scratch = try Scratch()
        func directory(_ variables: [String: String], _ scope: ConfigurationFiles.Scope) throws -> ConfigurationSetting? {
            let file = try scratch.write("empty.json5", "")
            return try ConfigurationLoader(surroundings: scratch.surroundings(variables), file: file, scope: scope).load()
                .setting(
                    "ledger.directory")
        }
        #expect(try directory(["STATE_DIRECTORY": "/s/a:/s/b"], .system)?.text == "/s/a")
        #expect(try directory(["STATE_DIRECTORY": "/s/a:/s/b"], .system)?.origin == .environment("STATE_DIRECTORY"))
        #expect(try directory([:], .system)?.text == "/var/lib/reveille")
        #expect(try directory(["XDG_STATE_HOME": "/x"], .user)?.text == "/x/reveille")
        #expect(try directory([:], .user)?.text == scratch.path + "/.local/state/reveille")
        #expect(try directory(["REVEILLE_LEDGER_DIRECTORY": "/l", "STATE_DIRECTORY": "/s"], .user)?.text == "/l")
    }

    @Test("a named file must be there, be a file, be readable and be small")
    func named() throws {
        let scratch = try Scratch()
        func problem(_ file: String) -> ConfigurationProblems? {
            do {
                _ = try ConfigurationLoader(surroundings: scratch.surroundings(), file: file).load()
                return nil
            } catch {
                return error
            }
        }
        let missing = try #require(problem("none.json5"))
        #expect(missing.list.map(\.code) == [.fileMissing])
        #expect(missing.exitStatus == 66)
        #expect(missing.description.contains(scratch.path + "/none.json5: there is no such file"))
        #expect(problem(".")?.list.map(\.code) == [.fileUnreadable])
        #expect(problem("/dev/null")?.list.map(\.code) == [.fileUnreadable])
        let big = try scratch.write("big.json5", [UInt8](repeating: 0x20, count: 1 << 20 + 1))
        #expect(problem(big)?.list.map(\.code) == [.tooLarge])
        #expect(problem(big)?.exitStatus == 78)
    }

    @Test("the surroundings of this process are its own")
    func surroundings() {
        let mine = Surroundings.ofThisProcess()
        #expect(mine.variables["PATH"]?.isEmpty == false)
        #expect(mine.workingDirectory.hasPrefix("/"))
        #expect(mine.userID == geteuid())
    }

    @Test("a drop-in that is a directory or a broken link is told, not skipped")
    func oddDropIns() throws {
        let scratch = try Scratch()
        try scratch.write("reveille.d/a.json5/x", "")
        #expect(try scratch.problems("{}").map(\.code) == [.fileUnreadable])
    }
}
