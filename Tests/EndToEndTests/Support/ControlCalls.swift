import DiscordLoopback
import Foundation
import GatewayClient
import GatewayProtocol
import Testing
import WakeCore
import WakeService

/// What the tests of the control plane ask again and again.
extension ControlStage {
    /// Where accepted patches lie.
    var patches: String { stage.ledger + "/config" }

    /// Starts the daemon and waits until its channel can deliver.
    func startReady(_ settings: String...) async throws -> Program {
        let daemon = try stage.start(["daemon"] + settings.flatMap { ["--set", $0] })
        daemon.feed()
        try await daemon.saw("ready")
        try await Self.ready(daemon)
        return daemon
    }

    /// Waits until the log of a daemon tells for the so-many-th time that its channel is ready.
    static func ready(_ daemon: Program, times: Int = 1) async throws {
        try await saw(daemon, "channelChanged", times: times) { $0["reason"] == "ready" }
    }

    /// Waits until the log holds so many lines that pass.
    static func saw(
        _ daemon: Program, _ event: String, times: Int, where passes: @escaping @Sendable (Line) -> Bool = { _ in true }
    ) async throws {
        _ = try await within(
            "\(times) log lines '\(event)'", { daemon.errors.all.suffix(30).map(\.text).joined(separator: "\n") }
        ) {
            var count = 0
            for await line in daemon.errors.stream() where line["event"] == event && passes(line) {
                count += 1
                if count == times { return true }
            }
            return nil
        }
    }

    func instance() async throws -> JSONValue { try #require(try await call("status")["instance"]) }

    /// What a call over this connection is refused with.
    static func refusal(
        _ connection: GatewayConnection, _ method: String, _ params: JSONValue? = nil
    ) async throws -> GatewayFault {
        do {
            let payload = try await connection.call(method, params)
            throw Missed(description: "\(method) was answered: \(payload?.text ?? "-")")
        } catch let fault as GatewayFault { return fault }
    }

    /// The bot's messages in a place that hold a text.
    func notes(_ text: String, in place: UInt64 = Stage.thread) -> Int {
        stage.messages(in: place).count { $0.content.contains(text) }
    }

    /// Everything that a refused change must leave as it was.
    func stand() async throws -> Stand {
        var files: [String: Data] = [:]
        for name in FileManager.default.enumerator(atPath: patches)?.compactMap({ $0 as? String }) ?? [] where name != "lock" {
            files[name] = FileManager.default.contents(atPath: patches + "/" + name)
        }
        return Stand(
            own: try #require(FileManager.default.contents(atPath: stage.configuration)), patches: files,
            picture: try #require(try await call("config.get")["parsed"]), hash: try await hash(),
            log: try #require(try await call("config.log")["entries"]), instance: try await instance(),
            sentinels: try #require(try await call("sentinel.list", ["all": true])["sentinels"]),
            pending: try await call("status")["restartPendingInMs"])
    }

    /// The configuration as its files and its daemon have it.
    struct Stand: Equatable, Sendable {
        var own: Data
        var patches: [String: Data]
        var picture: JSONValue
        var hash: JSONValue
        var log: JSONValue
        var instance: JSONValue
        var sentinels: JSONValue
        var pending: JSONValue?
    }
}
