import ReveilleConfiguration
import Testing
import WakeCore
import WakeService

@testable import ReveilleCommand

@Suite("How the doctor tells what it found")
struct DoctorReportTests {
    private static func finding(_ severity: Finding.Severity) -> Finding {
        Finding(severity, "a-code", "a subject", "something is so", evidence: "seen", meaning: "it matters", fix: "do it")
    }

    private static let worst: [([Finding.Severity], Int32)] = [
        ([], 0), ([.ok, .note, .unknown], 0), ([.ok, .warning, .note], 1), ([.warning, .error], 2),
    ]

    @Test("the exit code follows the worst finding", arguments: worst)
    func exitCodes(severities: [Finding.Severity], code: Int32) {
        #expect(DoctorReport(findings: severities.map(Self.finding)).exitCode == code)
    }

    @Test("each finding tells what, what was seen, why it matters, the fix and its code; the last line counts")
    func lines() {
        let report = DoctorReport(findings: [Self.finding(.error), .ok("fine", "it", "is fine", evidence: "as seen")])
        #expect(
            report.lines == [
                "ERROR    a subject: something is so", "         seen: seen", "         why:  it matters", "         fix:  do it",
                "         code: a-code", "ok       it: is fine (as seen)", "1 error, 1 in order",
            ])
    }

    @Test("what comes from outside can't draw on the terminal")
    func terminal() {
        let finding = Finding.unknown("c", "s", "x", reason: "\u{1B}[31mred\nsecond line", fix: "f")
        let lines = DoctorReport(findings: [finding]).lines
        #expect(!lines.contains { $0.contains("\u{1B}") || $0.contains("\n") })
    }

    @Test("the JSON has stable keys, the counts of all severities, and the exit code")
    func json() {
        let json = DoctorReport(findings: [Self.finding(.warning)]).json
        #expect(json["exitCode"] == 1 && json["counts"]?["warning"] == 1 && json["counts"]?["error"] == 0)
        #expect(
            json["findings"] == [
                [
                    "code": "a-code", "severity": "warning", "subject": "a subject", "summary": "something is so",
                    "evidence": "seen", "meaning": "it matters", "fix": "do it",
                ]
            ])
    }

    @Test("a look that does not answer in time is given up, one that does is not")
    func limits() async {
        let (never, _open) = AsyncStream.makeStream(of: Void.self)
        let late: Bool? = await TimeLimit.within(.milliseconds(1)) {
            for await _ in never {}
            return true
        }
        #expect(late == nil)
        #expect(await TimeLimit.within(.seconds(60)) { 7 } == 7)
        withExtendedLifetime(_open) {}
    }

    @Test("variables of a gateway's .env file are read as shells write them")
    func assignments() {
        let text = "# comment\nA=1\nexport B=\"two words\"\n C='x' \nD=\nnonsense\n"
        #expect(GatewayFileLook.assignments(text) == ["A": "1", "B": "two words", "C": "x", "D": ""])
    }
}
