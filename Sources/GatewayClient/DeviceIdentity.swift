import Crypto
import GatewayProtocol
import WakeCore
import WakeService

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The Ed25519 key that a gateway knows this device by.
public struct DeviceIdentity: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// Makes a new one, which is kept nowhere.
    public init() { key = Curve25519.Signing.PrivateKey() }

    private init(_ key: Curve25519.Signing.PrivateKey) { self.key = key }

    /// The SHA-256 of the public key, in hexadecimal.
    public var id: String {
        SHA256.hash(data: key.publicKey.rawRepresentation).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The public key, in base64url.
    public var publicKey: String { Self.base64url(key.publicKey.rawRepresentation) }

    /// Signs a text; the signature is in base64url.
    func sign(_ text: String) throws -> String { Self.base64url(try key.signature(for: Array(text.utf8))) }

    private static func base64url(_ data: some DataProtocol) -> String {
        Data(data).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    // MARK: The file

    /// Reads the key from its file, or makes one where there is no file: 0600, whole or not at all, and never over another.
    ///
    /// - Parameter path: the file; its folder must be there.
    /// - Returns: the key.
    /// - Throws: ``GatewayError`` where the file can't be read or made, holds no key, or can be read by others.
    public static func open(at path: String) async throws -> DeviceIdentity { try await IdentityFiles.shared.open(path) }

    /// The same, on the thread that calls.
    static func load(_ path: String) throws(GatewayError) -> DeviceIdentity {
        if let found = try read(path) { return found }
        let made = DeviceIdentity()
        // Two who begin at once: one file wins, and both use it.
        return try made.write(path) ? made : try read(path) ?? made
    }

    private static func read(_ path: String) throws(GatewayError) -> DeviceIdentity? {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw failure(path, "can't be read")
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw failure(path, "is no file", cause: nil) }
        guard status.st_mode & 0o077 == 0 else {
            throw failure(path, "can be read by others", cause: nil, hint: "chmod 600 \(path), and pair the device anew.")
        }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = Glibc.read(file, &bytes, bytes.count)
        guard count >= 0 else { throw failure(path, "can't be read") }
        guard let document = try? JSONValue.parse(bytes[..<count]), let text = document["privateKey"]?.string,
            let raw = Data(base64Encoded: text),
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: raw)
        else {
            throw failure(
                path, "holds no device key", cause: nil, hint: "Move it away: a new one is made, which must be paired again.")
        }
        return DeviceIdentity(key)
    }

    /// Whether it is ours that is there now.
    private func write(_ path: String) throws(GatewayError) -> Bool {
        let draft = "\(path).\(getpid())-\(id.prefix(8))"
        let file = Glibc.open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Self.failure(path, "can't be made") }
        defer {
            close(file)
            unlink(draft)
        }
        let document: JSONValue = [
            "version": 1, "deviceId": .string(id), "publicKey": .string(publicKey),
            "privateKey": .string(key.rawRepresentation.base64EncodedString()),
        ]
        let bytes = Array((document.text + "\n").utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0 else {
            throw Self.failure(path, "can't be written")
        }
        if link(draft, path) == 0 { return true }
        guard errno == EEXIST else { throw Self.failure(path, "can't be made") }
        return false
    }

    private static func failure(
        _ path: String, _ what: String, cause: String? = String(cString: strerror(errno)), hint: String? = nil
    ) -> GatewayError {
        GatewayError(.deviceKey, "the device key \(path) \(what)", cause: cause, hint: hint)
    }
}

/// Reads and writes key files on a thread of its own, since a disk may be slow.
private actor IdentityFiles {
    static let shared = IdentityFiles()

    private let executor = ThreadExecutor(name: "device-key")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    func open(_ path: String) throws -> DeviceIdentity { try DeviceIdentity.load(path) }
}
