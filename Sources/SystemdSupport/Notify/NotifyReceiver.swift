import CSystemd
import Foundation
import Glibc
public import Logging
import Synchronization
import WakeCore
public import WakeService

/// The notify socket: takes reports on channels from any sd_notify client, and watches over those who made them.
///
/// Neither the network library nor libsystemd receives datagrams with credentials, so a thread of its own does, and waits for the ends
/// of processes and units besides.
public final class NotifyReceiver: Sendable {
    private let descriptor: Int32
    private let grants: [ReporterGrant]
    private let store: any TransportSessionStore
    private let moments: any MomentSource
    private let logger: Logger
    private let bell: Int32
    private let isStopping = Mutex(false)

    /// Takes over a bound datagram socket.
    ///
    /// - Parameters:
    ///   - descriptor: the socket; it stays open, so that nothing that comes meanwhile is lost.
    ///   - grants: who may report on what.
    ///   - store: where claims are kept between processes.
    ///   - moments: the clock.
    ///   - logger: for what was turned away.
    public init(
        descriptor: Int32, grants: [ReporterGrant], store: any TransportSessionStore, moments: any MomentSource, logger: Logger
    ) {
        self.descriptor = descriptor
        self.grants = grants
        self.store = store
        self.moments = moments
        self.logger = logger
        bell = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_PASSCRED, &yes, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close(bell) }

    /// Opens a socket of our own at a path, where no service manager did.
    ///
    /// - Throws: `ledger-unavailable` with the reason and a hint.
    public static func bind(path: String) throws(WakeError) -> Int32 {
        func fail(_ what: String) -> WakeError {
            WakeError(
                .ledgerUnavailable, "the notify socket '\(path)' can't be opened",
                cause: "\(what): \(String(cString: strerror(errno)))",
                hint: "Its folder must be there and ours; or leave notify.socket out.")
        }
        var address = sockaddr_un()
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < room else {
            throw WakeError(
                .invalidRequest, "the path of the notify socket is too long: at most \(room - 1) bytes", hint: "Shorten it.")
        }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw fail("socket") }
        // An earlier life's; a living daemon would hold the ledger's lock.
        unlink(path)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, chmod(path, 0o666) == 0 else {
            let error = fail("bind")
            close(socket)
            throw error
        }
        return socket
    }

    /// Takes reports until cancelled.
    public func run(reportingTo sink: any ReadinessSink) async {
        var claims = ChannelClaims(grants)
        for channel in claims.channels {
            let claim = await store.loadSession(of: channel).flatMap {
                try? JSONDecoder().decode(ChannelClaims.Claim.self, from: Data($0.utf8))
            }
            let directives =
                claim.map { claims.restored($0, of: channel, isAlive: $0.reporter.isAlive, at: moments.now()) }
                ?? claims.unclaimed(channel)
            for directive in directives { await carryOut(directive, sink) }
        }
        let (directives, continuation) = AsyncStream.makeStream(of: ChannelClaims.Directive.self)
        let thread = NotifyThread(
            descriptor: descriptor, bell: bell, claims: claims, moments: moments, logger: logger, directives: continuation,
            isStopping: { [weak self] in self?.isStopping.withLock { $0 } ?? true })
        thread.start()
        await withTaskCancellationHandler {
            // Cancelling ends the thread, and the thread ends the stream.
            await Task { for await directive in directives { await carryOut(directive, sink) } }.value
        } onCancel: {
            isStopping.withLock { $0 = true }
            eventfd_write(bell, 1)
        }
    }

    private func carryOut(_ directive: ChannelClaims.Directive, _ sink: any ReadinessSink) async {
        switch directive {
        case .report(let channel, let state): sink.report(channel, state)
        case .store(let channel, let claim):
            let text = claim.flatMap { try? JSONEncoder().encode($0) }.map { String(decoding: $0, as: UTF8.self) }
            await store.storeSession(text, of: channel)
        }
    }
}
