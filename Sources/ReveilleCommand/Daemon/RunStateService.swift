import Foundation
import Logging
import ReveilleConfiguration
import RunStateFiles
import ServiceLifecycle
import WakeCore
import WakeService

/// Looks after the run states, and tells the waker what is pending; and when the quiet hours begin and end.
struct RunStateService: NamedService {
    var description: String { "run states" }
    let book: RunStateBook
    let quietHours: QuietHours?
    let waker: Waker
    let moments: any MomentSource
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await watch() }
                if let quietHours { group.addTask { await tell(quietHours) } }
            }
        }
    }

    private func watch() async {
        for await finding in RunStateWatch(book).findings() {
            switch finding {
            case .work(let path, let work, let fingerprint): waker.post(.workSeen(path: path, work, fingerprint: fingerprint))
            case .gone(let path): waker.post(.workSeen(path: path, nil, fingerprint: ""))
            case .invalid(let path, let reason):
                logger.warning(
                    "a run state can't be used; what it said last still counts",
                    metadata: [LogKey.event: "runStateInvalid", LogKey.place: "\(path)", LogKey.reason: "\(reason)"])
            case .lookedAtAll: logger.debug("all run states were read", metadata: [LogKey.event: "runStatesRead"])
            }
        }
    }

    /// Each time it is looked at what the local clock says then, so that neither a change of the zone's offset nor a step of the clock is
    /// taken over from the day before.
    private func tell(_ hours: QuietHours) async {
        var wasQuiet = false
        while !Task.isCancelled {
            let now = moments.now()
            let parts = Calendar.current.dateComponents(
                [.hour, .minute], from: Date(timeIntervalSince1970: Double(now.wallMilliseconds) / 1_000))
            let left = hours.left(at: (parts.hour ?? 0) * 60 + (parts.minute ?? 0))
            if left != nil || wasQuiet { waker.post(.quietHours(until: left.map { now.advanced(by: .seconds($0 * 60)) })) }
            wasQuiet = left != nil
            await moments.wait(untilBoottimeMicroseconds: now.advanced(by: .seconds(60)).boottimeMicroseconds)
        }
    }
}
