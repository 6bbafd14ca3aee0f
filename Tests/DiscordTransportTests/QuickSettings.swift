import DiscordProtocol
import DiscordTransport

extension DiscordSettings {
    /// Waits that suit a server on the same machine.
    mutating func hurry(handshakeTimeout: Duration) {
        gateway.handshakeTimeout = handshakeTimeout
        gateway.backoff.base = .milliseconds(20)
        requestTimeout = .seconds(10)
    }
}
