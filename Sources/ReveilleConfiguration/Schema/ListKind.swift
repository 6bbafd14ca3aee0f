internal import WakeCore

/// What a list holds.
public enum ListKind: Sendable {
    /// Session keys.
    case sessions
    /// Names of channels.
    case channels
    /// `uid:NUMBER`, or a unit's name such as `bot.service`.
    case reporters
    /// Origins of web pages, such as `https://example.org`.
    case origins
    /// Patterns of session keys.
    case patterns
    /// Absolute paths, or such that begin with `~/`; `*` in the last part stands for any text.
    case paths
    /// A program and its arguments; the same may come twice.
    case arguments
    /// `NAME=VALUE`.
    case variables

    /// The most elements.
    static let maximumCount = 256

    /// What one element is, in words.
    var element: String {
        switch self {
        case .sessions: "session key"
        case .channels: "channel"
        case .reporters: "`uid:NUMBER` or unit"
        case .origins: "origin, `SCHEME://HOST`, with `:PORT` where it has one"
        case .patterns: "session pattern"
        case .paths: "path"
        case .arguments: "argument"
        case .variables: "`NAME=VALUE`"
        }
    }

    /// Whether the same element may come twice.
    var mayRepeat: Bool { if case .arguments = self { true } else { false } }

    func read(_ raw: RawValue) throws(ValueFault) -> [String] {
        var found: [String] = []
        switch raw {
        case .text(let text): found = text.split(separator: ",").map { String($0.trimmingBlanks()) }
        case .node(.array(let nodes)):
            for node in nodes {
                guard case .string(let text) = node.value else {
                    throw ValueFault("must be a list of texts, and element \(node.path) is none")
                }
                found.append(text)
            }
        case .node: throw ValueFault("must be a list", hint: "write [\"…\"], with a \(element) in each pair of quotes")
        }
        guard found.count <= Self.maximumCount else { throw ValueFault("has over \(Self.maximumCount) elements") }
        for text in found {
            if let fault = fault(of: text) {
                // What a variable is set to may be a secret, and so may what was meant to be one.
                let shown = if case .variables = self { "an element" } else { ShownText.quoted(text) }
                throw ValueFault("has \(shown), which \(fault.message)", hint: fault.hint)
            }
        }
        if mayRepeat { return found }
        guard Set(found).count == found.count else { throw ValueFault("names one twice", hint: "name each once") }
        return found
    }

    private func fault(of text: String) -> ValueFault? {
        switch self {
        case .sessions:
            do { _ = try SessionKey(text) } catch {
                return ValueFault("is no session key: \(error.description)", hint: error.hint)
            }
            return nil
        case .channels: return Self.fault(ofChannel: text)
        case .origins: return Self.fault(ofOrigin: text)
        case .patterns: return SessionPattern.fault(of: text)
        case .arguments: return Self.fault(ofArgument: text)
        case .variables:
            let name = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return name.count == 2 && !name[0].isEmpty && !text.utf8.contains(0)
                ? nil : ValueFault("is no variable", hint: "write NAME=VALUE")
        case .paths:
            let parts = text.split(separator: "/")
            guard text.hasPrefix("/") || text.hasPrefix("~/"), !parts.isEmpty, text.utf8.count <= 4_095 else {
                return ValueFault("is not an absolute path", hint: "begin it with / or with ~/")
            }
            return parts.dropLast().contains { $0.contains("*") }
                ? ValueFault("has a * before its last part", hint: "name the folder in full") : nil
        case .reporters:
            if text.hasPrefix("uid:") {
                return UInt32(text.dropFirst(4)) == nil
                    ? ValueFault("has no user's number after uid:", hint: "write for example uid:1000") : nil
            }
            let isUnit = text.contains(".") && text.utf8.count <= 255 && !text.contains("/") && !text.contains(" ")
            return isUnit
                ? nil : ValueFault("is neither a unit nor uid:NUMBER", hint: "write for example bot.service, or uid:1000")
        }
    }

    private static func fault(ofArgument text: String) -> ValueFault? {
        if text.utf8.contains(0) { return ValueFault("has a zero byte in it") }
        return TurnPlaceholder.problem(of: text).map { ValueFault($0.message, hint: $0.hint) }
    }

    /// An origin as browsers send it (RFC 6454, section 6.1): nothing after host and port.
    private static func fault(ofOrigin text: String) -> ValueFault? {
        let scheme = ["https://", "http://"].first { text.hasPrefix($0) }
        let rest = text.dropFirst(scheme?.count ?? 0)
        let isGood =
            scheme != nil && !rest.isEmpty && text.utf8.count <= 512
            && rest.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"/?#@*\\".utf8.contains($0) }
        return isGood ? nil : ValueFault("is no origin", hint: "write for example https://example.org or http://localhost:8080")
    }

    static func fault(ofChannel name: String) -> ValueFault? {
        guard ChannelName(name) == nil else { return nil }
        return ValueFault(
            "is no channel", hint: "write TRANSPORT:ACCOUNT, such as discord:default or gateway:main/discord:default")
    }

    static func fault(ofTarget name: String) -> ValueFault? {
        switch RestartTarget(name) {
        case .host, .unit, .gateway: nil
        default:
            ValueFault(
                "is no target that can be watched", hint: "write host, gateway:NAME, or unit:NAME, such as unit:nginx.service")
        }
    }
}
