import Foundation
import OpenClawFacts
import ReveilleConfiguration
import RunStates
import Testing
import WakeCore
import WakeService

@testable import ReveilleCommand

@Suite("What the doctor says where it takes several looks to know")
struct DoctorJudgementTests {
    // MARK: Tokens

    private func holder(_ name: String, _ token: String) -> TokenJudgement.Holder {
        .init(name: name, token: Secret(token), fix: "give \(name) its own")
    }

    @Test("one bot token in two hands is an error that names both; tokens of their own are not")
    func sharedToken() throws {
        let shared = TokenJudgement.findings([
            holder("gateway:main/discord:default", "a.b.c"), holder("discord:default", "a.b.c"), holder("discord:other", "x.y.z"),
        ])
        let finding = try #require(shared.first)
        #expect(shared.count == 1 && finding.code == "token-shared" && finding.severity == .error)
        #expect(finding.summary == "discord:default and gateway:main/discord:default use one bot token")
        #expect(![finding.summary, finding.evidence, finding.fix].contains { $0?.contains("a.b.c") == true })
        #expect(TokenJudgement.findings([holder("discord:default", "a"), holder("discord:other", "b")]).isEmpty)
    }

    // MARK: channels.status against REST

    private func contradiction(_ account: JSONValue, _ witness: ChannelWitness) throws -> [Finding] {
        let status = ChannelsStatus(["channelAccounts": ["discord": [account]]])
        let channel = try #require(ChannelName("gateway:main/discord:default"))
        return WitnessJudgement(channel: channel).findings(status.account("default", of: "discord"), witness)
    }

    @Test("a gateway that says connected while Discord rejects the token contradicts it, and so does the reverse")
    func witness() throws {
        let up: JSONValue = ["accountId": "default", "running": true, "connected": true]
        let down: JSONValue = ["accountId": "default", "running": true, "connected": false]
        let lying = try contradiction(up, .refused(reason: "401"))
        #expect(lying.map(\.code) == ["status-contradicts-rest"] && lying.map(\.severity) == [.error])
        let stuck = try contradiction(down, .works(account: "900"))
        #expect(stuck.map(\.code) == ["status-contradicts-rest"] && stuck.map(\.severity) == [.warning])
        #expect(try contradiction(up, .works(account: "900")).map(\.severity) == [.ok])
        #expect(try contradiction(down, .refused(reason: "401")).isEmpty)
        #expect(try contradiction(up, .unknown(reason: "no network")).isEmpty)
        #expect(try contradiction(["accountId": "default", "enabled": false], .works(account: "900")).isEmpty)
    }

    // MARK: Processes

    @Test("a gateway's command line is told from those that only ask or manage one")
    func commandLines() {
        func isGateway(_ line: String...) -> Bool { ProcessJudgement.GatewayProcess.isGateway(line) }
        #expect(isGateway("node", "/usr/lib/node_modules/openclaw/openclaw.mjs", "gateway", "--port", "18789"))
        #expect(isGateway("/usr/bin/node", "/home/a/openclaw/dist/entry.js", "gateway"))
        #expect(isGateway("openclaw", "gateway", "run"))
        #expect(isGateway("openclaw-gateway"))
        #expect(!isGateway("openclaw", "gateway", "restart"))
        #expect(!isGateway("openclaw", "gateway", "status"))
        #expect(!isGateway("openclaw", "cron", "list"))
        #expect(!isGateway("vim", "gateway"))
        #expect(!isGateway())
    }

    private func process(_ pid: Int32, parent: Int32 = 1, _ folder: String?) -> ProcessJudgement.GatewayProcess {
        .init(pid: pid, parent: parent, user: 1000, arguments: ["openclaw", "gateway"], stateDirectory: folder)
    }

    @Test("two gateways with one state directory are an error, a wrapper and what it wraps are one gateway")
    func twice() throws {
        let one = ProcessJudgement(configured: 1)
        let finding = try #require(one.findings([process(20, "/a"), process(10, "/a")]).first)
        #expect(finding.code == "gateway-twice" && finding.severity == .error)
        #expect(finding.evidence == "pid 10 of user 1000, pid 20 of user 1000")
        #expect(one.findings([process(10, "/a"), process(11, parent: 10, "/a")]).isEmpty)
        #expect(one.findings([]).isEmpty)
    }

    @Test("more gateways than the configuration names are told, as many are not")
    func more() {
        let two = [process(10, "/a"), process(20, "/b")]
        #expect(ProcessJudgement(configured: 1).findings(two).map(\.code) == ["gateways-unknown"])
        #expect(
            ProcessJudgement(configured: 1).findings([process(10, nil), process(20, nil)]).map(\.code) == ["gateways-unknown"])
        #expect(ProcessJudgement(configured: 2).findings(two).isEmpty)
    }

    @Test("running processes are read without trouble, this one is no gateway")
    func running() {
        let mine = ProcessInfo.processInfo.processIdentifier
        #expect(!ProcessJudgement.GatewayProcess.running().contains { $0.pid == mine })
        #expect(ProcessJudgement.GatewayProcess.running(in: "/no such folder").isEmpty)
    }

    // MARK: Run states

    private func runState(_ text: String, age: Duration) throws -> Finding {
        RunStateJudgement.finding(
            .init(path: "/w/infra/runstate.json", state: .success(try RunState(Array(text.utf8))), age: age))
    }

    @Test("a run state that is pending for more than a day is stale; a young one, and one that is done, are not")
    func stale() throws {
        let pending = #"{"opId": "op-7", "pending": true, "session": "agent:main:main", "plan": ["a", "b"], "nextStep": 2}"#
        let old = try runState(pending, age: .seconds(90_000))
        #expect(old.code == "runstate-stale" && old.severity == .warning)
        #expect(old.evidence == "operation op-7 is pending, last written 25 h 0 min ago; its next step: b")
        #expect(try runState(pending, age: .seconds(86_400)).severity == .ok)
        #expect(try runState(#"{"opId": "op-7", "pending": false}"#, age: .seconds(900_000)).severity == .ok)
    }

    @Test("a run state is read as the daemon reads it: what is broken is told with its field, no file is nothing")
    func runStateFiles() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "doctor-\(UInt64.random(in: 0 ... .max))").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/infra/runstate.json"
        let now = try SystemMoments(environment: [:]).now()
        #expect(RunStateJudgement.File.look(at: path, now: now) == nil)
        try FileManager.default.createDirectory(atPath: folder + "/infra", withIntermediateDirectories: true)
        for (bad, words) in [
            ("{\"opId\": \"op", "cut off"), ("[1]", "no JSON object"), ("", "is empty"),
            (#"{"opId": "x", "pending": "verify"}"#, "'pending' must be true or false"),
        ] {
            #expect(FileManager.default.createFile(atPath: path, contents: Data(bad.utf8)))
            let finding = RunStateJudgement.finding(try #require(RunStateJudgement.File.look(at: path, now: now)))
            #expect(finding.code == "runstate-broken" && finding.evidence?.contains(words) == true, "\(finding)")
        }
        let pending = #"{"opId": "x", "pending": true, "session": "agent:main:main"}"#
        #expect(FileManager.default.createFile(atPath: path, contents: Data(pending.utf8)))
        let tomorrow = now.advanced(by: .seconds(90_000))
        #expect(RunStateJudgement.File.look(at: path, now: tomorrow).map(RunStateJudgement.finding)?.code == "runstate-stale")
        #expect(RunStateJudgement.File.look(at: path, now: now).map(RunStateJudgement.finding)?.code == "runstate-ok")
        let hidden = RunStateError(.unavailable, "permission denied", hint: "Call as another user.")
        #expect(RunStateJudgement.finding(.init(path: path, state: .failure(hidden), age: .zero)).severity == .unknown)
    }

    // MARK: The clock

    @Test("a clock that nothing disciplines is told; one that is synchronised is not, and one that can't be asked is unknown")
    func clock() {
        #expect(ClockJudgement.finding(isSynchronised: false).code == "clock-not-synchronised")
        #expect(ClockJudgement.finding(isSynchronised: false).severity == .warning)
        #expect(ClockJudgement.finding(isSynchronised: true).severity == .ok)
        #expect(ClockJudgement.finding(isSynchronised: nil).severity == .unknown)
    }

    // MARK: Drains

    @Test("gateways before 2026.4 need 90 s for a stop, later and unknown ones 315 s")
    func drains() {
        #expect(GatewayRound.drain(of: GatewayVersion(2026, 3, 2)) == .seconds(90))
        #expect(GatewayRound.drain(of: GatewayVersion(2026, 4)) == .seconds(315))
        #expect(GatewayRound.drain(of: nil) == .seconds(315))
    }
}
