import ControlServer
import GatewayProtocol
import Synchronization
import SystemdSupport
import WakeCore
import WakeService

/// What we show on the message bus: ourselves, and an object for each channel. To be read and watched; nothing can be changed here.
final class BusFace: Sendable {
    static let name = "io.github.reveille.Reveille1"
    static let path = "/io/github/reveille/Reveille1"
    static let interface = "io.github.reveille.Reveille1"
    static let channelInterface = "io.github.reveille.Reveille1.Channel"
    private static let properties = "org.freedesktop.DBus.Properties"

    private struct Shown {
        var channels: [ChannelName: (state: ChannelState, since: Moment)] = [:]
        var outlook = Outlook()
        var status = "recovering the ledger"
        var buses: [Bus] = []
        var isRecovered = false
        /// Where news of the control plane go.
        var publish: (@Sendable (GatewayEvent) -> Void)?
    }

    private let shown = Mutex(Shown())

    /// What is served; hand it to a bus.
    var objects: BusObjects {
        BusObjects(prefix: Self.path) { [weak self] request in self?.answer(request) ?? .unknown }
    }

    /// Changes are told over this bus as well.
    func tell(over bus: Bus) { shown.withLock { $0.buses.append(bus) } }

    /// News go there as well.
    func tell(_ publish: @escaping @Sendable (GatewayEvent) -> Void) { shown.withLock { $0.publish = publish } }

    /// Tells news to those who listen at the control plane; to nobody before there is one.
    func publish(_ event: GatewayEvent) { shown.withLock(\.publish)?(event) }

    /// The channels as they are now, by name.
    var channels: [(name: ChannelName, state: ChannelState, since: Moment)] {
        shown.withLock { shown in
            shown.channels.sorted { $0.key < $1.key }.map { ($0.key, $0.value.state, $0.value.since) }
        }
    }

    /// What deliveries wait for, as far as channels tell it.
    var gates: Gates {
        Gates(
            isDaemonUp: true, channels: shown.withLock { shown in shown.channels.mapValues(\.state) }, routes: [:])
    }

    /// How a channel is, in words.
    func words(_ name: ChannelName) -> String { shown.withLock { $0.channels[name]?.state.words } ?? "not known" }

    func show(_ name: ChannelName, _ state: ChannelState, since: Moment) {
        let (buses, isNew, isChange) = shown.withLock { shown in
            let before = shown.channels.updateValue((state, since), forKey: name)
            return (shown.buses, before == nil, before?.state != state)
        }
        if isChange { publish(DeskEvents.changed(name, state, at: since)) }
        for bus in buses {
            emit(bus, Self.path(of: name), Self.channelInterface, Self.members(name, state, since))
            if isNew { emit(bus, Self.path, Self.interface, members().filter { $0.0 == "Channels" }) }
        }
    }

    func show(_ outlook: Outlook) {
        let (buses, isChange) = shown.withLock { shown in
            let isChange = shown.outlook != outlook || !shown.isRecovered
            shown.isRecovered = true
            shown.outlook = outlook
            return (isChange ? shown.buses : [], isChange)
        }
        if isChange { publish(DeskEvents.health(outlook, isReady: health.isReady)) }
        for bus in buses { emit(bus, Self.path, Self.interface, members().filter { $0.0 != "Channels" && $0.0 != "Version" }) }
    }

    func show(_ status: String) {
        let buses = shown.withLock { shown in
            shown.status = status
            return shown.buses
        }
        for bus in buses { emit(bus, Self.path, Self.interface, [("Status", .string(status))]) }
    }

    /// How we are, for those who ask over HTTP.
    var health: ControlServer.Health {
        shown.withLock { shown in
            ControlServer.Health(
                isRecovered: shown.isRecovered,
                channels: shown.channels.sorted { $0.key < $1.key }.map { ($0.key.description, $0.value.state.isReady) },
                status: shown.status)
        }
    }

    private func emit(_ bus: Bus, _ path: String, _ interface: String, _ changed: [(String, BusValue)]) {
        bus.emit(
            BusSignal(
                path: path, interface: Self.properties, member: "PropertiesChanged",
                arguments: [.string(interface), .properties(changed), .array(of: "s", [])]))
    }

    // MARK: What it holds

    private func members() -> [(String, BusValue)] {
        shown.withLock { shown in
            [
                ("Version", .string(Version.text)), ("Status", .string(shown.status)),
                ("WakesPending", .uint32(UInt32(clamping: shown.outlook.openWakes))),
                ("SentinelsOpen", .uint32(UInt32(clamping: shown.outlook.openSentinels))),
                ("Unresolved", .uint32(UInt32(clamping: shown.outlook.unresolved))),
                (
                    "Channels",
                    .array(
                        of: "(so)",
                        shown.channels.keys.sorted().map {
                            .structure([.string($0.description), .path(Self.path(of: $0))])
                        })
                ),
            ]
        }
    }

    private static func members(_ name: ChannelName, _ state: ChannelState, _ since: Moment) -> [(String, BusValue)] {
        var (word, generation, reason) = (state.words, UInt64(0), "")
        switch state {
        case .ready(let number): generation = number
        case .down(let why, _): (word, reason) = ("down", why)
        case .blocked(let why): (word, reason) = ("blocked", why)
        case .unknown, .connecting: break
        }
        return [
            ("Name", .string(name.description)), ("State", .string(word)), ("Generation", .uint64(generation)),
            ("Since", .uint64(UInt64(clamping: since.wallMilliseconds * 1000))), ("Reason", .string(reason)),
        ]
    }

    /// Letters and digits as they are, all else as `_` and two hexadecimal digits. Rule: sd_bus_path_encode(3).
    private static func path(of name: ChannelName) -> String {
        path + "/channel/"
            + name.description.utf8.map { byte in
                let isPlain = (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) || (byte >= 0x30 && byte <= 0x39)
                guard !isPlain else { return String(UnicodeScalar(byte)) }
                return "_" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }.joined()
    }

    private func object(at path: String) -> (interface: String, members: [(String, BusValue)])? {
        if path == Self.path { return (Self.interface, members()) }
        let found = shown.withLock { $0.channels }.first { Self.path(of: $0.key) == path }
        return found.map { (Self.channelInterface, Self.members($0.key, $0.value.state, $0.value.since)) }
    }

    // MARK: What it is asked

    private func answer(_ request: BusObjects.Request) -> BusObjects.Answer {
        switch (request.interface, request.member) {
        case (Self.properties, "GetAll"):
            guard let object = object(at: request.path) else { return .unknown }
            return .reply([.properties(request.arguments.first?.text == object.interface ? object.members : [])])
        case (Self.properties, "Get"):
            guard let object = object(at: request.path), request.arguments.count == 2 else { return .unknown }
            guard let value = object.members.first(where: { $0.0 == request.arguments[1].text })?.1 else {
                return .error(
                    BusError(
                        name: "org.freedesktop.DBus.Error.UnknownProperty",
                        message: "there is no property \(request.arguments[1].text ?? "")"))
            }
            return .reply([.variant(value)])
        case (Self.properties, "Set"):
            return .error(
                BusError(
                    name: "org.freedesktop.DBus.Error.PropertyReadOnly",
                    message: "nothing can be set here; use the reveille command"))
        case ("org.freedesktop.DBus.Introspectable", "Introspect"), ("", "Introspect"):
            return introspection(of: request.path).map { .reply([.string($0)]) } ?? .unknown
        default: return .unknown
        }
    }

    /// Rule: D-Bus specification, "Introspection Data Format".
    private func introspection(of path: String) -> String? {
        var children: [String] = []
        if path == Self.path { children = ["channel"] }
        if path == Self.path + "/channel" {
            children = shown.withLock { $0.channels.keys.sorted() }.map { String(Self.path(of: $0).dropFirst(path.count + 1)) }
        }
        let object = object(at: path)
        guard object != nil || !children.isEmpty else { return nil }
        let properties = object.map { object in
            "<interface name=\"\(object.interface)\">"
                + object.members.map { "<property name=\"\($0.0)\" type=\"\($0.1.signature)\" access=\"read\"/>" }.joined()
                + "</interface><interface name=\"\(Self.properties)\">"
                + "<method name=\"Get\"><arg type=\"s\" direction=\"in\"/><arg type=\"s\" direction=\"in\"/><arg type=\"v\" direction=\"out\"/></method>"
                + "<method name=\"GetAll\"><arg type=\"s\" direction=\"in\"/><arg type=\"a{sv}\" direction=\"out\"/></method>"
                + "<signal name=\"PropertiesChanged\"><arg type=\"s\"/><arg type=\"a{sv}\"/><arg type=\"as\"/></signal></interface>"
        }
        return "<node>" + (properties ?? "") + children.map { "<node name=\"\($0)\"/>" }.joined() + "</node>"
    }
}
