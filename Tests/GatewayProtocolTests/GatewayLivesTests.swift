import Foundation
import GatewayProtocol
import Testing
import WakeCore

@Suite("The lives of a gateway")
struct GatewayLivesTests {
    private static let boot = BootID("b1")

    private static func at(_ seconds: Double, _ boot: BootID = boot) -> Moment {
        Moment(wallMilliseconds: 1_800_000_000_000, boot: boot, boottimeMicroseconds: Int64(seconds * 1_000_000))
    }

    /// A process that began at that second lets us in: asked then, answered after as long, its uptime read in the middle.
    private static func greet(
        _ lives: inout GatewayLives, began: Double, at seconds: Double, took: Double = 0.01, _ boot: BootID = boot
    ) -> GatewayLives.Sighting {
        lives.greeted(
            uptimeMilliseconds: Int64((seconds + took / 2 - began) * 1_000), asked: at(seconds, boot),
            answered: at(seconds + took, boot), nobodyListened: false)
    }

    /// Lets us in without telling its uptime.
    private static func greetSilently(
        _ lives: inout GatewayLives, at seconds: Double, uptime: Int64? = nil, nobodyListened: Bool = false
    ) -> GatewayLives.Sighting {
        lives.greeted(
            uptimeMilliseconds: uptime, asked: at(seconds), answered: at(seconds + 0.01), nobodyListened: nobodyListened)
    }

    private func isNew(_ sighting: GatewayLives.Sighting, settled: Bool = true) -> Bool {
        if case .new(_, settled) = sighting { true } else { false }
    }

    @Test("one process is one life over many connections, however long its answers take")
    func same() {
        var lives = GatewayLives()
        #expect(isNew(Self.greet(&lives, began: 100, at: 130, took: 3)))
        let epoch = lives.life?.epoch
        for (index, took) in [0.001, 4, 0.2, 7, 0, 3].enumerated() {
            #expect(Self.greet(&lives, began: 100, at: 140 + Double(index) * 600, took: took) == .same)
        }
        #expect(lives.life?.epoch == epoch)
    }

    @Test("a process that began later is another life", arguments: [102.0, 110, 90_000])
    func new(began: Double) throws {
        var lives = GatewayLives()
        _ = Self.greet(&lives, began: 100, at: 101)
        let before = try #require(lives.life?.epoch)
        #expect(isNew(Self.greet(&lives, began: began, at: began + 1)))
        let after = try #require(lives.life)
        #expect(after.epoch.differs(from: before) && abs(after.beganMicroseconds - Int64(began * 1_000_000)) < 20_000)
        #expect(Self.greet(&lives, began: began, at: began + 9) == .same)
    }

    @Test("of two that overlap the older is left, and does not make the newer a new one")
    func overlap() {
        var lives = GatewayLives()
        #expect(isNew(Self.greet(&lives, began: 100, at: 150)))
        #expect(isNew(Self.greet(&lives, began: 200, at: 201)))
        #expect(Self.greet(&lives, began: 100, at: 202) == .older)
        #expect(Self.greet(&lives, began: 200, at: 203) == .same)
        #expect(Self.greet(&lives, began: 100, at: 204, took: 5) == .older)
        var fresh = GatewayLives()
        #expect(isNew(Self.greet(&fresh, began: 200, at: 201)))
        #expect(Self.greet(&fresh, began: 100, at: 202) == .older, "though it was never met before")
    }

    @Test("an answer that took so long that it could be either is the one that is known")
    func unclear() {
        var lives = GatewayLives()
        _ = Self.greet(&lives, began: 100, at: 101)
        #expect(Self.greet(&lives, began: 103, at: 110, took: 20) == .same)
        #expect(isNew(Self.greet(&lives, began: 103, at: 140)), "a quick answer tells them apart")
    }

    @Test("a process that said goodbye and is still the same has begun anew within itself: not settled, then the same")
    func withinItself() throws {
        var lives = GatewayLives()
        _ = Self.greet(&lives, began: 100, at: 101)
        let before = try #require(lives.life?.epoch)
        lives.saidGoodbye(at: Self.at(300))
        lives.saidGoodbye(at: Self.at(301))
        #expect(lives.life?.goodbyeAt == Self.at(300))
        let sighting = Self.greet(&lives, began: 100, at: 302)
        let life = try #require(lives.life)
        #expect(sighting == .new(life.epoch, isSettled: false) && life.epoch.differs(from: before))
        #expect(life.beganMicroseconds == 300_000_000 && life.goodbyeAt == nil)
        #expect(Self.greet(&lives, began: 100, at: 310) == .same)
    }

    @Test("a process that lets us in once more after its goodbye and then ends gives way to the next, which is settled")
    func diesAfterGoodbye() throws {
        var lives = GatewayLives()
        _ = Self.greet(&lives, began: 100, at: 101)
        lives.saidGoodbye(at: Self.at(300))
        #expect(isNew(Self.greet(&lives, began: 100, at: 300.1), settled: false))
        let between = try #require(lives.life?.epoch)
        #expect(isNew(Self.greet(&lives, began: 301, at: 302)))
        #expect(lives.life?.epoch.differs(from: between) == true)
        #expect(Self.greet(&lives, began: 100, at: 303) == .older)
    }

    @Test("a goodbye before anybody was met is nothing")
    func goodbyeOfNobody() {
        var lives = GatewayLives()
        lives.saidGoodbye(at: Self.at(1))
        #expect(lives == GatewayLives())
    }

    @Test("a boot is another life, whatever boottime and uptime say", arguments: [10.0, 100, 5_000])
    func boot(began: Double) throws {
        var lives = GatewayLives()
        _ = Self.greet(&lives, began: 100, at: 101)
        lives.saidGoodbye(at: Self.at(300))
        let before = try #require(lives.life?.epoch)
        #expect(isNew(Self.greet(&lives, began: began, at: began + 1, BootID("b2"))))
        #expect(lives.life?.epoch.differs(from: before) == true && lives.life?.epoch.boot == BootID("b2"))
        #expect(Self.greet(&lives, began: began, at: began + 5, BootID("b2")) == .same)
    }

    @Test("epochs of lives that follow at once differ to the core too, and are not those of lives to come")
    func epochsDiffer() throws {
        var lives = GatewayLives()
        var epochs: [Epoch] = []
        for number in 0..<5 {
            #expect(isNew(Self.greet(&lives, began: 100 + Double(number) * 0.6, at: 100.1 + Double(number) * 0.6)))
            epochs.append(try #require(lives.life?.epoch))
        }
        for (index, epoch) in epochs.enumerated() {
            for other in epochs[..<index] { #expect(epoch.differs(from: other)) }
        }
        #expect(isNew(Self.greet(&lives, began: 300, at: 301)))
    }

    @Test("what is kept is the same when it is read again, and goes on where it was")
    func codable() throws {
        for goodbye in [nil, Self.at(200)] {
            var lives = GatewayLives()
            _ = Self.greet(&lives, began: 100, at: 101)
            if let goodbye { lives.saidGoodbye(at: goodbye) }
            var read = try JSONDecoder().decode(GatewayLives.self, from: JSONEncoder().encode(lives))
            #expect(read == lives)
            #expect((Self.greet(&read, began: 100, at: 250) == .same) == (goodbye == nil))
        }
        var silent = GatewayLives()
        _ = Self.greetSilently(&silent, at: 100)
        #expect(try JSONDecoder().decode(GatewayLives.self, from: JSONEncoder().encode(silent)) == silent)
        #expect(try JSONDecoder().decode(GatewayLives.self, from: JSONEncoder().encode(GatewayLives())) == GatewayLives())
    }

    // MARK: Without an uptime

    @Test("without an uptime only a goodbye, or that nobody listened, tells a new life; a goodbye alone is not settled")
    func silent() {
        var lives = GatewayLives()
        #expect(isNew(Self.greetSilently(&lives, at: 100)))
        #expect(Self.greetSilently(&lives, at: 200) == .same)
        #expect(isNew(Self.greetSilently(&lives, at: 300, nobodyListened: true)))
        #expect(Self.greetSilently(&lives, at: 400) == .same)
        lives.saidGoodbye(at: Self.at(500))
        #expect(isNew(Self.greetSilently(&lives, at: 501), settled: false))
        lives.saidGoodbye(at: Self.at(600))
        #expect(isNew(Self.greetSilently(&lives, at: 601, nobodyListened: true)))
    }

    @Test("that nobody listened for a moment is no new life where the uptime tells that it is the same")
    func nobodyListened() {
        var lives = GatewayLives()
        _ = Self.greet(&lives, began: 100, at: 101)
        let uptime: Int64 = 100_005
        #expect(Self.greetSilently(&lives, at: 200, uptime: uptime, nobodyListened: true) == .same)
    }

    @Test("an uptime that can't be is none", arguments: [-1, .min, .max, 1_000 * 365 * 86_400_000 + 1] as [Int64])
    func absurd(uptime: Int64) {
        var lives = GatewayLives()
        #expect(isNew(Self.greetSilently(&lives, at: 100, uptime: uptime)))
        #expect(Self.greetSilently(&lives, at: 200, uptime: uptime) == .same)
        #expect(isNew(Self.greetSilently(&lives, at: 300, uptime: uptime, nobodyListened: true)))
    }

    @Test("a gateway that is up longer than our own machine is believed")
    func elsewhere() {
        var lives = GatewayLives()
        #expect(isNew(Self.greet(&lives, began: -10_000_000, at: 100)))
        #expect(Self.greet(&lives, began: -10_000_000, at: 200) == .same)
        #expect(isNew(Self.greet(&lives, began: 210, at: 220)))
    }

    @Test("a process that tells its uptime only later is the same, not an older one that is left for good")
    func toldLater() {
        var lives = GatewayLives()
        #expect(isNew(Self.greetSilently(&lives, at: 200)))
        #expect(Self.greet(&lives, began: 100, at: 201) == .same)
        #expect(Self.greetSilently(&lives, at: 202) == .same)
        #expect(Self.greet(&lives, began: 50, at: 203) == .older, "by now its start is known")
        #expect(isNew(Self.greet(&lives, began: 204, at: 205)))
        var other = GatewayLives()
        #expect(isNew(Self.greetSilently(&other, at: 200)))
        #expect(isNew(Self.greet(&other, began: 220, at: 230)), "it began after the other was seen")
    }
}

@Suite("Any lives of a gateway")
struct GatewayLivesPropertyTests {
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    /// The slowest answer, in microseconds.
    private static let slowest: Int64 = 3_000_000
    /// By how much the starts of two processes differ at least: less can't be told apart through answers that slow.
    private static let apart = 2 * slowest + GatewayLives.slackMicroseconds + 2_000

    /// A gateway whose processes follow one another, overlap, and are ended by boots; and what is known of it.
    private struct World {
        var random: Generator
        var lives = GatewayLives()
        var boot = 1
        var now: Int64 = 50_000_000
        /// When each process of this boot began.
        var starts: [Int64] = [1_000_000]
        /// The newest process that was met in this boot.
        var met: Int?
        var epochs: [Epoch] = []

        mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &random) == 0 }

        func moment(_ microseconds: Int64) -> Moment {
            Moment(wallMilliseconds: 0, boot: BootID("b\(boot)"), boottimeMicroseconds: microseconds)
        }

        /// Time passes, and perhaps the gateway or the machine begins anew.
        mutating func pass() {
            now += Int64.random(in: 0...40_000_000, using: &random)
            if chance(25) {
                (boot, now, starts, met) = (boot + 1, Int64.random(in: 5_000_000...90_000_000, using: &random), [], nil)
                starts = [now - Int64.random(in: 0...4_000_000, using: &random)]
            } else if chance(3) {
                if chance(2), met == starts.count - 1 { lives.saidGoodbye(at: moment(now)) }
                let start = max(now, (starts.last ?? 0) + GatewayLivesPropertyTests.apart)
                starts.append(start)
                now = start + Int64.random(in: 0...2_000_000, using: &random)
            }
        }

        /// Connects, mostly to the newest process, and to one that drains where that has not said goodbye.
        mutating func connect() -> (process: Int, GatewayLives.Sighting) {
            var process = starts.count - 1
            if process > 0, lives.life?.goodbyeAt == nil, chance(4) { process -= 1 }
            let took = Int64.random(in: 0...GatewayLivesPropertyTests.slowest, using: &random)
            let read = now + Int64.random(in: 0...took, using: &random)
            let sighting = lives.greeted(
                uptimeMilliseconds: (read - starts[process]) / 1_000, asked: moment(now), answered: moment(now + took),
                nobodyListened: chance(5))
            now += took
            return (process, sighting)
        }
    }

    @Test("no life is missed, and none is invented", arguments: 0..<200 as Range<UInt64>)
    func lives(seed: UInt64) throws {
        var world = World(random: Generator(state: seed))
        for step in 0..<300 {
            world.pass()
            let (process, sighting) = world.connect()
            let words = Comment(rawValue: "seed \(seed), step \(step), process \(process) of \(world.starts.count)")
            guard process >= world.met ?? -1 else {
                #expect(sighting == .older, words)
                continue
            }
            guard process != world.met else {
                #expect(sighting == .same, words)
                continue
            }
            world.met = process
            let epoch = try #require(world.lives.life?.epoch)
            try #require(sighting == .new(epoch, isSettled: true), words)
            if let last = world.epochs.last { #expect(epoch.differs(from: last), words) }
            world.epochs.append(epoch)
        }
        #expect(world.epochs.count > 20)
    }
}
