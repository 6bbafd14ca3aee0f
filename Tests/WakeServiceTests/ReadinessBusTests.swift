import Testing
import WakeCore
import WakeService

@Suite("The readiness bus", .timeLimit(.minutes(1)))
struct ReadinessBusTests {
    private let channel = ChannelName.discord()

    @Test("a watcher sees the last value first, though it came too late for it")
    func lastValueFirst() async {
        let bus = ReadinessBus()
        bus.report(channel, .connecting)
        bus.report(channel, .ready(generation: 3))
        var reports = bus.watch().makeAsyncIterator()
        #expect(await reports.next() == .channel(channel, .ready(generation: 3)))
        bus.report(channel, .connecting)
        #expect(await reports.next() == .channel(channel, .connecting))
    }

    @Test("equal states in a row are one, and a channel that nobody reported is unknown")
    func equalStates() async {
        let bus = ReadinessBus()
        var reports = bus.watch(channel).makeAsyncIterator()
        #expect(bus.state(of: channel) == .unknown)
        for _ in 1...3 { bus.report(channel, .connecting) }
        bus.report(channel, .blocked(reason: "token"))
        #expect(await reports.next() == .channel(channel, .connecting))
        #expect(await reports.next() == .channel(channel, .blocked(reason: "token")))
    }

    @Test("who watches one channel hears of no other, and of no receipt")
    func oneChannel() async {
        let bus = ReadinessBus()
        let other = ChannelName.discord("other")
        var mine = bus.watch(channel).makeAsyncIterator()
        var all = bus.watch().makeAsyncIterator()
        let delivery = DeliveryID(wake: Identifier(high: 1, low: 1), kind: .notice)
        bus.report(other, .connecting)
        bus.reportReceipt(delivery, Receipt(id: "1", source: .echo))
        bus.report(channel, .connecting)
        #expect(await mine.next() == .channel(channel, .connecting))
        #expect(await all.next() == .channel(other, .connecting))
        #expect(await all.next() == .receipt(delivery, Receipt(id: "1", source: .echo)))
    }

    @Test("no update is lost while many publish and watchers come: each ends with the last value")
    func concurrent() async {
        for _ in 1...20 {
            let bus = ReadinessBus()
            await withTaskGroup(of: Void.self) { group in
                for account in 0..<4 {
                    let name = ChannelName.discord("a\(account)")
                    group.addTask {
                        for generation in 1...200 as ClosedRange<UInt64> { bus.report(name, .ready(generation: generation)) }
                    }
                    group.addTask {
                        var last: UInt64 = 0
                        for await report in bus.watch(name) {
                            guard case .channel(name, .ready(let generation)) = report else { continue }
                            #expect(generation > last, "in order")
                            last = generation
                            if generation == 200 { break }
                        }
                    }
                }
            }
        }
    }

    @Test("a watcher whose task is cancelled ends, and the bus goes on for the others")
    func watcherEnds() async {
        let bus = ReadinessBus()
        let reports = bus.watch(channel)
        let watcher = Task { for await _ in reports {} }
        watcher.cancel()
        await watcher.value
        var others = bus.watch(channel).makeAsyncIterator()
        bus.report(channel, .connecting)
        #expect(await others.next() == .channel(channel, .connecting))
    }
}
