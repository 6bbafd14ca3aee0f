internal import WakeCore
internal import WakeTesting

/// A run state on disk, and the agent that works by it.
struct RunFile {
    let path: String
    let session: SessionKey
    var operation = 0
    var step = 0
    let steps = 4
    var isPending = false
    /// When the work went on last.
    var progressedAt: Int64 = 0
    /// The same by the wall clock, as the file has it.
    var progressedAtWall: Int64 = 0

    var fingerprint: String { "\(operation)-\(step)" }
}

/// Run states: agents that work by them, forget to, and take them up again when they are woken.
extension World {
    func makeWorks() {
        for index in 0..<plan.runStates {
            works.append(RunFile(path: "/runs/\(index).json", session: plan.sessions[index % plan.sessions.count]))
        }
    }

    /// The daemon of this life looks at all of them.
    func lookAtWorks() {
        for index in works.indices { plan(.workLook(life: life, index), after: span(1, 500)) }
    }

    func lookAtWork(_ index: Int) {
        let file = works[index]
        let work = WorkInHand(
            operation: "op-\(file.operation)", path: file.path, session: file.session,
            route: file.session.route ?? plan.routes[0],
            goal: "a goal", steps: (0..<file.steps).map { .init(text: "step \($0)", isDone: $0 < file.step) },
            nextStep: file.step,
            progressedAt: file.progressedAtWall)
        handOver(.workSeen(path: file.path, file.isPending ? work : nil, fingerprint: file.fingerprint))
    }

    private func changed(_ index: Int) {
        works[index].progressedAt = time
        works[index].progressedAtWall = now.wallMilliseconds
        checkers.workWentOn(works[index])
        if runner != nil { plan(.workLook(life: life, index), after: span(1, 50)) }
    }

    /// An agent begins something, or goes on with it by itself.
    func workByItself() {
        guard machineIsUp, !works.isEmpty else { return }
        let index = random.below(works.count)
        guard works[index].isPending else {
            works[index].operation += 1
            works[index].step = 0
            works[index].isPending = true
            log("\(works[index].path): operation \(works[index].operation) begins")
            return changed(index)
        }
        advance(index)
    }

    func workGoesOn(_ index: Int, _ operation: Int) {
        guard machineIsUp, works[index].isPending, works[index].operation == operation else { return }
        advance(index)
    }

    private func advance(_ index: Int) {
        works[index].step += 1
        if works[index].step == works[index].steps { works[index].isPending = false }
        log("\(works[index].path): \(works[index].isPending ? "step \(works[index].step)" : "done")")
        changed(index)
    }

    /// The agent of a session was woken: mostly it goes on.
    func agentWorks(_ session: SessionKey) {
        for index in works.indices where works[index].session == session && works[index].isPending {
            if isCalm || random.percent(60) {
                plan(.workGoesOn(index, operation: works[index].operation), after: isCalm ? span(100, 5_000) : span(100, 900_000))
            }
        }
    }
}
