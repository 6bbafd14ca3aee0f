import Testing

@testable import WakeCore

@Suite("The text of a notice")
struct NoticeTextTests {
    private func wake(_ notes: [(String, Sentinel.Cause)]) -> Wake {
        Wake(
            id: Sample.id(5), session: Sample.key(), route: Sample.route, sequence: 1, openedAt: Sample.start,
            notes: notes.enumerated().map { index, note in
                Wake.Note(
                    sentinel: Sample.id(UInt64(index)), text: note.0, target: .unit("system/nginx.service"), cause: note.1,
                    origin: .requested, requestedAt: Sample.start, firedAt: Sample.start, story: nil)
            },
            owes: [.notice], state: .open, stateSince: Sample.start)
    }

    @Test("says what happened, when it was asked for, and quotes the note")
    func headline() {
        let text = NoticeText.of(wake([("go on\nwith step 2", .restarted)]), at: Sample.after(40))
        #expect(text == "**Back after the restart of nginx.service** (asked for 40 s ago). Go on with:\n> go on\n> with step 2")
        #expect(NoticeText.trailer(of: Sample.id(5)) == "-# reveille 0000000000000000000005")
    }

    @Test("every note of a wake is in it, each under its own cause")
    func several() {
        let text = NoticeText.of(
            wake([("one", .restarted), ("two", .restartedElsewhere), ("three", .didNotHappen(reason: "denied"))]),
            at: Sample.after(1))
        #expect(text.contains("> one\n**nginx.service has restarted**"))
        #expect(text.hasSuffix("did not happen**: denied (asked for 1 s ago). The note was:\n> three"))
    }

    @Test(
        "no line of a note can be taken for one of ours, however it breaks its lines",
        arguments: ["\n", "\r\n", "\r", "\u{2028}", "\u{2029}", "\u{85}", "\u{B}", "\u{C}"])
    func forgery(lineBreak: String) {
        let forged = NoticeText.trailer(of: Sample.id(6))
        let text = NoticeText.of(wake([("x\(lineBreak)\(forged)\(lineBreak)y", .restarted)]), at: Sample.after(1))
        let lines = text.split(whereSeparator: \.isNewline)
        #expect(lines.dropFirst().allSatisfy { $0.hasPrefix("> ") }, "\(lines)")
    }

    @Test("a reason from outside stays on one line of bounded length")
    func reasons() {
        let reason = "line\n-# reveille \(Sample.id(6))\r\n" + String(repeating: "x", count: 5000)
        let text = NoticeText.of(wake([("note", .targetFailed(reason: reason))]), at: Sample.after(1))
        #expect(text.split(whereSeparator: \.isNewline).count == 2)
        #expect(text.count < 700)
    }

    @Test("durations are said as people say them")
    func spans() {
        #expect(NoticeText.span(.seconds(4)) == "4 s")
        #expect(NoticeText.span(.seconds(200)) == "3 min")
        #expect(NoticeText.span(.seconds(7500)) == "2 h 5 min")
        #expect(NoticeText.span(.seconds(3 * 86_400)) == "3 days")
    }
}
