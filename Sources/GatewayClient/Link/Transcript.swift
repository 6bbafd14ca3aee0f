import GatewayProtocol
import OpenClawFacts
import WakeCore

/// A line of a session's transcript, as `chat.history` gives it.
struct Transcript: Hashable, Sendable {
    /// How many lines are asked for.
    static let maximumCount = 200

    /// Why there is none.
    struct Missing: Error {
        var words: String
    }

    /// `user`, `assistant`, …
    var role: String
    /// What it says, its parts joined.
    var text: String
    /// When, in milliseconds since 1970; nil where it does not say.
    var at: Int64?

    /// Reads the answer, oldest first as it comes.
    static func lines(of payload: JSONValue?) -> [Transcript]? {
        payload?["messages"]?.array?.map { message in
            let at = (message["timestamp"] ?? message["ts"])?.integer
            return Transcript(role: message["role"]?.string ?? "", text: SessionMessage.text(of: message), at: at)
        }
    }
}

extension GatewayLink {
    /// The last lines of a session's transcript; nil where the gateway could not give them now.
    func transcript(of session: SessionKey, _ connection: GatewayConnection) async -> Result<[Transcript]?, Transcript.Missing> {
        let methods = connection.hello.methods
        guard methods.isEmpty || methods.contains("chat.history") else {
            return .failure(.init(words: "this gateway has no chat.history"))
        }
        do {
            let params: JSONValue = [
                "sessionKey": .string(session.description), "limit": .integer(Int64(Transcript.maximumCount)),
            ]
            return .success(Transcript.lines(of: try await connection.call("chat.history", params)))
        } catch let fault as GatewayFault where fault.code != .unavailable {
            return .failure(.init(words: "chat.history: \(fault.inWords)"))
        } catch {
            return .success(nil)
        }
    }
}
