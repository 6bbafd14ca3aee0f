import Testing

@Suite("The arrows between the rooms")
struct ArrowTests {
    /// Which of our rooms each room may know. An arrow that is not here is not there.
    static let arrows: [String: Set<String>] = [
        "CExecutor": [], "CLedgerShim": [], "CLinux": [], "CSystemd": [], "CZlib": [],
        "WakeCore": [],
        "WakeService": ["WakeCore", "CLinux"],
        "DiscordProtocol": ["WakeCore"],
        "GatewayProtocol": ["WakeCore"],
        "ReveilleConfiguration": ["WakeCore"],
        "OpenClawFacts": ["WakeCore", "ReveilleConfiguration"],
        "RunStates": ["WakeCore"],
        "Schedules": ["WakeCore"],
        "NetSupport": ["CZlib", "CExecutor"],
        "LedgerSQLite": ["WakeCore", "WakeService", "CLedgerShim", "CLinux"],
        "DiscordTransport": ["WakeCore", "WakeService", "DiscordProtocol", "NetSupport", "CZlib"],
        "SystemdSupport": ["WakeCore", "WakeService", "CSystemd", "CLinux"],
        "ControlServer": ["WakeCore", "WakeService", "GatewayProtocol", "NetSupport"],
        "GatewayClient": [
            "WakeCore", "WakeService", "GatewayProtocol", "DiscordProtocol", "OpenClawFacts", "NetSupport",
        ],
        "AgentRunner": ["WakeCore", "WakeService", "CLinux"],
        "HookRunner": ["WakeCore", "WakeService", "CLinux"],
        "RunStateFiles": ["WakeCore", "WakeService", "RunStates"],
        "Installation": [], "embed-units": [],
        // What Discord is, it knows by itself: it must not share a mistake with the client that it judges.
        "DiscordLoopback": ["NetSupport", "CZlib"],
        // The same with what an OpenClaw gateway is.
        "OpenClawLoopback": ["NetSupport"],
        "WakeTesting": ["WakeCore", "WakeService"],
        "WakeSimulator": ["WakeCore", "WakeService", "WakeTesting"],
        "simulate": ["WakeSimulator"],
    ]

    /// The only rooms that know more than one adapter.
    static let compositionRoots: Set<String> = ["ReveilleCommand"]
    static let adapters: Set<String> = [
        "LedgerSQLite", "DiscordTransport", "SystemdSupport", "ControlServer", "GatewayClient", "RunStateFiles",
        "AgentRunner", "HookRunner",
    ]

    private static let sources = SourceTree.files(in: "Sources")

    @Test("every room imports only what its arrows allow")
    func rooms() {
        #expect(Self.sources.count > 50)
        let ours = Set(Self.arrows.keys).union(Self.compositionRoots)
        for file in Self.sources {
            #expect(ours.contains(file.room), "\(file.path): the room has no arrows yet; add them here")
            guard let allowed = Self.arrows[file.room] else { continue }
            for module in file.imports where ours.contains(module) {
                #expect(allowed.contains(module), "\(file.path) imports \(module)")
            }
        }
    }

    @Test("no adapter knows another")
    func adaptersApart() {
        for adapter in Self.adapters { #expect(Self.arrows[adapter]?.isDisjoint(with: Self.adapters) == true, "\(adapter)") }
    }

    @Test("the core imports nothing at all")
    func core() {
        for file in Self.sources where file.room == "WakeCore" { #expect(file.imports.isEmpty, "\(file.path)") }
    }

    @Test("protocols do no input or output")
    func pure() {
        let allowed: Set<String> = ["WakeCore", "Foundation", "FoundationEssentials"]
        for file in Self.sources where file.room.hasSuffix("Protocol") {
            for module in file.imports { #expect(allowed.contains(module), "\(file.path) imports \(module)") }
        }
    }

    @Test("what is known of gateways is known without input, output or a clock")
    func facts() {
        for file in Self.sources where file.room == "OpenClawFacts" {
            for module in file.imports {
                #expect(["WakeCore", "ReveilleConfiguration"].contains(module), "\(file.path) imports \(module)")
            }
        }
    }

    @Test("the simulator can't reach a real clock, real dice, or a file")
    func simulator() {
        let banned = ["ContinuousClock", "SuspendingClock", "SystemRandomNumberGenerator", ".random(", "Task.sleep", "Date("]
        for file in Self.sources where ["WakeSimulator", "WakeTesting", "WakeCore"].contains(file.room) {
            for module in file.imports {
                #expect(
                    ["WakeCore", "WakeService", "WakeTesting", "Synchronization"].contains(module),
                    "\(file.path) imports \(module)")
            }
            #expect(file.lines(with: banned).isEmpty)
        }
    }

    @Test("the simulator is one thread")
    func oneThread() {
        for file in Self.sources where file.room == "WakeSimulator" {
            #expect(file.lines(with: ["async ", "await ", "Task {", "Thread"]).isEmpty)
        }
    }
}
