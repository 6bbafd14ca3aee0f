internal import WakeCore
internal import WakeTesting

/// What one seed decides before anything happens.
struct Plan {
    var policy = Policy()
    var sessions: [SessionKey] = []
    var routes: [Route] = []
    var accounts: [ChannelName] = [.discord(), .discord("second")]
    /// How many run states there are.
    var runStates = 0
    /// How many jobs are added at most.
    var jobs = 0
    /// Chance in percent that the daemon is cut off somewhere in one event.
    var crashPercent = 3
    /// Chance in percent that a request to Discord meets with a fault.
    var sendFaultPercent = 45

    init(_ random: inout SplitMix) {
        policy.wakeHold = random.pick([.seconds(7 * 86_400), .seconds(3600), .seconds(900)])
        policy.deliveryBudget = random.pick([.seconds(86_400), .seconds(600), .seconds(30)])
        policy.escalateAfter = random.pick([.seconds(600), .seconds(60)])
        policy.unclearNotice = random.percent(70) ? .preferDelivery : .preferOnce
        policy.unclearTurn = random.percent(85) ? .preferOnce : .preferDelivery
        policy.targetSettle = random.percent(80) ? .seconds(5) : .zero
        policy.restartMaxLate = random.pick([.seconds(300), .seconds(20)])
        policy.loopWakes = random.pick([3, 3, 1])
        crashPercent = random.pick([1, 3, 8])
        sendFaultPercent = random.pick([10, 45, 80])
        let keys = [
            "agent:infra:discord:channel:101", "agent:main:discord:channel:102", "agent:ops:discord:channel:101:thread:103",
            "agent:main:main",
        ]
        sessions = keys.prefix(1 + random.below(4)).compactMap { try? SessionKey($0) }
        for destination in ["101", "102", "103"] {
            routes.append(Route(channel: accounts[0], kind: .channel, destination: destination))
        }
        routes.append(Route(channel: accounts[1], kind: .channel, destination: "201"))
        routes.append(Route(channel: accounts[1], kind: .user, destination: "202"))
        if random.percent(40) {
            for agent in ["infra", "main"].prefix(1 + random.below(2)) { policy.commandAgents[agent] = 1 + random.below(2) }
        }
        if random.percent(40) { runStates = 1 + random.below(2) }
        if random.percent(50) { jobs = 1 + random.below(4) }
        if random.percent(30) { policy.fallbackRoute = routes[4] }
        if random.percent(50) {
            let target = random.pick([RestartTarget.unit("web.service"), .unit("bot.service"), .host])
            policy.watches[target] = sessions.prefix(1 + random.below(2)).map {
                Policy.Watch(session: $0, route: $0.route ?? routes[0])
            }
        }
    }
}
