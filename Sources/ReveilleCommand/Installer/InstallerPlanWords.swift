import Installation
import WakeCore

// What a plan looks like, to people and as JSON.
extension FileStep.Standing {
    /// In a word or two.
    var words: String {
        switch self {
        case .new: "new"
        case .missing: "missing"
        case .hiding: "new"
        case .unchanged: "unchanged"
        case .alreadyThere: "already there"
        case .outdated: "outdated"
        case .changedByYou: "changed by you"
        case .obsolete: "ours"
        case .kept: "kept"
        }
    }

    /// The name in JSON.
    var name: String {
        switch self {
        case .new: "new"
        case .missing: "missing"
        case .hiding: "hiding"
        case .unchanged: "unchanged"
        case .alreadyThere: "alreadyThere"
        case .outdated: "outdated"
        case .changedByYou: "changedByYou"
        case .obsolete: "obsolete"
        case .kept: "kept"
        }
    }

    /// What more there is to say.
    var remark: String? {
        switch self {
        case .hiding(let package): "hides another version at \(package)"
        case .alreadyThere(let path): path
        case .changedByYou(let how): how
        case .kept: "given earlier"
        default: nil
        }
    }
}

extension FileStep {
    var json: JSONValue {
        var object: JSONObject = [
            "path": .string(path), "standing": .string(standing.name), "action": .string(action.rawValue),
        ]
        object["remark"] = standing.remark.map { .string($0) }
        return .object(object)
    }

    /// One line.
    var line: String {
        let deed =
            switch action {
            case .write: "write"
            case .overwrite: "overwrite, keeping yours"
            case .remove: "remove"
            case .leave: "leave alone"
            case .none: ""
            }
        func column(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        let remark = standing.remark.flatMap { $0 == path ? nil : "  (\($0))" } ?? ""
        return "  \(column(standing.words, 15))\(column(deed, action == .overwrite ? 26 : 13))\(path)\(remark)"
    }
}

enum InstallerWords {
    /// What to do about files that are left alone.
    static func printLeft(_ steps: [FileStep], _ verb: String) {
        let left = steps.filter { $0.action == .leave }
        guard !left.isEmpty else { return }
        Printing.line("\nLeft alone, since not we but you wrote what is there:")
        for step in left {
            Printing.line("  \(step.path)")
            guard step.wanted != nil else { continue }
            let path = shellQuoted(step.path)
            Printing.line("      reveille \(verb) --print \(path) | diff \(path) -")
        }
        guard left.contains(where: { $0.wanted != nil }) else { return }
        Printing.line("  To have ours (yours is kept as …\(InstallerDisk.backupEnding)): reveille \(verb) --overwrite")
        Printing.line("  Changes of your own belong in a drop-in, which no install touches: systemctl edit reveille.service")
    }

    /// A text as a shell takes it back.
    static func shellQuoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || "/._-+@:".utf8.contains(byte)
        }
        return isPlain ? text : "'" + text.replacing("'", with: "'\\''") + "'"
    }
}
