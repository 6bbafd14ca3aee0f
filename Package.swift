// swift-tools-version: 6.2
import PackageDescription

// Every target of ours is built alike. Warnings are errors where nobody is there to read them.
let house: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ] + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

// Products of the packages named at the end.
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let coreMetrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let collections: Target.Dependency = .product(name: "Collections", package: "swift-collections")
let niocore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioposix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let niohttp: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let niowebsocket: Target.Dependency = .product(name: "NIOWebSocket", package: "swift-nio")
let niotls: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")

func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: house)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: house)
}

let package = Package(
    name: "reveille",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "reveille", targets: ["ReveilleCommand"]),
        .executable(name: "simulate", targets: ["simulate"]),
        .library(name: "WakeCore", targets: ["WakeCore"]),
        .library(name: "WakeService", targets: ["WakeService"]),
        .library(name: "LedgerSQLite", targets: ["LedgerSQLite"]),
        .library(name: "ReveilleConfiguration", targets: ["ReveilleConfiguration"]),
        .library(name: "RunStates", targets: ["RunStates"]),
        .library(name: "SystemdSupport", targets: ["SystemdSupport"]),
        .library(name: "DiscordProtocol", targets: ["DiscordProtocol"]),
        .library(name: "GatewayProtocol", targets: ["GatewayProtocol"]),
        .library(name: "GatewayClient", targets: ["GatewayClient"]),
        .library(name: "ControlServer", targets: ["ControlServer"]),
        .library(name: "DiscordTransport", targets: ["DiscordTransport"]),
        .library(name: "DiscordLoopback", targets: ["DiscordLoopback"]),
        .library(name: "WakeTesting", targets: ["WakeTesting"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        // ── Ground floor: pure values and state machines; imports nothing ─────────────────────────
        room("WakeCore"),

        // ── The shell: drives the core, owns the tasks, declares the ports ────────────────────────
        room("WakeService", ["WakeCore", "CLinux", logging, metrics]),
        .systemLibrary(name: "CLinux"),

        // ── Pure protocols and shared plumbing ────────────────────────────────────────────────────
        room("DiscordProtocol", ["WakeCore"]),
        room("GatewayProtocol", ["WakeCore"]),
        room("ReveilleConfiguration", ["WakeCore", crypto]),
        room("RunStates", ["WakeCore"]),
        room("Schedules", ["WakeCore"]),
        room("OpenClawFacts", ["WakeCore", "ReveilleConfiguration"]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .systemLibrary(name: "CExecutor"),
        room("NetSupport", ["CExecutor", niocore, nioposix, niohttp, niowebsocket, niotls, logging]),

        // ── Adapters: one outside world each; none knows another ──────────────────────────────────
        .systemLibrary(name: "CLedgerShim", providers: [.apt(["libsqlite3-dev"])]),
        room("LedgerSQLite", ["WakeCore", "WakeService", "CLedgerShim", grdb, crypto]),
        room(
            "DiscordTransport",
            ["WakeCore", "WakeService", "DiscordProtocol", "NetSupport", httpClient, niocore, niohttp, nioposix, niotls, logging]),

        room("AgentRunner", ["WakeCore", "WakeService", "CLinux", subprocess, system, logging]),
        room("HookRunner", ["WakeCore", "WakeService", "CLinux", logging]),
        room("RunStateFiles", ["WakeCore", "WakeService", "RunStates"]),

        // Needs the headers of libsystemd-dev; the library itself is loaded when it is first used.
        .target(name: "CSystemd"),
        room("SystemdSupport", ["WakeCore", "WakeService", "CSystemd", "CLinux", logging]),

        room(
            "ControlServer",
            ["WakeCore", "WakeService", "GatewayProtocol", "NetSupport", niocore, niohttp, crypto, coreMetrics, logging]),
        room(
            "GatewayClient",
            [
                "WakeCore", "WakeService", "GatewayProtocol", "DiscordProtocol", "OpenClawFacts", "NetSupport", niocore, crypto,
                logging,
            ]),

        // ── What `reveille install` writes, and the plan of it. The files of units/ are put into it at each build ──
        // Its link to units/ lets the build see when a file there comes or goes.
        .target(
            name: "Installation", dependencies: [crypto], exclude: ["units"], swiftSettings: house, plugins: ["EmbedUnits"]),
        .plugin(name: "EmbedUnits", capability: .buildTool(), dependencies: ["embed-units"]),
        .executableTarget(name: "embed-units", swiftSettings: house),

        // ── Executables: the only place that knows more than one adapter ──────────────────────────
        .executableTarget(
            name: "ReveilleCommand",
            dependencies: [
                "WakeCore", "WakeService", "LedgerSQLite", "DiscordTransport", "DiscordProtocol", "DiscordLoopback",
                "OpenClawLoopback", "SystemdSupport", "ControlServer", "GatewayClient", "GatewayProtocol", "Installation",
                "OpenClawFacts", "RunStates", "RunStateFiles", "AgentRunner", "HookRunner", "Schedules",
                "ReveilleConfiguration", "NetSupport", arguments, lifecycle, signals, subprocess, system, logging, coreMetrics,
                crypto,
            ],
            swiftSettings: house,
            // Nobody looks symbols up in it by name; every start would pay for 40,000 of them (docs/decisions/0010).
            linkerSettings: [
                .unsafeFlags(["-Xlinker", "--no-export-dynamic"], .when(platforms: [.linux], configuration: .release))
            ]),

        // ── For tests, demos and other people's bots ──────────────────────────────────────────────
        room("DiscordLoopback", ["CZlib", "NetSupport", niocore, nioposix, niohttp, niowebsocket, niotls, logging, collections]),
        room("OpenClawLoopback", ["NetSupport", niocore, nioposix, niohttp, niowebsocket, crypto, logging]),
        room("WakeTesting", ["WakeCore", "WakeService"]),
        room("WakeSimulator", ["WakeCore", "WakeService", "WakeTesting"]),
        .executableTarget(name: "simulate", dependencies: ["WakeSimulator"], swiftSettings: house),

        // ── Tests, in the order of the rooms ──────────────────────────────────────────────────────
        tests("WakeCoreTests", ["WakeCore"]),
        tests("WakeServiceTests", ["WakeService", "WakeCore", "WakeTesting", logging]),
        tests("WakeTestingTests", ["WakeCore", "WakeService", "WakeTesting"]),
        tests("WakeSimulatorTests", ["WakeSimulator"]),
        tests("TidyTests", []),
        tests("DiscordLoopbackTests", ["DiscordLoopback", httpClient, niocore, niohttp, nioposix, niowebsocket]),
        tests("OpenClawLoopbackTests", ["OpenClawLoopback", "DiscordLoopback", "NetSupport", crypto, niocore, niohttp]),
        tests("InteropTests", ["DiscordLoopback"]),
        tests("LedgerSQLiteTests", ["LedgerSQLite", "WakeCore", "WakeService", "WakeTesting", grdb]),
        tests("ReveilleConfigurationTests", ["ReveilleConfiguration", "WakeCore"]),
        tests("AgentRunnerTests", ["AgentRunner", "WakeCore", "WakeService", "WakeTesting", logging, "ReveilleCommand"]),
        tests("SchedulesTests", ["Schedules", "WakeTesting"]),
        tests("RunStatesTests", ["RunStates", "WakeCore"]),
        tests("HookRunnerTests", ["HookRunner", "WakeCore", "WakeService", logging]),
        tests("RunStateFilesTests", ["RunStateFiles", "RunStates", "WakeCore"]),
        tests("OpenClawFactsTests", ["OpenClawFacts", "ReveilleConfiguration", "WakeCore"]),
        tests("DiscordProtocolTests", ["DiscordProtocol", "WakeCore"]),
        tests(
            "DiscordTransportTests",
            [
                "DiscordTransport", "DiscordProtocol", "DiscordLoopback", "NetSupport", "WakeCore", "WakeService", "WakeTesting",
                niocore, nioposix, niohttp, niowebsocket, niotls, crypto, logging,
            ]),
        tests("SystemdSupportTests", ["SystemdSupport", "WakeCore", "WakeService", "WakeTesting", logging]),
        tests("GatewayProtocolTests", ["GatewayProtocol", "WakeCore"]),
        tests(
            "GatewayClientTests",
            [
                "GatewayClient", "GatewayProtocol", "OpenClawFacts", "ControlServer", "NetSupport", "WakeCore", "WakeService",
                "WakeTesting",
                niocore,
                nioposix, niohttp, niowebsocket, crypto, logging,
            ]),
        tests(
            "ControlServerTests",
            [
                "ControlServer", "GatewayProtocol", "GatewayClient", "NetSupport", "WakeCore", "WakeService", "WakeTesting",
                niocore,
                nioposix, niohttp, niowebsocket, crypto, coreMetrics, logging,
            ]),
        tests(
            "ReveilleCommandTests",
            [
                "RunStates",
                "ReveilleCommand", "WakeCore", "WakeService", "WakeTesting", "GatewayProtocol", "GatewayClient", "ControlServer",
                "OpenClawFacts", "ReveilleConfiguration", "LedgerSQLite", arguments, lifecycle, logging,
            ]),
        tests("InstallationTests", ["Installation"]),
        // Spawns the real program: depending on it makes sure that it is built.
        tests(
            "EndToEndTests",
            [
                "ReveilleCommand", "DiscordLoopback", "OpenClawLoopback", "WakeCore", "WakeService", "LedgerSQLite",
                "GatewayProtocol", "GatewayClient", "NetSupport", niohttp, niotls, crypto, logging,
            ]),
        // The same under a real systemd; needs root.
        tests("SystemdTests", ["ReveilleCommand", "DiscordLoopback", "WakeCore", "GatewayProtocol", "GatewayClient"]),
    ],
    swiftLanguageModes: [.v6]
)
