/// Something that goes wrong on demand. Each happens once and is over then, unless it says otherwise.
public enum OpenClawFault: String, Sendable, Hashable, CaseIterable {
    /// `channels.status` says that Discord is connected, whatever the truth. Until the faults are cleared.
    case connectedAlwaysTrue = "connected-always-true"
    /// `channels.status` says that Discord is not connected, whatever the truth. Until the faults are cleared.
    case connectedAlwaysFalse = "connected-always-false"
    /// The next `send` posts its message and never answers.
    case sendAnswerWithheld = "send-answer-withheld"
    /// The next `send` is answered twice.
    case sendAnsweredTwice = "send-answered-twice"
    /// The next `send` posts its message, and its answer has both a payload and an error.
    case sendErrorAndPayload = "send-error-and-payload"
    /// The next connection gets no `connect.challenge`.
    case noChallenge = "no-challenge"
    /// The next answer waits for the one after it on the same connection.
    case answersWrongOrder = "answers-wrong-order"
    /// The next answer comes in three WebSocket frames.
    case splitFrames = "split-frames"
    /// The next restart closes its connections with a close frame that has no code.
    case closeWithoutCode = "close-without-code"
    /// The next `connect` meets a gateway of protocol 5.
    case protocolFive = "protocol-five"
}
