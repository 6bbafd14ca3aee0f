import Foundation

/// A turn of an agent that is to begin.
struct Turn {
    let session: String
    let message: String
    /// What began it: `agent`, `chat`, `wake` or `test`.
    let source: String
    var run = UUID().uuidString.lowercased()
    /// Where the reply is posted.
    var route: Route?
    /// A turn that does not end by itself.
    var isEndless = false
    /// Who is told of the end.
    var onEnd: (@Sendable (Gateway, Result<String, Refusal>) -> Void)?
}

extension GatewayState {
    static let mainSession = "agent:main:main"

    /// Where a session was last spoken with; or what its key says.
    func route(of session: String) -> Route? {
        book.sessions[session]?.route ?? Route(sessionKey: session, account: options.account)
    }

    mutating func addSystemEvent(_ text: String, to session: String) {
        life.systemEvents[session, default: []].append(text)
        log.record("system_event", ["session": .string(session), "text": .string(text)])
    }

    /// Begins a turn: its message is in the transcript, on disk, when this returns.
    mutating func beginTurn(_ turn: Turn) {
        let events = life.systemEvents.removeValue(forKey: turn.session) ?? []
        let text = (events.map { "System: \($0)" } + [turn.message]).joined(separator: "\n\n")
        append("user", text, to: turn.session)
        life.runs[turn.run] = turn.session
        log.record(
            "turn",
            [
                "session": .string(turn.session), "run": .string(turn.run), "text": .string(text), "source": .string(turn.source),
            ])
        guard !turn.isEndless else { return }
        let number = life.number
        life.spawn { await $0.finish(turn, number) }
    }

    /// Adds to a transcript; a session that is not there yet is made.
    private mutating func append(_ role: String, _ text: String, to session: String) {
        addSession(session)
        let now = unixMilliseconds()
        book.sessions[session]?.transcript.append(.init(role: role, text: text, timestamp: now))
        book.sessions[session]?.updatedAt = now
        save()
        tellOfLine(role, text, in: session, at: now)
    }

    /// Tells those who asked to be told; events to some only bear no number.
    private mutating func tellOfLine(_ role: String, _ text: String, in session: String, at now: Int) {
        let event: JSON = [
            "sessionKey": .string(session), "messageSeq": JSON(book.sessions[session]?.transcript.count ?? 0),
            "message": [
                "role": .string(role), "content": [["type": "text", "text": .string(text)]], "timestamp": JSON(now),
            ],
        ]
        for peer in life.connections.values where peer.phase == .authenticated && peer.hearsSessions {
            peer.send(Frame.event("session.message", event, seq: nil))
        }
    }

    /// Makes a session unless it is there.
    mutating func addSession(_ key: String, label: String? = nil, route: Route? = nil) {
        if book.sessions[key] == nil {
            book.sessions[key] = .init(
                id: UUID().uuidString.lowercased(), updatedAt: unixMilliseconds(),
                route: Route(sessionKey: key, account: options.account))
        }
        if let label { book.sessions[key]?.label = label }
        if let route { book.sessions[key]?.route = route }
    }

    /// The agent has answered.
    fileprivate mutating func reply(to turn: Turn) -> String {
        let reply = "(agent) " + turn.message.prefix(200)
        append("assistant", reply, to: turn.session)
        return reply
    }

    fileprivate mutating func endTurn(_ turn: Turn) {
        guard life.runs.removeValue(forKey: turn.run) != nil else { return }
        log.record("turn_end", ["session": .string(turn.session), "run": .string(turn.run), "outcome": "done"])
    }
}

extension Gateway {
    fileprivate func finish(_ turn: Turn, _ number: Int) async {
        guard await wait(options.runLength), let reply = inLife(number, { $0.reply(to: turn) }) else { return }
        var outcome = Result<String, Refusal>.success(reply)
        if let route = turn.route {
            do throws(DiscordPoster.Failure) {
                _ = try await post(reply, to: route, source: "agent", life: number)
            } catch {
                outcome = .failure(.unavailable(error.why))
            }
        }
        _ = inLife(number) { $0.endTurn(turn) }
        turn.onEnd?(self, outcome)
    }
}
