import GatewayProtocol
import Logging
import OpenClawFacts
import WakeCore
import WakeService

/// What people write in its sessions: whoever has a person to talk to does not stand still unseen.
extension GatewayLink {
    private static let subscription = "sessions.subscribe"

    /// Asks to be told of what is written, as long as the connection lasts. Gateways of March 2026 can't.
    func askForMessages(_ connection: GatewayConnection) async {
        let methods = connection.hello.methods
        guard methods.isEmpty || methods.contains(Self.subscription) else {
            return logger.info(
                "what people write is not heard here: this gateway has no \(Self.subscription)",
                metadata: [LogKey.place: "\(settings.target)"])
        }
        while !Task.isCancelled, connection.closed == nil {
            do {
                _ = try await connection.call(Self.subscription, [:])
                return
            } catch let fault as GatewayFault where fault.code != .unavailable {
                return logger.info(
                    "what people write is not heard here",
                    metadata: [LogKey.place: "\(settings.target)", LogKey.reason: "\(Self.subscription): \(fault.inWords)"])
            } catch {
                // It starts, or the connection has ended.
                await moments.wait(untilBoottimeMicroseconds: moments.now().advanced(by: .seconds(1)).boottimeMicroseconds)
            }
        }
    }

    /// A line was added to a transcript. Only a line that begins a turn is a sign of one.
    func heardMessage(_ event: GatewayEvent) {
        guard let message = SessionMessage(event.payload) else { return runBell.ring() }
        guard message.role == "user" else { return }
        runBell.ring()
        if message.isFromPerson { report(.sessionActive(message.session)) }
    }
}
