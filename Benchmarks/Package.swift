// swift-tools-version: 6.2
import PackageDescription

// What is measured from within a process, and the program to compare with; scripts/bench builds and runs them. A package of its own,
// so that nobody who uses Reveille builds it.
let rooms: [Target.Dependency] = [
    "WakeCore", "WakeService", "LedgerSQLite", "ReveilleConfiguration", "DiscordProtocol", "DiscordTransport", "DiscordLoopback",
    "GatewayProtocol", "GatewayClient",
].map { .product(name: $0, package: "reveille") }

let package = Package(
    name: "benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "reveille", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        .executableTarget(name: "library-bench", dependencies: rooms),
        .executableTarget(
            name: "control-bench",
            dependencies: rooms
                + ["NIOCore", "NIOHTTP1", "NIOPosix", "NIOWebSocket"].map { .product(name: $0, package: "swift-nio") }),
        .executableTarget(
            name: "nothing",
            dependencies: rooms + [
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Subprocess", package: "swift-subprocess"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
