// swift-tools-version: 6.2
import PackageDescription

// Fuzz targets: a package of its own, so that nobody who uses Reveille builds them. scripts/fuzz builds and runs them.
// Each is one file (libFuzzer brings the main function, so there is none of ours).
func fuzz(_ name: String, _ rooms: String...) -> Target {
    .executableTarget(
        name: name, dependencies: rooms.map { .product(name: $0, package: "reveille") },
        swiftSettings: [.unsafeFlags(["-parse-as-library"])])
}

let package = Package(
    name: "fuzz",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "reveille", path: "..")],
    targets: [
        fuzz("FuzzJSON", "WakeCore"),
        fuzz("FuzzSessionKey", "WakeCore"),
        fuzz("FuzzConfiguration", "ReveilleConfiguration"),
        fuzz("FuzzRunState", "RunStates", "WakeCore"),
        fuzz("FuzzGateway", "DiscordProtocol", "WakeCore"),
        fuzz("FuzzREST", "DiscordProtocol", "WakeCore"),
        fuzz("FuzzGatewayFrames", "GatewayProtocol", "WakeCore"),
        fuzz("FuzzGatewayClient", "GatewayProtocol", "WakeCore"),
    ],
    swiftLanguageModes: [.v6]
)
