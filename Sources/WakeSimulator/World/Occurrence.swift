internal import WakeCore

/// Something that will happen in the world.
enum Occurrence {
    /// The next fault, wish or accident.
    case chaos
    /// The supervisor starts the daemon.
    case daemonStarts
    /// Something reaches the daemon of that life; to any other it is lost.
    case event(life: Int, Event)
    /// A permit that was asked for is granted.
    case permit(life: Int, DeliveryID, token: Int)
    /// The daemon of that life looks into the inbox.
    case inboxLook(life: Int)
    /// A request reaches the far side.
    case arrival(SendOrder, answersTo: Int?)
    /// An answer reaches the daemon of that life.
    case answer(life: Int, DeliveryID, Outcome)
    /// A route is looked at by the far side.
    case routeLook(life: Int, Route)
    /// The far side reads its history.
    case historyRead(life: Int, SearchOrder)
    case briefing(life: Int, BriefingOrder)
    /// The outcome of a search reaches the daemon of that life.
    case searchAnswer(life: Int, DeliveryID, ReceiptSearch)
    /// A channel tries to connect again.
    case connecting(life: Int, account: Int)
    /// A connection attempt of a channel comes to its end.
    case connected(life: Int, account: Int)
    /// A channel's outage ends.
    case accountBack(Int)
    /// A unit comes up.
    case unitUp(Int, crashesLeft: Int, incident: Int)
    /// A unit crashes.
    case unitDown(Int, crashesLeft: Int, incident: Int)
    /// The daemon of that life sees a unit's epoch.
    case unitSeen(life: Int, Int)
    /// A command ends.
    case commandEnds(life: Int, SentinelID, Sentinel.CommandResult)
    /// The machine goes down for a restart that was asked for.
    case hostRestarts
    /// The disk has room again.
    case diskHasRoom
    /// The clock is set by the time server.
    case clockSet
    /// The fault ends.
    case placeRestored(Route)
    /// A turn that is a command ends, by its nonce.
    case turnOver(String)
    /// The daemon of that life reads a run state.
    case workLook(life: Int, Int)
    /// An agent goes on with an operation of a run state.
    case workGoesOn(Int, operation: Int)
}
