import Crypto
import Foundation
import NIOSSL

/// A certificate for `127.0.0.1` that its own key has signed, made for one test, in two files as a server wants them.
struct OwnCertificate: Sendable {
    let folder: String
    let certificatePath: String
    let keyPath: String
    let certificate: NIOSSLCertificate

    var trust: NIOSSLTrustRoots { .certificates([certificate]) }

    /// Makes one, hands it to the body, and removes its files.
    static func with(
        address: [UInt8] = [127, 0, 0, 1], _ body: @Sendable (OwnCertificate) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "reveille-tls-\(UInt64.random(in: 0 ... .max))").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(try OwnCertificate(in: folder, address: address))
    }

    private init(in folder: String, address: [UInt8]) throws {
        self.folder = folder
        (certificatePath, keyPath) = (folder + "/certificate.pem", folder + "/key.pem")
        let key = P256.Signing.PrivateKey()
        let bytes = try Self.signed(by: key, for: address)
        let text = Data(bytes).base64EncodedString(options: .lineLength64Characters)
        try "-----BEGIN CERTIFICATE-----\n\(text)\n-----END CERTIFICATE-----\n"
            .write(toFile: certificatePath, atomically: true, encoding: .utf8)
        try key.pemRepresentation.write(toFile: keyPath, atomically: true, encoding: .utf8)
        certificate = try NIOSSLCertificate(bytes: bytes, format: .der)
    }

    // MARK: X.509 (RFC 5280) in DER, just enough of it

    private static func der(_ tag: UInt8, _ parts: [UInt8]...) -> [UInt8] {
        let content = parts.flatMap { $0 }
        if content.count < 0x80 { return [tag, UInt8(content.count)] + content }
        if content.count < 0x100 { return [tag, 0x81, UInt8(content.count)] + content }
        return [tag, 0x82, UInt8(content.count >> 8), UInt8(content.count & 0xFF)] + content
    }

    private static let (sequence, set, integer, bits, octets): (UInt8, UInt8, UInt8, UInt8, UInt8) = (
        0x30, 0x31, 0x02, 0x03, 0x04
    )

    private static func signed(by key: P256.Signing.PrivateKey, for address: [UInt8]) throws -> [UInt8] {
        let algorithm = der(sequence, der(0x06, [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02]))  // ecdsa-with-SHA256
        let commonName = der(sequence, der(0x06, [0x55, 0x04, 0x03]), der(0x0C, Array("reveille test".utf8)))
        let name = der(sequence, der(set, commonName))
        let validity = der(sequence, der(0x17, Array("200101000000Z".utf8)), der(0x17, Array("491231235959Z".utf8)))
        let isAuthority = der(
            sequence, der(0x06, [0x55, 0x1D, 0x13]), der(0x01, [0xFF]), der(octets, der(sequence, der(0x01, [0xFF]))))
        let names = der(sequence, der(0x06, [0x55, 0x1D, 0x11]), der(octets, der(sequence, der(0x87, address))))
        let body = der(
            sequence, der(0xA0, der(integer, [2])), der(integer, [1]), algorithm, name, validity, name,
            Array(key.publicKey.derRepresentation), der(0xA3, der(sequence, isAuthority, names)))
        let signature = try key.signature(for: Data(body)).derRepresentation
        return der(sequence, body, algorithm, der(bits, [0] + Array(signature)))
    }
}
