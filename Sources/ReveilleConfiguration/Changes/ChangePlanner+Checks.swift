internal import WakeCore

extension ChangePlanner {
    static func paths(_ texts: [String]) throws(ChangeFault) -> Set<[String]> {
        guard texts.count <= ConfigurationChange.replacePathsMaximumCount else {
            throw ChangeFault(.invalid, "replacePaths has over \(ConfigurationChange.replacePathsMaximumCount) paths")
        }
        let bad = texts.filter { ConfigurationPath(parsing: $0) == nil }
        guard bad.isEmpty else {
            throw ChangeFault(
                .invalid, "replacePaths has what is no path",
                issues: bad.map { ("replacePaths", "\(ShownText.quoted($0)) is no path of a key") },
                hint: "write keys with points between them, such as discord.accounts.default.allowedMentions")
        }
        return Set(texts.compactMap { ConfigurationPath(parsing: $0)?.components })
    }

    /// Reads what was given: JSON5, an object, every key once, no number that JSON has no word for.
    static func document(_ raw: String) throws(ChangeFault) -> JSONValue {
        let document: JSON5Document
        do { document = try JSON5.parse(Array(raw.utf8)) } catch {
            throw ChangeFault(.invalid, "raw is not JSON5", issues: [("", "\(error)")], hint: error.hint)
        }
        guard case .object = document.root.value else {
            throw ChangeFault(
                .invalid, "raw must be an object, and is \(document.root.value.kindInWords)", hint: "put { … } around the keys")
        }
        var unspeakable: [String] = []
        let value = document.root.value.json(&unspeakable)
        var issues = document.duplicates.map { (path: "", message: "\($0)") }
        issues += unspeakable.map { (path: $0, message: "is no number that a value can have") }
        guard issues.isEmpty else { throw ChangeFault(.invalid, "raw is faulty; nothing was changed", issues: issues) }
        return value
    }

    /// Refuses what no change may touch: secrets, and where the ledger is.
    static func checkTouch(_ patch: JSONValue, because reason: String) throws(ChangeFault) {
        var issues: [(path: String, message: String)] = []
        var hint: String?
        func look(_ value: JSONValue, at path: [String]) {
            let shown = "\(ConfigurationPath(path))"
            if let refusal = AcceptedPatches.refusal(of: path, isRemoval: value.isNull) {
                issues.append((shown, "\(refusal); \(reason)"))
                let key = path.first == "agents" ? "agents" : "ledger.directory"
                hint = hint ?? "set \(key) in the configuration file, and restart the daemon"
            } else if let descriptor = KeyTree.descend(path)?.descriptor, descriptor.isSecret {
                let place = ConfigurationPath(path.dropLast() + ["tokenFile"])
                issues.append((shown, "a token can't be set here: it would be stored where it can be read"))
                hint = "put the token into a file of its own (chmod 600) and name that in \(place)"
            } else if case .object(let object) = value {
                for member in object.members { look(member.value, at: path + [member.key]) }
            }
        }
        look(patch, at: [])
        guard let first = issues.first else { return }
        throw ChangeFault(.forbiddenKey, "\(first.path) can't be changed: \(first.message)", issues: issues, hint: hint)
    }

    static func checkArrays(_ patch: JSONValue, over before: JSONValue, replaced: Set<[String]>) throws(ChangeFault) {
        let shrunk = MergePatch.shrunkArrays(by: patch, over: before).filter { !replaced.contains($0) }
            .map { "\(ConfigurationPath($0))" }
        guard let first = shrunk.first else { return }
        throw ChangeFault(
            .arrayShrunk, "\(shrunk.joined(separator: ", ")) would lose elements",
            issues: shrunk.map { ($0, "would lose elements, and is not named in replacePaths") },
            hint: "a list replaces the list: give all of its elements, or name \(first) in replacePaths")
    }

    /// A whole configuration that says nothing of the ledger's other keys unsets them, each by its name: nothing may unset all. One that
    /// says nothing of agents, or has them as they are shown, leaves them as they are.
    static func keepingFixed(_ patch: JSONValue, wish: JSONValue, before: JSONValue) -> JSONValue {
        guard case .object(var changes) = patch else { return patch }
        if wish["agents"] == nil || wish["agents"] == HiddenValues.masked(before)["agents"] { changes["agents"] = nil }
        guard let ledger = changes["ledger"], ledger.isNull else { return .object(changes) }
        changes["ledger"] = MergePatch.difference(from: before["ledger"] ?? .object(JSONObject()), to: .object(JSONObject()))
        return .object(changes)
    }
}
