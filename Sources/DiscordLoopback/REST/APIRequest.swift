import NIOCore
import NIOHTTP1
import NetSupport

/// A request to the imitated API, taken apart.
struct APIRequest {
    let number: UInt64
    let connection: UInt64
    let method: String
    /// Path parts after `/api/vN`, percent-decoded.
    let path: [String]
    let query: [String: String]
    let headers: HTTPHeaders
    let body: [UInt8]
    /// Whether the path began with `/api`.
    let isAPI: Bool
    /// The `N` of `/api/vN`; `nil` for none.
    let version: Int?

    init(number: UInt64, _ request: WebServerRequest) {
        self.number = number
        connection = request.connection
        method = request.method.rawValue
        let halves = request.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var parts = (halves.first ?? "").split(separator: "/").map { Self.decode($0) }
        isAPI = parts.first == "api"
        if isAPI { parts.removeFirst() }
        if isAPI, let first = parts.first, first.hasPrefix("v"), let number = Int(first.dropFirst()) {
            version = number
            parts.removeFirst()
        } else {
            version = nil
        }
        path = parts
        query = halves.count > 1 ? Self.query(halves[1]) : [:]
        headers = request.headers
        body = Array(request.body.readableBytesView)
    }

    static func query(_ text: Substring) -> [String: String] {
        var result: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            result[decode(sides[0])] = sides.count > 1 ? decode(sides[1]) : ""
        }
        return result
    }

    private static func decode(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2, let hex = UInt8(String(Substring(rest.prefix(2))), radix: 16) {
                bytes.append(hex)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    var contentType: String { headers.first(name: "Content-Type")?.lowercased() ?? "" }

    /// The channel or guild that a rate limit is counted for; 0 for neither.
    var major: Snowflake {
        path.count > 1 && ["channels", "guilds", "webhooks"].contains(path[0]) ? Snowflake(path[1]) ?? 0 : 0
    }

    /// The path with ids replaced, e.g. `/channels/{id}/messages`.
    var route: String {
        "/" + path.map { Snowflake($0) == nil ? $0 : "{id}" }.joined(separator: "/")
    }
}
