/// A unit's name, such as `nginx.service`.
///
/// Rule: systemd.unit(5), "Description".
public struct UnitName: Hashable, Sendable, CustomStringConvertible {
    /// The kinds of units that there are.
    public static let kinds = [
        "service", "socket", "target", "timer", "mount", "automount", "swap", "path", "slice", "scope", "device",
    ]

    /// The whole name.
    public let description: String

    /// Takes a name; one without a kind is a service's, as with systemctl(1).
    ///
    /// - Throws: ``UnitNameError`` that says what is wrong.
    public init(_ text: String) throws(UnitNameError) {
        let hasKind = text.split(separator: ".").count > 1 && Self.kinds.contains(String(text.split(separator: ".").last ?? ""))
        let name = hasKind ? text : text + ".service"
        guard !text.isEmpty, name.utf8.count <= 255 else {
            throw UnitNameError(message: "a unit's name has 1 to 255 characters, with its kind", hint: nil)
        }
        guard name.utf8.allSatisfy({ Self.isAllowed($0) }) else {
            throw UnitNameError(
                message: "'\(text)' has characters that no unit's name has",
                hint: "Letters, digits and : - _ . \\ @ are allowed; escape others with systemd-escape.")
        }
        guard !name.hasPrefix("."), !name.hasPrefix("@") else {
            throw UnitNameError(message: "'\(text)' has no name before the '\(name.prefix(1))'", hint: nil)
        }
        if let at = name.firstIndex(of: "@"), name[name.index(after: at)...].hasPrefix(".") {
            throw UnitNameError(
                message: "'\(name)' is a template, which never runs itself",
                hint: "Name the instance, e.g. \(name[..<at])@one\(name[name.index(after: at)...]).")
        }
        description = name
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: ":-_.\\@".utf8.contains(byte)
        }
    }
}

/// Why a text is no unit's name.
public struct UnitNameError: Error, Hashable, Sendable {
    /// What is wrong.
    public let message: String
    /// What to do about it.
    public let hint: String?
}
