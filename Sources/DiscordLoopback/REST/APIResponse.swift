import NIOCore
import NIOHTTP1
import NetSupport

/// A response of the imitated API before it is put on the wire.
struct APIResponse: Sendable {
    var status: Int
    var headers: [(String, String)] = []
    var body: Body

    enum Body: Sendable {
        case none
        case json(JSON)
        case html(String)
        case bytes([UInt8], contentType: String)
    }

    static func ok(_ json: JSON) -> APIResponse { APIResponse(status: 200, body: .json(json)) }
    static let noContent = APIResponse(status: 204, body: .none)

    /// An error body as documented: `code`, `message` and, for faulty forms, `errors` by field.
    static func error(_ status: Int, _ code: Int, _ message: String, errors: JSON? = nil) -> APIResponse {
        var body: JSON = ["message": .string(message), "code": JSON(code)]
        if let errors { body[key: "errors"] = errors }
        return APIResponse(status: status, body: .json(body))
    }

    /// 400/50035 with one fault at one field; the path's parts are keys or array indices.
    static func invalidForm(_ path: String..., code: String, message: String) -> APIResponse {
        var errors: JSON = ["_errors": [["code": .string(code), "message": .string(message)]]]
        for part in path.reversed() { errors = [part: errors] }
        return error(400, 50_035, "Invalid Form Body", errors: errors)
    }

    static let unauthorized = error(401, 0, "401: Unauthorized")
    static let notFound = error(404, 0, "404: Not Found")
    static let methodNotAllowed = error(405, 0, "405: Method Not Allowed")
    static let unknownChannel = error(404, 10_003, "Unknown Channel")
    static let unknownGuild = error(404, 10_004, "Unknown Guild")
    static let unknownMessage = error(404, 10_008, "Unknown Message")
    static let unknownUser = error(404, 10_013, "Unknown User")
    static let missingAccess = error(403, 50_001, "Missing Access")
    static let missingPermissions = error(403, 50_013, "Missing Permissions")

    /// A page as Cloudflare serves it when a limit or a shield in front of the API strikes.
    static func cloudflare(_ status: Int, _ title: String, retryAfterSeconds: Int? = nil) -> APIResponse {
        let page = "<!DOCTYPE html>\n<html><head><title>\(title)</title></head><body><h1>\(title)</h1></body></html>\n"
        var response = APIResponse(status: status, body: .html(page))
        if let retryAfterSeconds { response.headers.append(("Retry-After", String(retryAfterSeconds))) }
        return response
    }

    /// The code in a JSON error body, for the log.
    var code: Int? { if case .json(let body) = body, status >= 400 { body[key: "code"]?.int } else { nil } }

    var isFromCloudflare: Bool { if case .html = body { true } else { false } }

    func onTheWire() -> WebServerResponse {
        var headers = HTTPHeaders(self.headers)
        var buffer = ByteBuffer()
        switch body {
        case .none: break
        case .json(let json):
            headers.add(name: "Content-Type", value: "application/json")
            buffer.writeString(json.text)
        case .html(let text):
            headers.add(name: "Content-Type", value: "text/html; charset=UTF-8")
            buffer.writeString(text)
        case .bytes(let bytes, let contentType):
            headers.add(name: "Content-Type", value: contentType)
            buffer.writeBytes(bytes)
        }
        // Libraries tell Discord's own 429 from Cloudflare's by this header.
        if !isFromCloudflare { headers.add(name: "Via", value: "1.1 loopback") }
        return WebServerResponse(status: HTTPResponseStatus(statusCode: status), headers: headers, body: buffer)
    }
}
