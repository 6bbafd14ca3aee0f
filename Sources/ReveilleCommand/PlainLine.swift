/// Reads the two verbs that agents and scripts call most, in their plain form, without building the tree of all verbs: that takes
/// longer than making a sentinel durable.
///
/// It knows no errors and no help: what is in any way unusual is left to the full parser. What it reads, the full parser reads alike;
/// the tests hold the two together.
enum PlainLine {
    /// The request that the arguments ask for, without the program's name; nil leaves them to the full parser.
    static func read(_ arguments: some Collection<String>) -> RequestOrder? {
        var words = arguments[...]
        switch words.popFirst() {
        case "restart": return Self.order(words, isOurs: true)
        case "sentinel" where words.popFirst() == "write": return Self.order(words, isOurs: false)
        default: return nil
        }
    }

    private static func order<Words: Collection<String>>(_ words: Words, isOurs: Bool) -> RequestOrder?
    where Words.SubSequence == Words {
        var words = words
        // Variables, not a dictionary: the first one of its kind would take as long as reading the ledger's schema.
        var (session, note, delay) = (String?.none, String?.none, String?.none)
        var route: String?
        var sources = ConfigurationSources()
        var json = false
        var command: [String] = []
        while let word = words.popFirst() {
            let isPlain: Bool
            switch word {
            case "--session": isPlain = take(&words, into: &session)
            case "--note": isPlain = take(&words, into: &note)
            case "--to": isPlain = take(&words, into: &route)
            case "--delay" where isOurs: isPlain = take(&words, into: &delay)
            case "--config": isPlain = take(&words, into: &sources.config)
            case "--ledger": isPlain = take(&words, into: &sources.ledger)
            case "--set":
                var value: String?
                isPlain = take(&words, into: &value)
                if let value { sources.overrides.append(value) }
            case "--json":
                isPlain = !json
                json = true
            case "--" where isOurs:
                isPlain = !words.isEmpty
                command = Array(words)
                words = words[words.endIndex...]
            default: isPlain = false
            }
            guard isPlain else { return nil }
        }
        guard let session, let note else { return nil }
        return RequestOrder(
            deed: isOurs ? .ours(delay: delay, command: command) : .observed,
            wish: RequestWish(session: session, note: note, route: route), json: json, sources: sources)
    }

    /// Takes a flag's value, if it is one without doubt: a dash may begin a flag, a value, or mean standard input.
    private static func take<Words: Collection<String>>(_ words: inout Words, into value: inout String?) -> Bool
    where Words.SubSequence == Words {
        guard value == nil, let word = words.popFirst(), !word.isEmpty, !word.hasPrefix("-") else { return false }
        value = word
        return true
    }
}
