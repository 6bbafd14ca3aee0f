import NetSupport

/// One WebSocket, as the gateway sees it.
struct Peer {
    enum Phase { case handshake, authenticated, closing }

    let socket: WebServerSocket
    /// Its number in this life, as the client is told.
    let number: Int
    let nonce: String
    /// Unix milliseconds, as in the challenge.
    let challengedAt: Int
    var phase = Phase.handshake
    var scopes: Set<String> = []
    /// It is told of every line of every transcript.
    var hearsSessions = false
    private var sequence = 0
    /// An answer that waits for the next one.
    private var held: JSON?

    init(socket: WebServerSocket, number: Int, nonce: String, challengedAt: Int) {
        self.socket = socket
        self.number = number
        self.nonce = nonce
        self.challengedAt = challengedAt
    }

    func send(_ frame: JSON) { socket.post(text: Array(frame.text.utf8)) {} }

    /// Sends an event that goes to everybody: only such are numbered.
    mutating func broadcast(_ event: String, _ payload: JSON) {
        sequence += 1
        send(Frame.event(event, payload, seq: sequence))
    }

    /// Sends an answer whole, and one that was held back after it.
    mutating func answer(_ frame: JSON) {
        send(frame)
        if let held { send(held) }
        held = nil
    }

    mutating func hold(_ frame: JSON) { held = frame }

    func sendSplit(_ frame: JSON) {
        let bytes = Array(frame.text.utf8)
        let third = bytes.count / 3
        socket.post(fragments: [Array(bytes[..<third]), Array(bytes[third..<(2 * third)]), Array(bytes[(2 * third)...])])
    }

    /// Closes; without a code the close frame is empty. Of the reason goes out what fits (RFC 6455, section 5.5).
    mutating func close(_ code: UInt16?, _ reason: String) {
        phase = .closing
        socket.close(code: code, reason: String(decoding: reason.utf8.prefix(123), as: UTF8.self), grace: .seconds(1))
    }
}
