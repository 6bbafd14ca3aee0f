import Foundation
import Testing
import WakeCore
import WakeService
import WakeTesting

@testable import ReveilleCommand

@Suite("The restarters keep the promises of their port", .timeLimit(.minutes(1)))
struct RestarterTests {
    private static func request(_ target: RestartTarget, _ arguments: [String]? = nil, in folder: String = "/") throws
        -> RestartRequest
    {
        RestartRequest(
            id: Identifier(high: 1, low: 1), session: try SessionKey("agent:infra:discord:channel:1234"), note: "go on",
            target: target, command: arguments.map { .init(arguments: $0, directory: folder) }, requestedAt: ManualMoments().now()
        )
    }

    @Test("of the daemon itself")
    func ourselves() async throws {
        let stops = Witness(0)
        try await RestarterConformance(
            SelfRestarter(stop: { stops.change { $0 += 1 } }), works: try Self.request(.daemon),
            foreign: [.exec, .host, .unit("x")],
            restarts: { stops.value }
        ).check()
    }

    @Test("of a command")
    func command() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "reveille-restarter-\(UInt64.random(in: 0 ... .max))")
            .path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let works = try Self.request(.exec, ["/bin/sh", "-c", "echo once >> deeds"], in: folder)
        for fails in [
            try Self.request(.exec, ["no-such-command-here"]), try Self.request(.exec, ["/bin/true"], in: folder + "/nowhere"),
        ] {
            try? FileManager.default.removeItem(atPath: folder + "/deeds")
            try await RestarterConformance(
                CommandRestarter(), works: works, fails: fails, foreign: [.daemon, .host, .unit("x")],
                restarts: {
                    let deeds = (try? String(contentsOfFile: folder + "/deeds", encoding: .utf8)) ?? ""
                    return deeds.split(separator: "\n").count
                }
            ).check()
        }
    }
}
