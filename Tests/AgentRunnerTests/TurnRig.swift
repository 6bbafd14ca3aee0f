import Foundation
import Logging
import WakeCore
import WakeService

@testable import AgentRunner

/// Turns in a folder of their own, run by the real program.
struct TurnRig: Sendable {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("turns-\(UUID())").path
    let agent: AgentCommand
    let turns: CommandTurns
    static let route = Route(channel: .discord(), kind: .channel, destination: "900")

    init(
        _ run: [String], units: (any TurnUnits)? = nil, executor: [String]? = nil,
        _ change: (inout AgentCommand) -> Void = { _ in }
    ) throws {
        try FileManager.default.createDirectory(atPath: folder + "/work", withIntermediateDirectories: true)
        var agent = AgentCommand(id: "infra", run: run, directory: folder + "/work")
        change(&agent)
        self.agent = agent
        turns = CommandTurns(
            ["infra": agent], folder: folder + "/turns", executor: executor ?? [Self.program, "turn-exec"], units: units,
            moments: try SystemMoments(environment: [:]), logger: Logger(label: "turns") { _ in SwiftLogNoOpLogHandler() })
    }

    /// The program that was built with these tests, which lies beside them.
    static let program: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return (own as NSString).deletingLastPathComponent + "/reveille"
    }()

    static func order(_ nonce: String = "0000000000000000000001t", text: String = "go on") throws -> SendOrder {
        SendOrder(
            delivery: DeliveryID(wake: Identifier(high: 0, low: 1), kind: .turn),
            session: try SessionKey("agent:infra:discord:channel:900"),
            route: route, capabilities: RouteCapabilities(), text: text, trailer: "-# reveille 1", nonce: nonce, attempt: 1)
    }

    func turn(_ order: SendOrder, _ receipt: Receipt) throws -> Turn {
        Turn(
            id: order.delivery, session: order.session, agent: "infra", route: order.route, note: "note", receipt: receipt,
            startedAt: try SystemMoments(environment: [:]).now())
    }

    /// Starts it and waits for its end.
    func run(_ order: SendOrder) async throws -> Turn.End? {
        guard case .accepted(let receipt) = await turns.start(order) else { return nil }
        return await turns.follow(try turn(order, receipt))
    }

    func kept(_ order: SendOrder) -> TurnFolder { TurnFolder(path: "\(folder)/turns/\(order.nonce)") }
    func output(_ order: SendOrder) throws -> String { try String(contentsOfFile: kept(order).output, encoding: .utf8) }
    func remove() { try? FileManager.default.removeItem(atPath: folder) }
}
