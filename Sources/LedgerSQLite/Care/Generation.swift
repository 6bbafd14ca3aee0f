import Crypto
import Foundation
import Glibc
import WakeService

/// What tells this ledger from a copy of it: the machine, and a number that changes with each start of the daemon.
public struct LedgerIdentity: Sendable {
    /// Stands for the machine without naming it.
    public let machine: String
    /// The generation that begins with this start; never used before.
    public let nextGeneration: String

    /// Makes an identity; outside of tests use ``system()``.
    public init(machine: String, nextGeneration: String) {
        self.machine = machine
        self.nextGeneration = nextGeneration
    }

    /// This machine, and a fresh random generation. The machine id is hashed for this use (machine-id(5) asks for it); a machine
    /// without one has no name.
    public static func system() -> LedgerIdentity {
        var random = SystemRandomNumberGenerator()
        let generation = String(random.next(), radix: 36) + String(random.next(), radix: 36)
        guard let id = FileManager.default.contents(atPath: "/etc/machine-id"), !id.isEmpty else {
            return LedgerIdentity(machine: "none", nextGeneration: generation)
        }
        let code = HMAC<SHA256>.authenticationCode(for: Data("reveille ledger".utf8), using: SymmetricKey(data: id))
        let machine = code.prefix(16).map { String($0, radix: 16) }.joined(separator: ".")
        return LedgerIdentity(machine: machine, nextGeneration: generation)
    }
}

/// The file `generation` beside the database. A copied file has another inode, a restored database another generation.
struct GenerationFile {
    let folder: LedgerFolder

    /// What the file says; nil where there is none or it says nothing.
    struct Contents: Equatable {
        var generation: String
        /// The one before: a start may have been cut off between file and database.
        var previous: String
        var inode: UInt64
        /// Whether the file is the one that it says it is.
        var isOriginal: Bool
    }

    func read() -> Contents? {
        guard let status = LedgerFolder.status(folder.generationPath),
            let data = FileManager.default.contents(atPath: folder.generationPath)
        else { return nil }
        var fields: [Substring: Substring] = [:]
        for line in String(decoding: data.prefix(512), as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            if parts.count == 2 { fields[parts[0]] = parts[1] }
        }
        guard let generation = fields["generation"], let previous = fields["previous"],
            let inode = fields["inode"].flatMap({ UInt64($0) })
        else { return Contents(generation: "?", previous: "?", inode: 0, isOriginal: false) }
        return Contents(
            generation: String(generation), previous: String(previous), inode: inode, isOriginal: inode == UInt64(status.st_ino))
    }

    /// Writes the file in place and makes it durable.
    func write(_ generation: String, previous: String) throws(WakeError) {
        let isNew = LedgerFolder.status(folder.generationPath) == nil
        let descriptor = open(folder.generationPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw folder.unavailable("can't open '\(folder.generationPath)'", errno) }
        defer { Glibc.close(descriptor) }
        folder.giveToOwner(descriptor)
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw folder.unavailable("can't read '\(folder.generationPath)'", errno) }
        let text = "generation \(generation)\nprevious \(previous)\ninode \(status.st_ino)\n"
        let length = text.utf8.count
        guard text.withCString({ pwrite(descriptor, $0, length, 0) }) == length, ftruncate(descriptor, off_t(length)) == 0,
            fsync(descriptor) == 0, !isNew || LedgerFolder.synchronise(folder.path)
        else { throw folder.unavailable("can't write '\(folder.generationPath)'", errno) }
    }
}
