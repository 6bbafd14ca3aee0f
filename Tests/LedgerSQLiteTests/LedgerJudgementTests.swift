import Foundation
import Testing
import WakeCore
import WakeService
import WakeTesting

@testable import LedgerSQLite

@Suite("What the doctor says of the ledger and its daemon")
struct LedgerJudgementTests {
    let scratch = Scratch()
    static let now = StillMoments.start.advanced(by: .seconds(1_000))
    static let judgement = LedgerJudgement(folder: "/var/lib/reveille/ledger", now: now)

    /// A ledger whose daemon runs.
    static var good: LedgerFacts {
        var facts = LedgerFacts()
        facts.report.freeBytes = 10 << 30
        facts.daemon = InstanceHolder(pid: 1, instance: "one")
        facts.starts = [StartRecord(instance: "one", started: StillMoments.start)]
        facts.report.counts = counts()
        return facts
    }

    private static func counts(wakes: Int = 0, unresolved: Int = 0, refused: Int = 0) -> LedgerCounts {
        LedgerCounts(
            openSentinels: 0, liveWakes: wakes, liveDeliveries: [:], unresolvedDeliveries: unresolved, inboxRows: 0,
            refusedRows: refused)
    }

    private func findings(_ change: (inout LedgerFacts) -> Void) -> [Finding] {
        var facts = Self.good
        change(&facts)
        return Self.judgement.findings(.seen(facts))
    }

    private func codes(_ change: (inout LedgerFacts) -> Void) -> [String] { findings(change).map(\.code) }

    @Test("a sound ledger with its daemon is in order")
    func good() { #expect(codes { _ in } == ["ledger-ok"]) }

    @Test("damage is told with what is damaged")
    func damage() {
        let finding = findings { $0.report.problems = ["row 3 missing from index"] }.first
        #expect(finding?.code == "ledger-damaged" && finding?.severity == .error)
        #expect(finding?.evidence == "row 3 missing from index")
    }

    @Test("little room is a warning, next to none an error, plenty and unknown nothing")
    func room() {
        #expect(findings { $0.report.freeBytes = 100 << 20 }.map(\.severity) == [.warning])
        #expect(findings { $0.report.freeBytes = 3 << 20 }.map(\.severity) == [.error])
        #expect(codes { $0.report.freeBytes = 3 << 20 } == ["disk-low"])
        #expect(codes { $0.report.freeBytes = nil } == ["ledger-ok"])
        #expect(codes { $0.report.freeBytes = LedgerJudgement.littleRoomBytes } == ["ledger-ok"])
    }

    @Test("a ledger in memory, and one that nobody adopted, are told")
    func kind() {
        #expect(codes { $0.report.volatileKind = "tmpfs" } == ["ledger-volatile"])
        #expect(codes { $0.adoptionReason = "it was copied" } == ["ledger-not-adopted"])
    }

    @Test("a daemon that does not run is told, with how its last life ended")
    func down() {
        let cutOff = findings {
            $0.daemon = nil
            $0.starts[0].alive = StillMoments.start.advanced(by: .seconds(400))
        }.first
        #expect(cutOff?.code == "daemon-down" && cutOff?.severity == .error)
        #expect(cutOff?.evidence == "its last life began 16 min ago, and was cut off; last seen 10 min ago")
        let never = findings {
            $0.daemon = nil
            $0.starts = []
        }.first
        #expect(never?.code == "daemon-down" && never?.evidence == "it never ran with this ledger")
    }

    @Test("unclean starts in a row, the last of them now, are a loop; long ago, or with a clean end between, they are none")
    func loop() {
        func lives(_ ages: [Int], ended: Int? = nil) -> [StartRecord] {
            ages.enumerated().map { number, age in
                let start = Self.now.advanced(by: .seconds(-age))
                return StartRecord(
                    instance: "\(number)", started: start,
                    ended: number == ended ? .init(.stopped, reason: "told to", at: start) : nil)
            }
        }
        #expect(codes { $0.starts = lives([5, 30, 60, 90]) } == ["daemon-restart-loop"])
        #expect(codes { $0.starts = lives([5, 30, 60]) } == ["ledger-ok"])
        #expect(codes { $0.starts = lives([5, 30, 60, 90], ended: 1) } == ["ledger-ok"])
        #expect(codes { $0.starts = lives([400, 430, 460, 490]) } == ["ledger-ok"])
    }

    @Test("what waits for a person, what waits for more than a day, and what was set aside are told")
    func owed() {
        #expect(codes { $0.report.counts = Self.counts(unresolved: 2) } == ["wakes-unresolved"])
        #expect(codes { $0.report.counts = Self.counts(refused: 1) } == ["requests-refused"])
        let old = Self.now.advanced(by: .seconds(-90_000))
        let fresh = Self.now.advanced(by: .seconds(-80_000))
        #expect(
            codes {
                $0.report.counts = Self.counts(wakes: 1)
                $0.oldestWake = old
            } == ["wakes-held-long"])
        #expect(
            codes {
                $0.report.counts = Self.counts(wakes: 1)
                $0.oldestWake = fresh
            } == ["ledger-ok"])
    }

    @Test("no ledger is a note, another user's is not looked at, one that can't be opened is an error")
    func looks() {
        #expect(Self.judgement.findings(.missing).map(\.severity) == [.note])
        #expect(Self.judgement.findings(.foreign(reason: "theirs", fix: "be them")).map(\.severity) == [.unknown])
        let error = WakeError(.ledgerNewer, "newer", hint: "upgrade")
        let finding = Self.judgement.findings(.unusable(error)).first
        #expect(finding?.code == "ledger-unusable" && finding?.severity == .error && finding?.fix == "upgrade")
    }

    // MARK: Looking

    @Test("a look reads a ledger beside its daemon, and makes none where there is none")
    func look() throws {
        guard case .missing = LedgerLook.look(at: scratch.ledger) else {
            Issue.record("a ledger was seen")
            return
        }
        #expect(access(scratch.ledger, F_OK) != 0)
        let ledger = try SQLiteLedger.open(scratch.ledger, instance: "one")
        defer { ledger.close() }
        let facts = try #require(LedgerLook.look(at: scratch.ledger).facts)
        #expect(facts.daemon?.instance == "one" && facts.starts.map(\.instance) == ["one"])
        #expect(facts.report.problems.isEmpty && facts.report.counts?.liveWakes == 0 && facts.oldestWake == nil)
    }

    @Test("a file that is no ledger is unusable, and stays as it is")
    func notALedger() throws {
        try FileManager.default.createDirectory(
            atPath: scratch.ledger, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let text = Data(String(repeating: "this is no database ", count: 100).utf8)
        #expect(FileManager.default.createFile(atPath: scratch.ledger + "/ledger.sqlite", contents: text))
        guard case .unusable(let error) = LedgerLook.look(at: scratch.ledger) else {
            Issue.record("it was taken for a ledger")
            return
        }
        #expect(error.code == .notALedger || error.code == .ledgerCorrupt)
        #expect(FileManager.default.contents(atPath: scratch.ledger + "/ledger.sqlite") == text)
    }
}
