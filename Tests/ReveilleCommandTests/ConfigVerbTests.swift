import ArgumentParser
import Foundation
import ReveilleConfiguration
import Testing

@testable import ReveilleCommand

@Suite("reveille config log and revert")
struct ConfigVerbTests {
    /// A file and a ledger for one test, with one accepted patch.
    private func scratch(_ raw: String, file: String = "{}") throws -> (folder: URL, options: [String], store: ConfigurationStore)
    {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("config-verb-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = folder.appendingPathComponent("reveille.json5")
        try file.write(to: path, atomically: true, encoding: .utf8)
        let options = ["--config", path.path, "--ledger", folder.appendingPathComponent("ledger").path]
        let store = try ConfigurationOptions.parse(options).store()
        let plan = try store.plan(.patch(raw: raw, baseHash: try store.current().hash))
        _ = try store.commit(plan, by: "a test", note: nil, session: nil, at: 0)
        return (folder, options, store)
    }

    @Test("a patch is listed and taken back without a daemon")
    func revert() async throws {
        let (folder, options, store) = try scratch("{ log: { level: 'debug' } }")
        defer { try? FileManager.default.removeItem(at: folder) }
        try await ConfigLog.parse(options + ["--json"]).run()
        try await ConfigRevert.parse(options + ["1", "--note", "too loud"]).run()
        #expect(try store.current().configuration.log.level == "info")
        let entry = try #require(try store.log(limit: 1).first)
        #expect(entry.revertOf == 1)
        #expect(entry.note == "too loud")
        #expect(entry.by.hasPrefix("uid:\(geteuid())"))
        let fault = await #expect(throws: ChangeFault.self) { try await ConfigRevert.parse(options + ["7"]).run() }
        #expect(Complaint(any: fault ?? ChangeFault(.storage, "")).code == Complaint.Code.noInput.rawValue)
    }

    @Test("what takes access to the control plane away needs --force")
    func lockout() async throws {
        let token = FileManager.default.temporaryDirectory.appendingPathComponent("token-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: token) }
        try #require(
            FileManager.default.createFile(
                atPath: token, contents: Data(String(repeating: "t", count: 32).utf8), attributes: [.posixPermissions: 0o600]))
        let (folder, options, store) = try scratch("{ control: { tokenFile: '\(token)' } }")
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try store.planRevert(of: 1).locksOut.first == "the control token would be gone")
        await #expect(throws: Complaint.self) { try await ConfigRevert.parse(options + ["1"]).run() }
        #expect(try store.log(limit: 9).count == 1)
        try await ConfigRevert.parse(options + ["1", "--force"]).run()
        #expect(try store.current().configuration.control.tokenLocation == nil)
    }

    @Test("each need has its own advice")
    func advice() {
        let all: [KeyDescriptor.ChangeEffect] = [.nothing, .reload, .daemonRestart]
        #expect(Set(all.map { ConfigRevert.advice($0) }).count == 3)
    }
}
