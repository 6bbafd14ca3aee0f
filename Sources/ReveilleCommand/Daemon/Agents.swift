import AgentRunner
import Foundation
import Logging
import ReveilleConfiguration
import SystemdSupport
import WakeCore
import WakeService

/// The agents that are commands, joined with what runs them.
struct Agents {
    /// None, or the one that runs them all.
    let turns: [CommandTurns]
    private let moments: any MomentSource
    private let retention: Duration

    /// Joins them.
    ///
    /// - Parameters:
    ///   - configuration: which there are.
    ///   - surroundings: the process's own.
    ///   - units: where turns run, asked for where there are any; nil: in sessions of their own.
    ///   - moments: the clock.
    ///   - logger: where they tell.
    init(
        _ configuration: Configuration, _ surroundings: Surroundings, units: () async -> (any TurnUnits)?,
        moments: any MomentSource, logger: Logger
    ) async {
        self.moments = moments
        retention = configuration.ledger.retention
        let commands = configuration.agents.values.filter { !$0.run.isEmpty }.map {
            AgentCommand($0, home: surroundings.home ?? "/")
        }
        guard !commands.isEmpty else {
            turns = []
            return
        }
        turns = [
            CommandTurns(
                Dictionary(uniqueKeysWithValues: commands.map { ($0.id, $0) }), folder: TurnFolders.path(configuration),
                executor: [Self.program, "turn-exec"], units: await units(), moments: moments, logger: logger)
        ]
    }

    private static var program: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }

    /// Removes what is kept of old turns, now and once a day.
    func prune() async {
        guard let turns = turns.first else { return }
        while !Task.isCancelled {
            turns.prune(endedBefore: moments.now().advanced(by: .zero - retention))
            await moments.wait(untilBoottimeMicroseconds: moments.now().advanced(by: .seconds(86_400)).boottimeMicroseconds)
        }
    }
}

extension AgentCommand {
    init(_ settings: AgentSettings, home: String) {
        self.init(id: settings.id, run: settings.run, directory: settings.directory ?? home)
        input = settings.readsFile ? .file : .stdin
        environment = settings.environment
        timeLimit = settings.timeLimit
        outputBytes = settings.outputBytes
    }
}
