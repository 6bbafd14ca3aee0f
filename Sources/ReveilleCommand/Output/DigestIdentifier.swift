import Crypto
import WakeCore

extension Identifier {
    /// The same 128 bits for the same parts, and for no others.
    ///
    /// - Parameter parts: what the name follows from; none of them holds a zero byte but for the last.
    init(digestOf parts: String...) {
        let digest = Array(SHA256.hash(data: Array(parts.joined(separator: "\u{0}").utf8)))
        func word(_ from: Int) -> UInt64 { digest[from..<from + 8].reduce(0) { $0 << 8 | UInt64($1) } }
        self.init(high: word(0), low: word(8))
    }
}
