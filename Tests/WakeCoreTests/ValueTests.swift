import Testing

@testable import WakeCore

@Suite("Moments")
struct MomentTests {
    @Test("within a boot, boottime decides whatever the wall clock does")
    func sameBoot() {
        var later = Sample.after(10)
        later.wallMilliseconds -= 86_400_000
        later.clockSynchronised = false
        #expect(later.elapsed(since: Sample.start) == .seconds(10))
        #expect(Sample.start.elapsed(since: later) == .zero, "never negative")
    }

    @Test("across boots the wall clock decides, and only where it was set both times")
    func acrossBoots() {
        #expect(Sample.nextBoot(after: 40).elapsed(since: Sample.start) == .seconds(40))
        #expect(Sample.nextBoot(after: -40).elapsed(since: Sample.start) == .zero)
        #expect(Sample.nextBoot(after: 40, synchronised: false).elapsed(since: Sample.start) == nil)
        var unset = Sample.start
        unset.clockSynchronised = false
        #expect(Sample.nextBoot(after: 40).elapsed(since: unset) == nil)
    }

    @Test("durations out of range stay at the bounds")
    func bounds() {
        #expect(Duration.seconds(Int64.max).wholeMicroseconds == .max)
        #expect(Duration.seconds(Int64.min).wholeMicroseconds == .min)
        #expect(
            Duration(secondsComponent: 9_223_372_036_854, attosecondsComponent: 999_999_000_000_000_000).wholeMicroseconds == .max
        )
        #expect(Sample.start.advanced(by: .seconds(Int64.max)).boottimeMicroseconds == .max)
    }

    @Test("a boot id is the same with and without dashes")
    func bootID() { #expect(BootID("AB-12\n") == BootID("ab12")) }
}

@Suite("Identifiers")
struct IdentifierTests {
    @Test("an identifier is 22 characters of base 62 and reads back")
    func text() throws {
        for (high, low) in [(0, 0), (UInt64.max, UInt64.max), (1, 0), (0x0123_4567_89AB_CDEF, 42)] as [(UInt64, UInt64)] {
            let id = Identifier(high: high, low: low)
            #expect(id.description.count == 22)
            #expect(Identifier(id.description) == id)
        }
        #expect(Identifier("short") == nil)
        #expect(Identifier(String(repeating: "-", count: 22)) == nil)
        #expect(Identifier(high: 0, low: 61).description.last == "z")
        #expect(Identifier(high: 0, low: 62).description.hasSuffix("10"))
        #expect(Identifier(high: 1, low: 0) > Identifier(high: 0, low: .max))
    }

    @Test("dice of different seeds and their successive identifiers all differ, and the same seed falls alike")
    func uniqueness() {
        var seen: Set<Identifier> = []
        for seed in 0..<2000 as Range<UInt64> {
            var dice = Dice(high: seed, low: 1)
            for _ in 0..<3 { #expect(seen.insert(dice.identifier()).inserted) }
        }
        var first = Dice(high: 5, low: 6)
        var second = Dice(high: 5, low: 6)
        #expect(first.identifier() == second.identifier())
        #expect(first.fraction() == second.fraction())
    }

    @Test("a nonce has at most 25 characters in every round, and no two rounds share one")
    func nonce() {
        var delivery = Delivery(
            id: DeliveryID(wake: Sample.id(1), kind: .turn), session: Sample.key(), route: Sample.route, sequence: 1,
            at: Sample.start)
        var seen: Set<String> = []
        for round in 0..<3844 {
            delivery.round = round
            #expect(delivery.nonce.utf8.count <= 25)
            #expect(seen.insert(delivery.nonce).inserted)
            #expect(DeliveryID(String(delivery.nonce.prefix(23))) == delivery.id, "an echo tells its delivery")
        }
    }

    @Test("a delivery's name reads back")
    func deliveryID() {
        for kind in DeliveryKind.allCases {
            let id = DeliveryID(wake: Sample.id(99), kind: kind)
            #expect(DeliveryID(id.description) == id)
        }
        #expect(DeliveryID("x") == nil)
        #expect(DeliveryID(Sample.id(1).description + "q") == nil)
    }
}

@Suite("Backoff")
struct BackoffTests {
    @Test("the bound doubles from 250 ms to 60 s, and jitter falls anywhere below it")
    func bounds() {
        let backoff = Backoff()
        for (failures, milliseconds) in [(1, 250), (2, 500), (3, 1000), (8, 32_000), (9, 60_000), (1000, 60_000)] {
            let most = backoff.wait(failures: failures, retryAfter: nil, jitter: UnitFraction(1))
            #expect(most <= .milliseconds(milliseconds) && most > .milliseconds(milliseconds - 1))
            #expect(backoff.wait(failures: failures, retryAfter: nil, jitter: UnitFraction(0)) == .zero)
        }
    }

    @Test("Retry-After always wins, within a day")
    func retryAfter() {
        let backoff = Backoff()
        #expect(backoff.wait(failures: 9, retryAfter: .milliseconds(3), jitter: UnitFraction(0.9)) == .milliseconds(3))
        #expect(backoff.wait(failures: 1, retryAfter: .seconds(7200), jitter: UnitFraction(0)) == .seconds(7200))
        #expect(backoff.wait(failures: 1, retryAfter: .seconds(-5), jitter: UnitFraction(0)) == .zero)
        #expect(backoff.wait(failures: 1, retryAfter: .seconds(Int64.max), jitter: UnitFraction(0)) == Limits.retryAfter)
    }

    @Test("a fraction is in 0..<1")
    func fraction() {
        #expect(UnitFraction(.nan).value == 0)
        #expect(UnitFraction(-3).value == 0)
        #expect(UnitFraction(7).value < 1)
    }
}

@Suite("The restart schedule")
struct RestartScheduleTests {
    private func schedule(_ now: Moment, recorded: Epoch? = .token("a"), current: Epoch? = .token("a")) -> RestartSchedule {
        .of(
            requestedAt: Sample.start, delay: .seconds(30), recorded: recorded, current: current, now: now,
            maximumLateness: .seconds(300))
    }

    @Test("waits, is due, and is too late")
    func time() {
        #expect(schedule(Sample.after(29)) == .notYet(remaining: .seconds(1)))
        #expect(schedule(Sample.after(30)) == .due)
        #expect(schedule(Sample.after(330)) == .due)
        #expect(schedule(Sample.after(330.001)) == .tooLate)
    }

    @Test("another epoch than the recorded one means that it has happened, whatever the time")
    func epochs() {
        #expect(schedule(Sample.after(1), current: .token("b")) == .alreadyHappened)
        #expect(schedule(Sample.after(1000), current: .token("b")) == .alreadyHappened)
        #expect(schedule(Sample.after(30), current: nil) == .due)
        #expect(schedule(Sample.after(30), recorded: nil) == .due)
    }

    @Test("without a clock nothing is decided")
    func clock() { #expect(schedule(Sample.nextBoot(after: 40, synchronised: false)) == .clockUnknown) }

    @Test("a gateway's start may be off by 2 s and be the same")
    func tolerance() {
        let first = Epoch.startedAt(boot: Sample.boot, microseconds: 10_000_000)
        #expect(!Epoch.startedAt(boot: Sample.boot, microseconds: 12_000_000).differs(from: first))
        #expect(Epoch.startedAt(boot: Sample.boot, microseconds: 12_000_001).differs(from: first))
        #expect(Epoch.startedAt(boot: BootID("other"), microseconds: 10_000_000).differs(from: first))
    }
}

@Suite("Timers")
struct TimersTests {
    @Test("come due in the order of a sorted list")
    func heap() {
        var random = Dice(high: 3, low: 4)
        var timers = Timers()
        var sorted: [Int64] = []
        for _ in 0..<400 {
            let due = Int64(random.fraction().value * 1000)
            timers.insert(Timer(dueMicroseconds: due, subject: .hold(DeliveryID(wake: random.identifier(), kind: .notice))))
            sorted.append(due)
        }
        sorted.sort()
        #expect(timers.nextDueMicroseconds == sorted.first)
        for now in stride(from: 0 as Int64, to: 1100, by: 37) {
            #expect(timers.due(upToMicroseconds: now).map(\.dueMicroseconds) == sorted.filter { $0 <= now })
            timers.removeAll(upToMicroseconds: now)
            sorted.removeAll { $0 <= now }
            #expect(timers.nextDueMicroseconds == sorted.first)
        }
        #expect(sorted.isEmpty)
    }
}

@Suite("Names of places")
struct PlaceTests {
    @Test("a channel's name has a transport and an account")
    func channels() {
        #expect(ChannelName("discord:default")?.account == "default")
        #expect(ChannelName("gateway:main/discord:work")?.transport == "discord")
        for bad in ["", "discord", "discord:", ":x", "a b:c", "discord:a:b", String(repeating: "x", count: 130) + ":a"] {
            #expect(ChannelName(bad) == nil, "\(bad)")
        }
    }

    @Test("a route and a target read back as they print")
    func roundTrips() {
        for text in ["discord:default/channel:1234", "gateway:main/discord:work/user:7"] {
            #expect(Route(text)?.description == text)
        }
        for bad in ["discord:default", "discord:default/thread:1", "discord:default/channel:", "discord:default/channel:a b"] {
            #expect(Route(bad) == nil, "\(bad)")
        }
        for text in ["self", "host", "exec", "unit:nginx.service", "unit:system/nginx.service", "gateway:main"] {
            #expect(RestartTarget(text)?.description == text)
        }
        for bad in ["", "unit", "unit:", "pod:x"] { #expect(RestartTarget(bad) == nil, "\(bad)") }
    }

    @Test("a request says everything that is wrong with it")
    func problems() {
        var request = Sample.request(delay: .seconds(601), owes: [], session: Sample.key("agent:a:main"))
        request.note = " \n\u{3000}"
        #expect(request.problems.count == 4, "\(request.problems)")
        request = Sample.request(target: .exec)
        request.command = nil
        #expect(request.problems.count == 1)
        request.command = .init(arguments: ["x\0y"], directory: "/")
        #expect(request.problems.first?.contains("zero byte") == true)
        #expect(Sample.request(target: .exec).problems.isEmpty)
    }
}
