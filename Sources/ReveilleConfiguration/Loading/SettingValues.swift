/// Typed access to settings by path.
///
/// The table gives every key asked for here a type and a default (a test reads them all), so a miss is a fault of this program.
struct SettingValues {
    private let settings: [ConfigurationPath: ConfigurationSetting]

    init(_ settings: [ConfigurationPath: ConfigurationSetting]) {
        self.settings = settings
    }

    func value(_ path: String) -> ConfigurationValue? {
        settings[ConfigurationPath(path.split(separator: ".").map(String.init))]?.value
    }

    func optionalText(_ path: String) -> String? {
        guard case .text(let text)? = value(path) else { return nil }
        return text
    }

    func text(_ path: String) -> String {
        guard let text = optionalText(path) else { preconditionFailure("no text in the table for \(path)") }
        return text
    }

    func texts(_ path: String) -> [String] {
        guard case .texts(let texts)? = value(path) else { preconditionFailure("no list in the table for \(path)") }
        return texts
    }

    func optionalTexts(_ path: String) -> [String] {
        guard case .texts(let texts)? = value(path) else { return [] }
        return texts
    }

    func duration(_ path: String) -> Duration {
        guard case .duration(let duration)? = value(path) else { preconditionFailure("no duration in the table for \(path)") }
        return duration
    }

    func integer(_ path: String) -> Int {
        guard case .integer(let integer)? = value(path) else { preconditionFailure("no integer in the table for \(path)") }
        return integer
    }

    func number(_ path: String) -> Double {
        guard case .number(let number)? = value(path) else { preconditionFailure("no number in the table for \(path)") }
        return number
    }

    func flag(_ path: String) -> Bool { text(path) == "true" }

    func word<Word: RawRepresentable<String>>(_ path: String) -> Word {
        guard let word = Word(rawValue: text(path)) else { preconditionFailure("\(path) allows a word that \(Word.self) lacks") }
        return word
    }
}
