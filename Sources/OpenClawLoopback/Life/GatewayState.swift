import Foundation
import NetSupport

/// Everything that the gateway knows.
struct GatewayState {
    let options: OpenClawOptions
    let log: OpenClawLog
    var life = Life()
    /// Gone until it is started again.
    var isStopped = false
    var book: Book
    var config: ConfigFile
    var faults: Set<OpenClawFault>
    var lastRestart: ContinuousClock.Instant?

    init(_ options: OpenClawOptions, _ log: OpenClawLog) throws(OpenClawLoopbackError) {
        self.options = options
        self.log = log
        do {
            try FileManager.default.createDirectory(atPath: options.stateDirectory, withIntermediateDirectories: true)
        } catch {
            throw OpenClawLoopbackError(
                .file, "The state directory \(options.stateDirectory) can't be made", cause: "\(error)",
                hint: "Name a directory that you may write to.")
        }
        book = try Book.load(from: options.stateDirectory)
        config = try ConfigFile(in: options.stateDirectory, port: options.port, token: options.token)
        faults = Set(options.faults)
    }

    /// Writes the book down; nothing that is promised is told before.
    func save() {
        do { try book.save(to: options.stateDirectory) } catch { log.record("state_error", ["message": .string("\(error)")]) }
    }

    /// Whether that fault is to happen now; it is over then.
    mutating func take(_ fault: OpenClawFault) -> Bool {
        guard faults.remove(fault) != nil else { return false }
        log.record("fault", ["fault": .string(fault.rawValue)])
        return true
    }

    // MARK: - Sending

    /// Sends an event to everybody who is authenticated.
    mutating func broadcast(_ event: String, _ payload: JSON) {
        for id in life.connections.keys where life.connections[id]?.phase == .authenticated {
            life.connections[id]?.broadcast(event, payload)
        }
    }

    /// Answers a call, if its connection is still there.
    mutating func answer(_ call: Call, _ payload: JSON?, _ error: Refusal? = nil) {
        guard life.isOn, life.number == call.life, life.connections[call.connection]?.phase == .authenticated else { return }
        let frame = Frame.answer(call.id, payload: payload, error: error)
        if take(.answersWrongOrder) {
            life.connections[call.connection]?.hold(frame)
        } else if take(.splitFrames) {
            life.connections[call.connection]?.sendSplit(frame)
        } else {
            life.connections[call.connection]?.answer(frame)
        }
    }

    // MARK: - Lives

    mutating func beginLife(port: Int, jobs: AsyncStream<Life.Job>.Continuation) {
        book.lives += 1
        save()
        life = Life(number: book.lives, jobs: jobs)
        log.enter(life: life.number)
        log.record("listening", ["port": JSON(port)])
        log.record("life")
        let number = life.number
        life.hasStarted = !options.isSlowToStart
        if options.discordReadyAfter == .zero { discordBecomesReady() }
        if let delay = options.discordReadyAfter, delay > .zero {
            life.spawn { gateway in
                guard await gateway.wait(delay) else { return }
                _ = gateway.inLife(number) { $0.discordBecomesReady() }
            }
        }
        life.spawn { await $0.tick(number) }
        life.spawn { await $0.startUp(number) }
    }

    mutating func discordBecomesReady() {
        guard life.isOn, !life.isDiscordReady else { return }
        life.isDiscordReady = true
        life.discordReadyAt = unixMilliseconds()
        log.record("discord_ready")
    }

    /// Ends the life in order: those who are authenticated are told, those in the handshake are merely let go.
    mutating func shutDown(cause: String, reason: String, expectedMilliseconds: Int?) {
        guard life.isOn else { return }
        broadcast("shutdown", ["reason": .string(reason), "restartExpectedMs": expectedMilliseconds.map { JSON($0) } ?? .null])
        let isBare = take(.closeWithoutCode)
        for id in life.connections.keys {
            switch life.connections[id]?.phase {
            case .authenticated: life.connections[id]?.close(isBare ? nil : 1012, isBare ? "" : "service restart")
            case .handshake: life.connections[id]?.close(1000, "")
            case .closing, nil: break
            }
        }
        endLife(cause: cause, reason: reason)
    }

    /// Ends the life as SIGKILL would: connections end without a close frame.
    mutating func dropDead() {
        guard life.isOn else { return }
        for peer in life.connections.values { peer.socket.drop(reset: false) }
        endLife(cause: "killed", reason: "killed")
    }

    private mutating func endLife(cause: String, reason: String) {
        for (run, session) in life.runs.sorted(by: { $0.key < $1.key }) {
            log.record(
                "turn_end", ["session": .string(session), "run": .string(run), "outcome": "cut-off"])
        }
        log.record("life_end", ["cause": .string(cause), "reason": .string(reason)])
        life.end()
    }
}

extension Gateway {
    /// Sends `tick` for as long as the life goes on.
    fileprivate func tick(_ number: Int) async {
        while await wait(.milliseconds(options.tickMilliseconds)) {
            _ = inLife(number) { $0.broadcast("tick", ["ts": JSON(unixMilliseconds())]) }
        }
    }

    /// What a process does after its port is open.
    fileprivate func startUp(_ number: Int) async {
        if options.isSlowToStart {
            guard await wait(options.startingFor) else { return }
            _ = inLife(number) { $0.life.hasStarted = true }
        }
        guard await wait(options.sentinelDelay) else { return }
        switch options.generation {
        case .march2026: await consumeSentinelFile(number)
        case .newest: await settleDebts(number)
        }
    }
}
