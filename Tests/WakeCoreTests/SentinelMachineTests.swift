import Testing

@testable import WakeCore

@Suite("The sentinel machine")
struct SentinelMachineTests {
    private static let old = Epoch.token("old")
    private static let new = Epoch.token("new")

    private static func armed(
        _ target: RestartTarget = .unit("web.service"), delay: Duration = .seconds(10), performedByUs: Bool = true
    ) -> Sentinel {
        Sentinel(
            Sample.request(target: target, delay: delay, performedByUs: performedByUs), epoch: target.hasEpochs ? old : nil,
            at: Sample.start)
    }

    private static func restarting(_ target: RestartTarget) -> Sentinel {
        var sentinel = armed(target)
        _ = sentinel.on(.examined(currentEpoch: target == .exec ? nil : old, isSeen: true), at: 10)
        return sentinel
    }

    private static let events: [(String, Sentinel.Event)] = [
        ("look", .examined(currentEpoch: old, isSeen: true)),
        ("settled", .epochSettled(new)),
        ("same", .epochSettled(old)),
        ("refused", .restartRefused(reason: "denied")),
        ("gaveUp", .targetGaveUp(reason: "start limit")),
        ("ok", .commandEnded(.exited(code: 0))),
        ("failed", .commandEnded(.exited(code: 3))),
        ("signal", .commandEnded(.signalled(number: 9))),
        ("notStarted", .commandEnded(.notStarted(reason: "no such file"))),
        ("start", .daemonStarted),
        ("cancel", .cancelled),
    ]

    /// By every event, 10 s after the request and again 20 min after it: what is not named stays.
    private static let moves: [(String, Sentinel, [String: String], [String: String])] = [
        (
            "armed", armed(), ["look": "restarting", "settled": "fired", "gaveUp": "targetFailed", "cancel": "cancelled"],
            ["look": "expired", "settled": "expired", "gaveUp": "targetFailed", "cancel": "cancelled"]
        ),
        (
            "observed", armed(performedByUs: false), ["settled": "fired", "gaveUp": "targetFailed", "cancel": "cancelled"],
            ["settled": "fired", "gaveUp": "targetFailed", "cancel": "cancelled"]
        ),
        (
            "restarting", restarting(.unit("web.service")),
            ["settled": "fired", "refused": "notRestarted", "gaveUp": "targetFailed", "cancel": "cancelled"],
            ["look": "expired", "settled": "expired", "refused": "notRestarted", "gaveUp": "targetFailed", "cancel": "cancelled"]
        ),
        (
            "command armed", armed(.exec), ["look": "restarting", "gaveUp": "targetFailed", "cancel": "cancelled"],
            ["look": "expired", "gaveUp": "targetFailed", "cancel": "cancelled"]
        ),
        (
            "nothing", armed(.nothing, performedByUs: false),
            ["look": "fired", "gaveUp": "targetFailed", "cancel": "cancelled"],
            ["look": "fired", "gaveUp": "targetFailed", "cancel": "cancelled"]
        ),
        (
            "command", restarting(.exec),
            [
                "refused": "notRestarted", "gaveUp": "targetFailed", "ok": "fired", "failed": "targetFailed",
                "signal": "targetFailed", "notStarted": "notRestarted", "start": "fired", "cancel": "cancelled",
            ],
            [
                "refused": "notRestarted", "gaveUp": "targetFailed", "ok": "fired", "failed": "targetFailed",
                "signal": "targetFailed", "notStarted": "notRestarted", "start": "fired", "cancel": "cancelled",
            ]
        ),
    ]

    @Test("makes every move of the drawing and no other")
    func table() {
        for (name, sentinel, early, late) in Self.moves {
            for (word, event) in Self.events {
                for (seconds, expected) in [(10.0, early), (1200.0, late)] {
                    var moved = sentinel
                    _ = moved.on(event, at: seconds)
                    #expect(moved.stateName == expected[word] ?? sentinel.stateName, "\(name) on \(word) after \(seconds) s")
                }
            }
        }
    }

    @Test("an end answers nothing to anything")
    func ends() {
        for event in [Sentinel.Event.cancelled, .targetGaveUp(reason: "gone"), .epochSettled(Self.new)] {
            var ended = Self.armed()
            _ = ended.on(event, at: 1)
            let before = ended
            for (_, event) in Self.events {
                #expect(ended.on(event, at: 2).isEmpty)
                #expect(ended == before)
            }
        }
    }

    @Test("a due restart is marked before it is performed")
    func due() {
        var sentinel = Self.armed()
        #expect(
            sentinel.on(.examined(currentEpoch: Self.old, isSeen: true), at: 4) == [.examineAgain(after: .seconds(6))],
            "not yet")
        let directives = sentinel.on(.examined(currentEpoch: Self.old, isSeen: true), at: 10)
        #expect(directives == [.performRestart, .examineAgain(after: .seconds(600))])
        #expect(sentinel.state == .restarting)
        #expect(sentinel.on(.examined(currentEpoch: Self.old, isSeen: true), at: 11) == [.examineAgain(after: .seconds(599))])
    }

    @Test("where nothing restarts, the wake is owed when its delay is over, and after a day it is too late")
    func nothing() {
        var sentinel = Self.armed(.nothing, performedByUs: false)
        #expect(sentinel.on(.examined(currentEpoch: nil, isSeen: false), at: 4) == [.examineAgain(after: .seconds(6))])
        #expect(sentinel.on(.epochSettled(Self.new), at: 5).isEmpty)
        #expect(sentinel.on(.examined(currentEpoch: nil, isSeen: false), at: 10) == [.owe])
        #expect(sentinel.state == .fired(.asked))
        var late = Self.armed(.nothing, performedByUs: false)
        let told = late.on(.examined(currentEpoch: nil, isSeen: false), at: 90_000)
        #expect(told == [.report(.didNotHappen(reason: "nobody was there to wake it in time"))])
        #expect(!Sample.request(target: .nothing, performedByUs: true).problems.isEmpty)
    }

    @Test("a restart that the target made by itself is not made again")
    func alreadyHappened() {
        var sentinel = Self.armed()
        #expect(sentinel.on(.examined(currentEpoch: Self.new, isSeen: true), at: 10) == [.examineAgain(after: .seconds(600))])
        #expect(sentinel.on(.epochSettled(Self.new), at: 15) == [.owe])
        #expect(sentinel.state == .fired(.restartedElsewhere))
    }

    @Test("what an earlier life knew of a target moves nothing until the target is seen")
    func unseen() {
        var sentinel = Self.armed()
        #expect(sentinel.on(.examined(currentEpoch: Self.old, isSeen: false), at: 10) == [.examineAgain(after: .seconds(600))])
        #expect(sentinel.state == .armed)
    }

    @Test("more than 5 min late it is not carried out, and the requester is told")
    func late() {
        var sentinel = Self.armed()
        let directives = sentinel.on(.examined(currentEpoch: Self.old, isSeen: true), at: 311)
        #expect(sentinel.stateName == "notRestarted")
        guard case .report(.didNotHappen(let reason))? = directives.first else {
            Issue.record("nobody is told: \(directives)")
            return
        }
        #expect(reason.contains("too late"))
    }

    @Test("a command that runs longer than its sentinel lives is let run, without looking at it")
    func longCommand() {
        var sentinel = Self.restarting(.exec)
        #expect(sentinel.on(.examined(currentEpoch: nil, isSeen: true), at: 5000).isEmpty)
        #expect(sentinel.state == .restarting)
    }

    @Test("without a recorded epoch the first that is seen counts as the one before")
    func firstSeen() {
        var sentinel = Sentinel(Sample.request(delay: .seconds(60)), epoch: nil, at: Sample.start)
        #expect(sentinel.on(.epochSettled(Self.old), at: 1).isEmpty)
        #expect(sentinel.state == .armed)
        #expect(sentinel.on(.epochSettled(Self.new), at: 2) == [.owe])
    }

    @Test("what was asked for before the clock was set, in another boot, ends all the same")
    func unknownAge() {
        var unset = Sample.start
        unset.clockSynchronised = false
        var own = Sentinel(Sample.request(delay: .seconds(10), at: unset), epoch: nil, at: unset)
        let later = Sample.nextBoot(after: 30)
        _ = own.handle(.examined(currentEpoch: nil, isSeen: true), at: later, policy: Sample.policy)
        #expect(own.stateName == "notRestarted", "nobody knows how late it is")
        var observed = Sentinel(Sample.request(performedByUs: false, at: unset), epoch: Self.old, at: unset)
        let directives = observed.handle(.examined(currentEpoch: Self.old, isSeen: true), at: later, policy: Sample.policy)
        #expect(directives == [.examineAgain(after: .seconds(86_400))], "its lifetime counts anew")
    }

    @Test("while the clock is not set nothing expires")
    func clockNotSet() {
        var sentinel = Self.armed()
        let later = Sample.nextBoot(after: 100_000, synchronised: false)
        #expect(sentinel.handle(.examined(currentEpoch: Self.old, isSeen: true), at: later, policy: Sample.policy).isEmpty)
        #expect(sentinel.state == .armed)
    }
}

extension Sentinel {
    mutating func on(_ event: Event, at seconds: Double) -> [Directive] {
        handle(event, at: Sample.after(seconds), policy: Sample.policy)
    }
}
