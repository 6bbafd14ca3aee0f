import ArgumentParser
import GatewayClient
import GatewayProtocol
import Glibc
import ReveilleConfiguration
import RunStates
import WakeCore
import WakeService

/// `reveille call METHOD`: asks a gateway, and does not fall over its restart.
struct CallVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call", abstract: "Call a method of a gateway: of Reveille's own, or of any that speaks the same protocol.",
        discussion: """
            What a restart causes is waited out, up to --wait; everything else is told
            at once. A request that was cut off is repeated only with an idempotency
            key: --once makes one for a single call. The answer goes to standard output,
            as JSON.

            Without --url the daemon's own socket is called: $REVEILLE_CONTROL_SOCKET,
            else control.sock in /run/reveille or $XDG_RUNTIME_DIR/reveille, else
            ws://127.0.0.1:18790.

            Exit code 0 when it is answered, 64 when the request is wrong, 69 when the
            gateway was not available, 75 when the call was cut off and may have been
            carried out, 76 when no version of the protocol is spoken by both, 77 when
            the caller is not let in or may not do this.

              reveille call cron.list
              reveille call config.get --url ws://127.0.0.1:18789 --token-file token
              reveille call send --params '{to: "channel:1234", message: "hello"}' --idempotency-key hello-1
            """)

    @Argument(help: "The method, e.g. health or config.get.") var method: String
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("The params, an object in JSON5; - reads it from standard input.", valueName: "json5"))
    var params: String?
    @Option(name: .long, help: ArgumentHelp("Where: ws://, wss:// or unix:/path.", valueName: "url")) var url: String?
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("How long it is tried, all waits together; default 10s.", valueName: "duration"))
    var wait: String?
    @Option(
        name: .long,
        help: ArgumentHelp("A file with the gateway's token; else $REVEILLE_CONTROL_TOKEN is taken.", valueName: "file"))
    var tokenFile: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Prove who calls with the key in this file, made where it is missing: gateways pair such a device, and keep its scopes.",
            valueName: "file"))
    var deviceKey: String?
    @Option(name: .long, help: ArgumentHelp("Put into the params: makes it safe to repeat the request.", valueName: "key"))
    var idempotencyKey: String?
    @Flag(name: .long, help: "Put a fresh idempotency key into the params, for methods that know such keys.") var once = false
    @Flag(name: .long, help: "Where the gateway answers twice, first that it has accepted, wait for what came of it.")
    var expectFinal = false
    @Flag(name: .long, help: "Let ws:// to another machine pass, where everybody between can read along.")
    var allowInsecure = false
    @OptionGroup var output: OutputOptions

    /// The longest wait, in milliseconds: a day.
    private static let waitMaximumMilliseconds: Int64 = 86_400_000

    func run() async throws {
        let surroundings = Surroundings.ofThisProcess()
        guard !method.isEmpty, method.utf8.count <= GatewayFrame.nameMaximumBytes else {
            throw Complaint(.usage, "a method's name has 1 to \(GatewayFrame.nameMaximumBytes) bytes")
        }
        let params = try CallParams.read(params)
        let options = try options()
        let place = try CallPlace.find(url, in: surroundings) { access($0, F_OK) == 0 }
        var configuration = GatewayConnection.Configuration()
        configuration.client.version = Version.text
        configuration.allowsInsecure = allowInsecure
        var credentials = try CallPlace.credentials(tokenFile, in: surroundings)
        do {
            if let deviceKey {
                var token: String?
                if case .token(let text) = credentials { token = text }
                credentials = .device(try await DeviceIdentity.open(at: deviceKey), token: token)
            }
        } catch let error as GatewayError { throw Complaint(error) }
        let caller = GatewayCaller(
            place, credentials, configuration,
            moments: try SystemMoments(environment: surroundings.variables), dice: SystemDice())
        do {
            let answer = try await caller.call(method, params, options: options) { reason in
                guard isatty(STDERR_FILENO) == 1 else { return }
                _ = StandardStream.write(
                    "\(place): \(Printing.oneLine(reason, maximumCharacters: 120)); trying again\n", to: STDERR_FILENO)
            }
            let value = answer ?? .null
            Printing.line(Printing.isTerminal && !output.json ? PrettyJSON.text(value) : value.text)
        } catch let error as GatewayError {
            throw Complaint(error)
        }
    }

    /// A key that nobody has used: 128 bits of chance.
    static func freshKey() -> String {
        var chance = SystemRandomNumberGenerator()
        return "once-" + String(chance.next(), radix: 36) + "-" + String(chance.next(), radix: 36)
    }

    func options() throws -> GatewayCaller.Options {
        var options = GatewayCaller.Options()
        if let wait {
            let (seconds, attoseconds) = try DurationArgument.parse(wait, flag: "--wait").components
            let milliseconds =
                seconds >= Self.waitMaximumMilliseconds ? .max : seconds * 1_000 + attoseconds / 1_000_000_000_000_000
            guard (1...Self.waitMaximumMilliseconds).contains(milliseconds) else {
                throw Complaint(.usage, "--wait must be from 1ms to 24h", hint: "Write it like 30s or 2min.")
            }
            options.budgetMilliseconds = milliseconds
        }
        if let key = idempotencyKey {
            guard (1...256).contains(key.utf8.count) else {
                throw Complaint(.usage, "an idempotency key has 1 to 256 bytes", hint: "Take a word that names this deed alone.")
            }
            guard !once else {
                throw Complaint(
                    .usage, "--once and --idempotency-key can't be used together",
                    hint: "Name a key of your own, or have one made.")
            }
            options.idempotencyKey = key
        }
        if once { options.idempotencyKey = Self.freshKey() }
        options.expectsFinal = expectFinal
        return options
    }
}

/// The params of a call, as a command line names them.
enum CallParams {
    /// Reads them.
    static func read(_ text: String?) throws -> JSONValue? {
        guard let text else { return nil }
        let bytes =
            text == "-" ? try BoundedInput.all(STDIN_FILENO, "standard input", limit: JSON5.textMaximumBytes) : Array(text.utf8)
        let document: JSON5Document
        do { document = try JSON5.parse(bytes) } catch {
            throw Complaint(.usage, "--params: \(error)", hint: error.hint ?? "Write an object, e.g. '{limit: 10}'.")
        }
        if let duplicate = document.duplicates.first {
            throw Complaint(.usage, "--params: \(duplicate)", hint: "Name each key once.")
        }
        guard case .object = document.root.value else {
            throw Complaint(
                .usage, "--params must be an object, not \(document.root.value.kindInWords)", hint: "Write e.g. '{limit: 10}'.")
        }
        return try value(document.root, of: "--params")
    }

    /// What was parsed, as JSON; a complaint names where it comes from.
    static func value(_ node: JSON5Node, of source: String) throws -> JSONValue {
        switch node.value {
        case .null: return .null
        case .boolean(let value): return .bool(value)
        case .string(let text): return .string(text)
        case .array(let elements): return .array(try elements.map { try value($0, of: source) })
        case .object(let members):
            return .object(JSONObject(try members.map { .init(key: $0.key, value: try value($0.node, of: source)) }))
        case .number(let number):
            // The text first: a double would bend the long ids of Discord.
            if let integer = Int64(number.text) ?? number.integer.map(Int64.init) { return .integer(integer) }
            guard number.value.isFinite else {
                throw Complaint(
                    .usage, "\(source): \(node.position): \(number.text) can't be sent",
                    hint: "JSON has no infinities and no NaN."
                )
            }
            return .number(number.value)
        }
    }
}

/// Where a call goes, and with what proof.
enum CallPlace {
    /// Where the daemon's TCP port is by default.
    static let defaultURL = "ws://127.0.0.1:18790"

    /// The address: as told, or the daemon's own.
    ///
    /// - Parameters:
    ///   - url: as the command line names it.
    ///   - surroundings: the environment and the user.
    ///   - exists: whether there is such a file.
    /// - Returns: the address.
    /// - Throws: ``Complaint`` where the address is none.
    static func find(_ url: String?, in surroundings: Surroundings, exists: (String) -> Bool) throws -> GatewayAddress {
        if let url {
            if url.hasPrefix("ws://") || url.hasPrefix("wss://") { return .web(url) }
            guard url.hasPrefix("unix:"), case let path = path(url.dropFirst(5)), path.hasPrefix("/") else {
                throw Complaint(
                    .usage, "'\(url)' is no address of a gateway", hint: "Write ws://HOST:PORT, wss://HOST or unix:/PATH.")
            }
            return .unix(path: path)
        }
        if let path = surroundings.variables["REVEILLE_CONTROL_SOCKET"], !path.isEmpty { return .unix(path: path) }
        let folder = surroundings.userID < 1_000 ? "/run" : surroundings.variables["XDG_RUNTIME_DIR"]
        if let folder, !folder.isEmpty, case let path = "\(folder)/reveille/control.sock", exists(path) {
            return .unix(path: path)
        }
        return .web(defaultURL)
    }

    /// `unix:/path` and `unix:///path` are the same.
    private static func path(_ text: Substring) -> String { String(text.hasPrefix("//") ? text.dropFirst(2) : text) }

    /// The token, where there is one.
    static func credentials(_ file: String?, in surroundings: Surroundings) throws -> GatewayCredentials {
        if let file {
            let descriptor = open(file, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw Complaint(
                    errno == ENOENT ? .noInput : .permission,
                    "the token file \(file) can't be read: \(String(cString: strerror(errno)))",
                    hint: "Name a file that holds the gateway's token, and that you may read.")
            }
            defer { close(descriptor) }
            let bytes = try BoundedInput.all(descriptor, file, limit: 4_096)
            guard let token = token(String(decoding: bytes, as: UTF8.self)) else {
                throw Complaint(.data, "the token file \(file) is empty", hint: "Write the gateway's token into it, on one line.")
            }
            return .token(token)
        }
        return surroundings.variables["REVEILLE_CONTROL_TOKEN"].flatMap(token).map { .token($0) } ?? .none
    }

    private static func token(_ text: String) -> String? {
        let words = text.split(whereSeparator: \.isWhitespace)
        return words.first.map(String.init)
    }
}

/// Reads what somebody hands in, up to a limit.
enum BoundedInput {
    /// All bytes up to the end.
    static func all(_ descriptor: Int32, _ name: String, limit: Int) throws -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while all.count <= limit {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return all }
            if count < 0 {
                if errno == EINTR { continue }
                throw Complaint(.inputOutput, "\(name) can't be read: \(String(cString: strerror(errno)))")
            }
            all += buffer[..<count]
        }
        throw Complaint(.usage, "\(name) holds more than \(limit) bytes", hint: "Hand in less.")
    }
}
