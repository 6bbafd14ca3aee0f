import Testing
import WakeCore
import WakeService

@testable import SystemdSupport

@Suite("What the doctor says of a unit")
struct UnitJudgementTests {
    static let judgement = UnitJudgement(
        unit: "openclaw-gateway.service", isUserUnit: true, content: "the gateway main", drain: .seconds(315))

    /// A unit as the newest gateways install it.
    static var good: UnitFacts {
        var facts = UnitFacts()
        facts.restartDelay = .seconds(5)
        facts.stopTimeout = .seconds(330)
        facts.startLimitBurst = 5
        facts.startLimitInterval = .seconds(10)
        facts.runningFor = .seconds(3_600)
        return facts
    }

    private func codes(_ change: (inout UnitFacts) -> Void) -> [String] {
        var facts = Self.good
        change(&facts)
        return Self.judgement.findings(.seen(facts)).map(\.code)
    }

    @Test("a unit as it should be is in order")
    func good() {
        let findings = Self.judgement.findings(.seen(Self.good))
        #expect(findings.map(\.code) == ["unit-ok"] && findings.map(\.severity) == [.ok])
    }

    @Test("a TimeoutStopSec shorter than the drain is told with the figure that is needed", arguments: [30, 90, 329])
    func stop(seconds: Int) throws {
        var facts = Self.good
        facts.stopTimeout = .seconds(seconds)
        let finding = try #require(Self.judgement.findings(.seen(facts)).first)
        #expect(finding.code == "unit-stop-too-short" && finding.severity == .warning)
        #expect(
            finding.fix == "systemctl --user edit openclaw-gateway.service, with the lines '[Service]' and 'TimeoutStopSec=330'")
    }

    @Test("a stop without limit is long enough, and of a unit with no known drain nothing is expected")
    func stopWithoutLimit() {
        #expect(codes { $0.stopTimeout = nil } == ["unit-ok"])
        var facts = Self.good
        facts.stopTimeout = .seconds(1)
        #expect(
            UnitJudgement(unit: "a.service", isUserUnit: false, content: "it").findings(.seen(facts)).map(\.code) == ["unit-ok"])
    }

    @Test("KillMode=control-group is told, mixed and process are not")
    func killMode() {
        #expect(codes { $0.killMode = "control-group" } == ["unit-kill-mode"])
        #expect(codes { $0.killMode = "process" } == ["unit-ok"])
    }

    @Test("a unit that stays down after an end is told; after any end it is an error")
    func restart() {
        #expect(codes { $0.restart = "no" } == ["unit-no-restart"])
        #expect(codes { $0.restart = "on-failure" } == ["unit-no-restart"])
        var facts = Self.good
        facts.restart = "no"
        #expect(Self.judgement.findings(.seen(facts)).first?.severity == .error)
        facts.restart = "on-failure"
        #expect(Self.judgement.findings(.seen(facts)).first?.severity == .warning)
    }

    @Test("a start limit that quick ends can reach would strand it; one that they can't reach would not")
    func startLimit() {
        #expect(codes { $0.restartDelay = .milliseconds(100) } == ["unit-start-limit"])
        #expect(codes { $0.restartDelay = .milliseconds(1_999) } == ["unit-start-limit"])
        #expect(codes { $0.restartDelay = .seconds(2) } == ["unit-ok"])
        #expect(
            codes {
                $0.restartDelay = .zero
                $0.startLimitInterval = .zero
            } == ["unit-ok"])
    }

    @Test("a unit that was given up on, one that failed and one that was stopped are three things")
    func down() {
        #expect(
            codes {
                $0.activeState = "failed"
                $0.result = "start-limit-hit"
            } == ["unit-stranded"])
        #expect(
            codes {
                $0.activeState = "failed"
                $0.result = "exit-code"
                $0.automaticRestarts = 2
            } == ["unit-stranded"])
        #expect(codes { $0.activeState = "failed" } == ["unit-down"])
        #expect(codes { $0.activeState = "inactive" } == ["unit-down"])
        #expect(codes { $0.activeState = "activating" } == ["unit-ok"])
    }

    @Test("many restarts and a young run are a loop; many restarts long ago are none")
    func loop() {
        #expect(
            codes {
                $0.automaticRestarts = 3
                $0.runningFor = .seconds(20)
            } == ["unit-restart-loop"])
        #expect(codes { $0.automaticRestarts = 40 } == ["unit-ok"])
        #expect(
            codes {
                $0.automaticRestarts = 2
                $0.runningFor = .seconds(1)
            } == ["unit-ok"])
        #expect(
            codes {
                $0.automaticRestarts = 7
                $0.runningFor = nil
                $0.activeState = "activating"
                $0.subState = "auto-restart"
            } == ["unit-restart-loop"])
    }

    @Test("a unit that is masked, not there, or can't be asked about is told as such")
    func unseen() {
        #expect(codes { $0.loadState = "masked" } == ["unit-masked"])
        #expect(codes { $0.loadState = "not-found" } == ["unit-missing"])
        let finding = Self.judgement.findings(.unseen(reason: "no bus", fix: "log in")).first
        #expect(finding?.code == "unit-unknown" && finding?.severity == .unknown)
        #expect(finding?.evidence == "no bus" && finding?.fix == "log in")
    }

    @Test("what systemd says is read, its 'for ever' included")
    func properties() {
        let snapshot = UnitSnapshot([
            "LoadState": .string("loaded"), "ActiveState": .string("active"), "SubState": .string("running"),
            "Restart": .string("always"), "RestartUSec": .uint64(5_000_000), "TimeoutStopUSec": .uint64(.max),
            "KillMode": .string("mixed"), "StartLimitBurst": .uint32(5), "StartLimitIntervalUSec": .uint64(10_000_000),
            "NRestarts": .uint32(2), "ActiveEnterTimestampMonotonic": .uint64(1_000_000),
            "Environment": .array(of: "s", [.string("OPENCLAW_SERVICE_VERSION=2026.3.2"), .string("A=b")]),
        ])
        let facts = UnitFacts(snapshot, now: 61_000_000)
        #expect(facts.restart == "always" && facts.restartDelay == .seconds(5) && facts.stopTimeout == nil)
        #expect(facts.startLimitBurst == 5 && facts.startLimitInterval == .seconds(10) && facts.automaticRestarts == 2)
        #expect(facts.runningFor == .seconds(60) && facts.variable("OPENCLAW_SERVICE_VERSION") == "2026.3.2")
        #expect(facts.variable("OPENCLAW") == nil)
    }

    // MARK: Lingering

    @Test("a user's units without lingering are told; with it, or without such units, nothing is wrong")
    func linger() {
        let judgement = LingerJudgement(user: "ann", units: ["reveille.service"])
        let off = judgement.findings(.seen(isOn: false)).first
        #expect(off?.code == "linger-off" && off?.severity == .warning && off?.fix == "loginctl enable-linger ann")
        #expect(judgement.findings(.seen(isOn: true)).map(\.severity) == [.ok])
        #expect(judgement.findings(.unseen(reason: "why")).map(\.severity) == [.unknown])
        #expect(LingerJudgement(user: "ann", units: []).findings(.seen(isOn: false)).isEmpty)
    }

    @Test("whether a user lingers is read from logind's mark")
    func lingerMark() {
        // Every system has these: a folder with a known entry, and one without.
        #expect(LingerJudgement.look(at: "passwd", folder: "/etc") == .seen(isOn: true))
        #expect(LingerJudgement.look(at: "no such user", folder: "/etc") == .seen(isOn: false))
    }
}
