import Foundation
public import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import NetSupport
import Synchronization

/// A local Discord: gateway and REST, limits and codes included, with faults on demand.
///
/// Nothing starts in `init`; ``run()`` owns every task and returns when it is cancelled.
///
///     let server = try DiscordLoopbackServer(options: LoopbackOptions())
///     async let running: Void = server.run()
///     let address = try await server.address()
///     // point a client at address.rest; the gateway's URL comes from GET /gateway/bot
public final class DiscordLoopbackServer: Sendable {
    /// Where a running server is reached.
    public struct Address: Sendable {
        /// The port of REST and gateway.
        public let port: Int
        /// The port of `/_loopback` alone, if one was asked for.
        public let adminPort: Int?
        /// The base of REST, e.g. `http://127.0.0.1:4711/api/v10`.
        public let rest: String
        /// The gateway, e.g. `ws://127.0.0.1:4711`.
        public let gateway: String
    }

    private struct Readiness {
        var port: Int?
        var adminPort: Int?
        var address: Address?
        var failure: (any Error)?
        var waiters: [CheckedContinuation<Address, any Error>] = []
    }

    /// The world behind the server: look at it, change it, let things go wrong.
    public let world: LoopbackWorld
    private let options: LoopbackOptions
    private let time: LoopbackTime
    private let script: LoopbackScript
    private let web: WebServer
    private let admin: WebServer?
    private let readiness = Mutex(Readiness())

    /// Makes a server.
    ///
    /// - Parameters:
    ///   - options: ports, seeds, limits and faults.
    ///   - time: where it takes its time from; default the machine's clocks.
    ///   - logger: for what goes wrong in the plumbing.
    /// - Throws: ``LoopbackError`` for a log or script that can't be opened or read, and for a bad certificate.
    public init(
        options: LoopbackOptions = LoopbackOptions(), time: LoopbackTime = .live,
        logger: Logger = Logger(label: "discord-loopback")
    ) throws(LoopbackError) {
        self.options = options
        self.time = time
        script = try Self.script(options)
        world = LoopbackWorld(options: options, log: try LoopbackLog(output: options.log, time: time), time: time)
        let tls = try Self.context(options)
        web = WebServer(configuration: .init(host: options.host, port: options.port, tls: tls), logger: logger)
        admin = options.adminPort.map {
            WebServer(configuration: .init(host: options.host, port: $0), logger: logger)
        }
        for fault in options.faults + script.faults { world.add(fault) }
        if let left = options.sessionStartRemaining {
            world.withState { state in
                state.identifies.begin(remaining: left, total: options.sessionStartTotal, now: state.now)
            }
        }
    }

    private static func script(_ options: LoopbackOptions) throws(LoopbackError) -> LoopbackScript {
        guard let path = options.scriptPath else { return LoopbackScript() }
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw LoopbackError(.file, "The script \(path) can't be read", hint: "Name a readable UTF-8 file.")
        }
        return try LoopbackScript(text)
    }

    private static func context(_ options: LoopbackOptions) throws(LoopbackError) -> NIOSSLContext? {
        guard let files = options.tls else { return nil }
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(files.certificate).map { NIOSSLCertificateSource.certificate($0) }
            let key = NIOSSLPrivateKeySource.privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem))
            var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
            configuration.applicationProtocols = ["http/1.1"]
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw LoopbackError(
                .badOption, "The certificate \(files.certificate) or its key \(files.key) can't be used: \(error)",
                hint: "Give two PEM files that belong together.")
        }
    }

    /// Serves until the task is cancelled.
    ///
    /// - Throws: what binding throws (port taken, no such address).
    public func run() async throws {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await self.serve(self.web, on: self.options.port) { self.listening($0) }
                }
                if let admin {
                    group.addTask {
                        try await self.serve(admin, on: self.options.adminPort ?? 0) { self.adminListening($0) }
                    }
                }
                group.addTask { await self.obey() }
                group.addTask { await self.play() }
                // The first failure is the end: who listens on no port obeys nobody.
                for try await _ in group {}
            }
        } catch {
            fail(error)
            if !(error is CancellationError) { throw error }
        }
        fail(CancellationError())
        world.log.record("stop")
    }

    private func serve(_ server: WebServer, on port: Int, _ listening: @escaping @Sendable (Int) -> Void) async throws {
        do { try await server.run(LoopbackHandler(world, time), onListening: listening) } catch let error as IOError
            where error.errnoCode == EADDRINUSE
        {
            throw LoopbackError(
                .badOption, "The port \(port) on \(options.host) is taken", hint: "Name another one; 0 picks one that is free.")
        }
    }

    /// Where the server listens; waits until it does.
    ///
    /// - Throws: what kept it from listening.
    public func address() async throws -> Address {
        try await withCheckedThrowingContinuation { continuation in
            let known: Result<Address, any Error>? = readiness.withLock { readiness in
                if let address = readiness.address { return .success(address) }
                if let failure = readiness.failure { return .failure(failure) }
                readiness.waiters.append(continuation)
                return nil
            }
            if let known { continuation.resume(with: known) }
        }
    }

    private func listening(_ port: Int) {
        world.withState { $0.address = "\(options.host):\(port)" }
        world.log.record("listening", ["port": JSON(port)])
        becomeReady { $0.port = port }
    }

    private func adminListening(_ port: Int) {
        world.log.record("admin_listening", ["port": JSON(port)])
        becomeReady { $0.adminPort = port }
    }

    private func becomeReady(_ change: (inout Readiness) -> Void) {
        let (address, waiters) = readiness.withLock { readiness in
            change(&readiness)
            guard let port = readiness.port, options.adminPort == nil || readiness.adminPort != nil else {
                return (Address?.none, [CheckedContinuation<Address, any Error>]())
            }
            let secure = options.tls == nil ? "" : "s"
            let address = Address(
                port: port, adminPort: readiness.adminPort, rest: "http\(secure)://\(options.host):\(port)/api/v10",
                gateway: "ws\(secure)://\(options.host):\(port)")
            readiness.address = address
            defer { readiness.waiters = [] }
            return (address, readiness.waiters)
        }
        for waiter in waiters { if let address { waiter.resume(returning: address) } }
    }

    private func fail(_ error: any Error) {
        let waiters = readiness.withLock { readiness in
            readiness.failure = error
            defer { readiness.waiters = [] }
            return readiness.waiters
        }
        for waiter in waiters { waiter.resume(throwing: error) }
    }

    /// Carries out what actions want of the server itself.
    private func obey() async {
        await withDiscardingTaskGroup { group in
            for await order in world.orders {
                switch order {
                case .stopListening: web.stopListening()
                case .startListening: web.startListening()
                case .dropConnections(let reset): web.dropConnections(reset: reset)
                case .endOutage(let delay):
                    group.addTask {
                        guard (try? await self.time.sleep(delay)) != nil else { return }
                        try? self.world.perform(.endOutage)
                    }
                }
            }
            group.cancelAll()
        }
    }

    /// Plays the script's steps at their times.
    private func play() async {
        var elapsed = Duration.zero
        for step in script.steps {
            guard (try? await time.sleep(step.at - elapsed)) != nil else { return }
            elapsed = step.at
            do { try world.perform(step.action) } catch {
                world.log.record("script_error", ["message": .string(error.description)])
            }
        }
    }
}
