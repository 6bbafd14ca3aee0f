import ArgumentParser
import Foundation
import ReveilleConfiguration
import SystemdSupport
import WakeCore
import WakeService

/// `reveille reboot`: the sentinel first, then the reboot.
struct RebootVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reboot",
        abstract: "Write a sentinel, reboot the machine after a delay, and wake the session when its channel can hear it.",
        discussion: """
            The daemon asks logind for the reboot; a system service may do so where
            'reveille install --may-reboot' has allowed it. The wake says that the
            machine was rebooted.

              reveille reboot --session agent:infra:discord:channel:1234 --note "kernel is new; check the site" --delay 1min
            """)

    @OptionGroup var request: RequestOptions
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp(
            "How long to wait before the reboot, 0s to 10min; default is restart.defaultDelay, 2s.", valueName: "duration"))
    var delay: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let order = RequestOrder(
            deed: .restart(.host, try await TargetArgument.host(), delay: delay), wish: request.wish, json: output.json,
            sources: configuration.sources)
        try order.run()
    }
}

/// What is to restart, as it is typed.
enum TargetArgument {
    /// A unit of our own service manager, or `system/NAME`: looked at before anything is promised.
    ///
    /// - Returns: the target, and the epoch that it is in.
    static func unit(_ text: String) async throws -> (RestartTarget, Epoch?) {
        let boot = try boot()
        let isUserService = getuid() >= 1000
        let isSystem = text.hasPrefix("system/") || !isUserService
        let name: UnitName
        do {
            name = try UnitName(text.hasPrefix("system/") ? String(text.dropFirst(7)) : text)
        } catch {
            throw Complaint(.usage, error.message, hint: error.hint ?? "Name a unit, e.g. nginx.service.")
        }
        // Our own unit is stopped and started by its manager as well, but ending cleanly by ourselves needs nobody's leave.
        if name.description == "reveille.service", isSystem != isUserService { return (.daemon, nil) }
        do {
            let epoch = try await Preflight.epoch(of: name, over: isSystem ? .system : .user, in: boot)
            return (.unit(isSystem && isUserService ? "system/\(name)" : name.description), epoch)
        } catch {
            throw complaint(error)
        }
    }

    /// Whatever somebody else restarts: `self`, `host`, `gateway:NAME`, or a unit.
    static func awaited(_ text: String) async throws -> RequestOrder.Deed {
        switch text {
        case "self": return .observed
        case "host": return .awaited(.host, try await host())
        // In which life it is, its own connection tells the daemon.
        case _ where text.hasPrefix("gateway:"):
            guard let target = RestartTarget(text) else {
                throw Complaint(.usage, "'\(text)' names no gateway", hint: "Write gateway:NAME, with a NAME under gateways.")
            }
            return .awaited(target, nil)
        default:
            let (target, epoch) = try await unit(text.hasPrefix("unit:") ? String(text.dropFirst(5)) : text)
            return .awaited(target, epoch)
        }
    }

    static func host() async throws -> Epoch {
        let boot = try boot()
        do { return try await Preflight.hostEpoch(in: boot) } catch { throw complaint(error) }
    }

    private static func boot() throws -> BootID {
        try SystemMoments(environment: ProcessInfo.processInfo.environment).now().boot
    }

    private static func complaint(_ obstacle: Preflight.Obstacle) -> Complaint {
        let code: Complaint.Code =
            switch obstacle.kind {
            case .noBus: .unavailable
            case .noUnit: .noInput
            case .unusable: .unavailable
            }
        return Complaint(code, obstacle.message, hint: obstacle.hint)
    }
}
