import Foundation
import NetSupport

// What happens on one WebSocket, from the challenge to the end.
extension Gateway {
    func serve(_ socket: WebServerSocket, _ messages: WebServerMessages) async {
        guard withState({ $0.connected(socket) }) else { return socket.drop(reset: false) }
        do {
            for try await message in messages {
                guard case .text(let text) = message else { continue }
                withState { $0.received(text, from: socket.id) }
            }
        } catch {
            // The peer is gone, which is noted below.
        }
        withState { $0.disconnected(socket.id) }
    }
}

extension GatewayState {
    /// Takes a connection in and challenges it; false where there is no life to take it into.
    fileprivate mutating func connected(_ socket: WebServerSocket) -> Bool {
        guard life.isOn else { return false }
        life.lastConnection += 1
        let peer = Peer(
            socket: socket, number: life.lastConnection, nonce: UUID().uuidString.lowercased(),
            challengedAt: unixMilliseconds())
        life.connections[socket.id] = peer
        log.record("connect", ["conn": JSON(peer.number)])
        if !take(.noChallenge) {
            peer.send(
                Frame.event("connect.challenge", ["nonce": .string(peer.nonce), "ts": JSON(peer.challengedAt)]))
        }
        let (id, number) = (socket.id, life.number)
        life.spawn { gateway in
            guard await gateway.wait(gateway.options.handshakeLimit) else { return }
            _ = gateway.inLife(number) { $0.handshakeTimedOut(id) }
        }
        return true
    }

    private mutating func handshakeTimedOut(_ id: UInt64) {
        if life.connections[id]?.phase == .handshake { life.connections[id]?.close(1000, "") }
    }

    fileprivate mutating func disconnected(_ id: UInt64) {
        guard let peer = life.connections.removeValue(forKey: id) else { return }
        log.record("disconnect", ["conn": JSON(peer.number)])
    }

    fileprivate mutating func received(_ text: String, from id: UInt64) {
        guard life.isOn, let peer = life.connections[id] else { return }
        switch peer.phase {
        case .closing: return
        case .handshake: shakeHands(JSON(parsing: text), peer)
        case .authenticated:
            guard let frame = JSON(parsing: text), frame["type"] != "cancel" else { return }
            received(frame, from: id)
        }
    }

    // MARK: - The handshake

    private mutating func shakeHands(_ frame: JSON?, _ peer: Peer) {
        let id = frame?["id"]?.filled ?? "invalid"
        do throws(Handshake.Failure) {
            guard let frame, frame["type"] == "req", frame["id"]?.filled != nil, frame["method"] == "connect" else {
                throw .init(
                    refusal: .invalid("invalid handshake: first request must be connect"), code: 1008,
                    reason: "invalid handshake: first request must be connect")
            }
            guard life.hasStarted else { throw .init(refusal: .starting, code: 1013, reason: "gateway starting") }
            let number = take(.protocolFive) ? 5 : options.generation.protocolNumber
            let handshake = Handshake(
                params: frame["params"] ?? [:], peer: peer, token: options.token, protocolNumber: number)
            let scopes = try handshake.scopes()
            let client = frame["params"]?["client"]?["id"]?.string ?? ""
            life.connections[peer.socket.id]?.phase = .authenticated
            life.connections[peer.socket.id]?.scopes = scopes
            log.record("hello", ["conn": JSON(peer.number), "client": .string(client), "scopes": JSON(scopes.sorted())])
            peer.socket.allowLargeMessages()
            peer.send(Frame.answer(id, payload: hello(peer, scopes, number, role: frame["params"]?["role"]), error: nil))
        } catch {
            log.record(
                "refused",
                ["conn": JSON(peer.number), "code": .string(error.refusal.code), "message": .string(error.refusal.message)])
            peer.send(Frame.answer(id, payload: nil, error: error.refusal))
            life.connections[peer.socket.id]?.close(error.code, error.reason)
        }
    }

    private func hello(_ peer: Peer, _ scopes: Set<String>, _ number: Int, role: JSON?) -> JSON {
        let methods = Method.all.filter { !$0.value.isNewest || options.generation == .newest }.keys.sorted()
        return [
            "type": "hello-ok", "protocol": JSON(number),
            "server": ["version": .string(options.generation.version), "connId": .string("conn-\(life.number)-\(peer.number)")],
            "features": [
                "methods": JSON(methods), "events": ["connect.challenge", "tick", "shutdown", "chat", "config.changed"],
            ],
            "snapshot": .members([
                "presence": [], "health": [:], "stateVersion": ["presence": 1, "health": 1],
                "uptimeMs": JSON(life.uptimeMilliseconds), "configPath": .string(config.path),
                "stateDir": .string(options.stateDirectory), "authMode": "token",
                "sessionDefaults": [
                    "defaultAgentId": "main", "mainKey": "main", "mainSessionKey": .string(Self.mainSession),
                    "scope": "per-sender",
                ],
                "appliedConfigHash": options.generation == .newest ? .string(config.hash) : nil,
            ]),
            "auth": ["role": role ?? "operator", "scopes": JSON(scopes.sorted())],
            "policy": [
                "maxPayload": JSON(OpenClawLoopbackServer.maximumPayloadBytes), "maxBufferedBytes": 52_428_800,
                "tickIntervalMs": JSON(options.tickMilliseconds),
            ],
        ]
    }
}
