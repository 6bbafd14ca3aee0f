/// `${NAME}` in a text, by the gateway's rules: upper-case names only; anything else stays as it stands.
enum EnvironmentReferences {
    /// A variable that is not set, or empty.
    struct Missing: Error, Hashable {
        let name: String
    }

    /// Whether a text refers to a variable.
    static func areIn(_ text: String) -> Bool { pieces(text).contains { if case .reference = $0 { true } else { false } } }

    /// The text with the variables' values in it, and `$${NAME}` as `${NAME}`.
    static func substituted(_ text: String, _ environment: [String: String]) -> Result<String, Missing> {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return .success(text) }
        var whole = ""
        for piece in pieces(text) {
            switch piece {
            case .plain(let text): whole += text
            case .reference(let name):
                guard let value = environment[name], !value.isEmpty else { return .failure(Missing(name: name)) }
                whole += value
            }
        }
        return .success(whole)
    }

    private enum Piece {
        case plain(String)
        case reference(String)
    }

    private static func pieces(_ text: String) -> [Piece] {
        var pieces: [Piece] = []
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            pieces.append(.plain(String(rest[..<dollar])))
            let isEscaped = rest[rest.index(after: dollar)...].first == "$"
            let opening = isEscaped ? rest.index(after: dollar) : dollar
            if let (name, end) = reference(rest[opening...]) {
                pieces.append(isEscaped ? .plain("${\(name)}") : .reference(name))
                rest = rest[end...]
            } else {
                pieces.append(.plain("$"))
                rest = rest[rest.index(after: dollar)...]
            }
        }
        return pieces + [.plain(String(rest))]
    }

    /// The name in a text that begins with `${NAME}`, and where it goes on.
    private static func reference(_ text: Substring) -> (String, String.Index)? {
        guard text.hasPrefix("${"), let close = text.firstIndex(of: "}") else { return nil }
        let name = text[text.index(text.startIndex, offsetBy: 2)..<close]
        let isName = name.utf8.enumerated().allSatisfy { index, byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): index > 0
            default: false
            }
        }
        return name.isEmpty || !isName ? nil : (String(name), text.index(after: close))
    }
}
