import DiscordProtocol
import DiscordTransport

extension DiscordSettings {
    /// Waits that suit a server on the same machine.
    mutating func hurry(handshakeTimeout: Duration) {
        gateway.handshakeTimeout = handshakeTimeout
        gateway.backoff.base = .milliseconds(20)
        requestTimeout = .seconds(10)
        // Nothing may depend on it: the gateway's machine has its own limit, and a stop waits for neither.
        upgradeTimeout = .seconds(3600)
    }
}
