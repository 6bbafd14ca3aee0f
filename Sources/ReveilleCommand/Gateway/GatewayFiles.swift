import Glibc
import OpenClawFacts
import ReveilleConfiguration
import WakeCore
import WakeService

/// What came of reading a gateway's own configuration.
enum GatewayFileLook: Sendable {
    /// It was read; problems in it included.
    case read(GatewayConfigFile)
    /// It could not be: why, and what to do.
    case unread(path: String, reason: String, fix: String)

    /// What was read.
    var file: GatewayConfigFile? { if case .read(let file) = self { file } else { nil } }

    /// Reads the configuration of a gateway, with what the `.env` file in its state directory adds to ours.
    static func look(at gateway: GatewaySettings, in surroundings: Surroundings) -> GatewayFileLook {
        guard let path = gateway.configFile else {
            return .unread(
                path: "openclaw.json", reason: "no home directory is known to look for it in",
                fix: "Name it: gateways.\(gateway.name).configFile")
        }
        guard access(path, R_OK) == 0 else {
            let reason = String(cString: strerror(errno))
            return .unread(
                path: path, reason: reason,
                fix: errno == ENOENT
                    ? "If the gateway keeps it elsewhere, name it: gateways.\(gateway.name).configFile"
                    : "Run 'reveille doctor' as the gateway's user.")
        }
        var variables = surroundings.variables
        if let folder = gateway.stateDirectory, let bytes = try? PlainFile.read(folder + "/.env", maximumBytes: 65_536) {
            variables.merge(assignments(String(decoding: bytes, as: UTF8.self))) { own, _ in own }
        }
        return .read(
            GatewayConfigFile(path, environment: variables) {
                try PlainFile.read($0, maximumBytes: GatewayConfigFile.maximumBytes)
            })
    }

    /// `NAME=value` lines, with or without `export` and quotes.
    static func assignments(_ text: String) -> [String: String] {
        text.split(whereSeparator: \.isNewline).reduce(into: [:]) { variables, line in
            let words = line.drop(while: \.isWhitespace)
            guard !words.hasPrefix("#"), let equals = words.firstIndex(of: "=") else { return }
            let name = words[..<equals].split(separator: " ").last.map(String.init) ?? ""
            var value = words[words.index(after: equals)...]
            while value.last?.isWhitespace == true { value.removeLast() }
            if value.count >= 2, let quote = value.first, quote == "\"" || quote == "'", value.last == quote {
                value = value.dropFirst().dropLast()
            }
            variables[name] = String(value)
        }
    }
}

/// Reads regular files up to a limit, without ever waiting for one.
enum PlainFile {
    /// Why a file can't be read.
    struct Fault: Error, CustomStringConvertible {
        var code: Int32
        var description: String
    }

    /// Whether there is anything.
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func read(_ path: String, maximumBytes: Int) throws -> [UInt8] {
        // Not blocking, else a FIFO without a writer would hold us here for ever.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw Fault(code: errno, description: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Fault(code: EINVAL, description: "it is not a regular file")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= maximumBytes {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return bytes }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Fault(code: errno, description: String(cString: strerror(errno))) }
            bytes += buffer[..<count]
        }
        throw Fault(code: EFBIG, description: "it is over \(maximumBytes) bytes long")
    }
}
