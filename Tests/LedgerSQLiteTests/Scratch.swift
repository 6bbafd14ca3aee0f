import Glibc
import Synchronization
import WakeCore
import WakeService

@testable import LedgerSQLite

/// A folder that is gone with its owner.
final class Scratch: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/ledger-tests-XXXXXX\0".utf8CString)
        path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    }

    deinit { Scratch.remove(path) }

    var ledger: String { path + "/ledger" }

    static func remove(_ path: String) {
        if let listing = opendir(path) {
            while let entry = readdir(listing) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                if name != ".", name != ".." { remove(path + "/" + name) }
            }
            closedir(listing)
            rmdir(path)
        } else {
            unlink(path)
        }
    }
}

/// Time that stands still until it is told.
final class StillMoments: MomentSource {
    private let moment: Mutex<Moment>

    init(_ moment: Moment = StillMoments.start) { self.moment = Mutex(moment) }

    static let start = Moment(wallMilliseconds: 1_790_000_000_000, boot: BootID("b007"), boottimeMicroseconds: 60_000_000)

    func now() -> Moment { moment.withLock { $0 } }
    func wait(untilBoottimeMicroseconds deadline: Int64) async {}
    func set(_ new: Moment) { moment.withLock { $0 = new } }
}

extension SQLiteLedger {
    /// Opens with test time.
    static func open(_ path: String, instance: String? = nil) throws(WakeError) -> SQLiteLedger {
        try SQLiteLedger(at: path, instance: instance, moments: StillMoments())
    }
}
