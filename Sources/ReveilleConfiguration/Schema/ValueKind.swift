internal import WakeCore

/// The type of a configuration value, with its range or the values allowed.
public enum ValueKind: Sendable {
    /// A duration as ``DurationText`` reads it.
    case duration(ClosedRange<Duration>)
    /// A whole number.
    case integer(ClosedRange<Int>)
    /// A number.
    case number(ClosedRange<Double>)
    /// `true` or `false`.
    case flag
    /// One word of several.
    case choice([String])
    /// A list of words out of several, each at most once; in the environment and in flags with commas between them.
    case choices([String])
    /// An absolute path, or one that begins with `~/`; in a flag also one from the working directory.
    case path
    /// The name of an environment variable.
    case variableName
    /// `https://…`, or `http://…` to this machine.
    case restAddress
    /// `wss://…`, or `ws://…` to this machine.
    case gatewayAddress
    /// The name of a unit, such as `nginx.service` or `system/nginx.service`.
    case unitName
    /// `CHANNEL/channel:ID` or `CHANNEL/user:ID`, such as `discord:default/channel:1234`.
    case route
    /// What a session is told: one text of at most 8 KiB.
    case note
    /// A text with fields in braces, of those that are given.
    case template(Set<String>)
    /// A session key.
    case session
    /// A part of each day, `HH:MM-HH:MM`.
    case quietHours
    /// A list of things that have a form of their own; in the environment and in flags with commas between them.
    case list(ListKind)
    /// A secret: never taken from a file or a flag.
    case secret

    func read(_ raw: RawValue) throws(ValueFault) -> ConfigurationValue {
        switch self {
        case .duration(let range): .duration(try Self.duration(raw, in: range))
        case .integer(let range): .integer(try Self.integer(raw, in: range))
        case .number(let range): .number(try Self.number(raw, in: range))
        case .flag: .text(try Self.flag(raw))
        case .choice(let words): .text(try Self.choice(try Self.text(raw, "one word"), of: words))
        case .choices(let words): .texts(try Self.choices(raw, of: words))
        case .path: .text(try Self.path(try Self.text(raw, "a path")))
        case .variableName: .text(try Self.variableName(try Self.text(raw, "a name")))
        case .restAddress:
            .text(try ServiceAddress(parsing: try Self.text(raw, "an address"), schemes: ["https", "http"]).description)
        case .gatewayAddress:
            .text(try ServiceAddress(parsing: try Self.text(raw, "an address"), schemes: ["wss", "ws"]).description)
        case .unitName: .text(try Self.unitName(try Self.text(raw, "the name of a unit")))
        case .note: .text(try Self.note(try Self.text(raw, "a text")))
        case .template(let fields): .text(try Self.template(try Self.text(raw, "a text"), fields))
        case .session: .text(try Self.session(try Self.text(raw, "a session key")))
        case .quietHours: .text(try Self.quietHours(try Self.text(raw, "a part of the day")))
        case .list(let kind): .texts(try kind.read(raw))
        case .route: .text(try Self.route(try Self.text(raw, "a route")))
        case .secret:
            throw ValueFault("can't be set here", hint: DiscordToken.whereTokensGo)
        }
    }

    private static func text(_ raw: RawValue, _ wanted: String) throws(ValueFault) -> String {
        switch raw {
        case .text(let text), .node(.string(let text)):
            guard !text.isEmpty else {
                throw ValueFault("must be \(wanted), not empty", hint: "leave the key out to get its default")
            }
            return text
        case .node: throw ValueFault("must be \(wanted), in quotes")
        }
    }

    private static func duration(_ raw: RawValue, in range: ClosedRange<Duration>) throws(ValueFault) -> Duration {
        // Only where it is told: a start reads every key, and none of them is out of range.
        var words: String { "\(DurationText.format(range.lowerBound)) to \(DurationText.format(range.upperBound))" }
        if case .node(.number(let number)) = raw {
            let plain = ShownText.escaped(number.text)
            throw ValueFault(
                "is a duration and needs a unit", hint: "write \"\(plain)s\" for seconds, or with ms, min, h or d, in quotes")
        }
        let duration: Duration
        do {
            duration = try DurationText.parse(try text(raw, "a duration"))
        } catch let error as DurationTextError {
            throw ValueFault(error.message, hint: error.hint)
        } catch let fault as ValueFault {
            throw fault
        } catch {
            throw ValueFault("is no duration")
        }
        guard range.contains(duration) else {
            throw ValueFault("is out of range: \(words)", hint: "give a duration from \(words)")
        }
        return duration
    }

    private static func integer(_ raw: RawValue, in range: ClosedRange<Int>) throws(ValueFault) -> Int {
        let integer: Int?
        switch raw {
        case .node(.number(let number)): integer = number.integer
        case .text(let text): integer = Int(text)
        case .node: integer = nil
        }
        var words: String { "\(range.lowerBound) to \(range.upperBound)" }
        guard let integer else { throw ValueFault("must be a whole number, without quotes", hint: "give a number from \(words)") }
        guard range.contains(integer) else { throw ValueFault("is out of range: \(words)", hint: "give a number from \(words)") }
        return integer
    }

    private static func number(_ raw: RawValue, in range: ClosedRange<Double>) throws(ValueFault) -> Double {
        let number: Double?
        switch raw {
        case .node(.number(let found)): number = found.value
        case .text(let text): number = Double(text)
        case .node: number = nil
        }
        var words: String {
            "\(ConfigurationValue.number(range.lowerBound).text) to \(ConfigurationValue.number(range.upperBound).text)"
        }
        guard let number else { throw ValueFault("must be a number, without quotes", hint: "give a number from \(words)") }
        guard range.contains(number) else { throw ValueFault("is out of range: \(words)", hint: "give a number from \(words)") }
        return number
    }

    private static func flag(_ raw: RawValue) throws(ValueFault) -> String {
        switch raw {
        case .node(.boolean(let flag)): return "\(flag)"
        case .text("true"): return "true"
        case .text("false"): return "false"
        default: throw ValueFault("must be true or false")
        }
    }

    private static func choice(_ text: String, of words: [String]) throws(ValueFault) -> String {
        if words.contains(text) { return text }
        let nearest = NearestKey.nearest(to: text, among: words).map { "did you mean \($0)?" }
        throw ValueFault("must be one of \(words.joined(separator: ", "))", hint: nearest ?? "use one of these words")
    }

    private static func choices(_ raw: RawValue, of words: [String]) throws(ValueFault) -> [String] {
        var found: [String] = []
        switch raw {
        case .text(let text):
            found = text.split(separator: ",").map { String($0.trimmingBlanks()) }
        case .node(.array(let nodes)):
            for node in nodes {
                guard case .string(let text) = node.value else {
                    throw ValueFault("must be a list of words, and element \(node.path) is none")
                }
                found.append(text)
            }
        case .node:
            throw ValueFault(
                "must be a list of words", hint: "write [\"\(words[0])\"], with any of \(words.joined(separator: ", "))")
        }
        var taken: [String] = []
        for word in found {
            do {
                taken.append(try choice(word, of: words))
            } catch {
                throw ValueFault("has \(ShownText.quoted(word)), which \(error.message)", hint: error.hint)
            }
        }
        guard Set(taken).count == taken.count else { throw ValueFault("names a word twice", hint: "name each word once") }
        return taken
    }

    private static func path(_ text: String) throws(ValueFault) -> String {
        guard text.utf8.count <= 4_095, !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw ValueFault("is no path: too long, or with control characters in it")
        }
        guard text.hasPrefix("/") || text.hasPrefix("~/") else {
            throw ValueFault("is not an absolute path", hint: "begin it with / or with ~/")
        }
        return text
    }

    private static func variableName(_ text: String) throws(ValueFault) -> String {
        let isName = text.utf8.enumerated().allSatisfy { index, byte in
            (0x61...0x7A).contains(byte | 0x20) || byte == UInt8(ascii: "_") || (index > 0 && (0x30...0x39).contains(byte))
        }
        guard isName, text.utf8.count <= 128 else {
            throw ValueFault("is no name of an environment variable", hint: "give the variable's name, not its value")
        }
        return text
    }

    private static func unitName(_ text: String) throws(ValueFault) -> String {
        let name = text.hasPrefix("system/") ? text.dropFirst(7) : text[...]
        guard name.contains("."), name.utf8.count <= 255, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !name.contains("/")
        else { throw ValueFault("is no name of a unit", hint: "write for example openclaw-gateway.service") }
        return text
    }

    private static func note(_ text: String) throws(ValueFault) -> String {
        guard text.utf8.count <= Limits.noteBytes, text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else {
            throw ValueFault("must be 1 byte to \(Limits.noteBytes) bytes of text, not blanks alone")
        }
        return text
    }

    private static func template(_ text: String, _ fields: Set<String>) throws(ValueFault) -> String {
        do { _ = try Template(text, fields: fields) } catch { throw ValueFault("can't be used: \(error)") }
        return text
    }

    private static func session(_ text: String) throws(ValueFault) -> String {
        do { return try SessionKey(text).description } catch {
            throw ValueFault("is no session key: \(error.description)", hint: error.hint)
        }
    }

    private static func quietHours(_ text: String) throws(ValueFault) -> String {
        guard QuietHours(text) != nil else {
            throw ValueFault("is no part of the day", hint: "write for example \"22:00-07:00\"")
        }
        return text
    }

    private static func route(_ text: String) throws(ValueFault) -> String {
        guard let route = Route(text) else {
            throw ValueFault(
                "is no route", hint: "write CHANNEL/channel:ID or CHANNEL/user:ID, such as \"discord:default/channel:1234\"")
        }
        return route.description
    }
}
