internal import WakeCore

/// The accepted patches, as the one layer that they are: between the files and the environment.
struct AcceptedPatches: Sendable {
    /// The number of the newest entry of the log that is in it.
    var number = 0
    /// All of them as one merge patch; null: the key is unset, whatever the files say.
    var patch: JSONValue = .object(JSONObject())
    /// Which entry of the log each value comes from, by path.
    var origins: [String: Int] = [:]

    /// How the layer is kept.
    static let fileName = "patches.json"
    static let lastGoodName = "last-good.json"

    /// None yet.
    init() {}

    /// Reads what ``bytes`` writes; nil if it is anything else.
    init?(_ bytes: [UInt8]) {
        guard let document = try? JSONValue.parse(bytes, maximumDepth: JSON5.nestingMaximumDepth + 2),
            let number = document["number"]?.integer, number > 0, number < Int.max, let patch = document["patch"],
            patch.object != nil, let origins = document["origins"]?.object
        else { return nil }
        self.number = Int(number)
        self.patch = patch
        for member in origins.members {
            guard let origin = member.value.integer else { return nil }
            self.origins[member.key] = Int(origin)
        }
    }

    /// The layer as a file, always the same for the same layer.
    var bytes: [UInt8] {
        let origins = origins.sorted { $0.key < $1.key }.map {
            JSONObject.Member(key: $0.key, value: .integer(Int64($0.value)))
        }
        let document: JSONValue = ["number": .integer(Int64(number)), "patch": patch, "origins": .object(JSONObject(origins))]
        return document.bytes + [UInt8(ascii: "\n")]
    }

    /// The layer with one more patch on it.
    ///
    /// - Parameters:
    ///   - later: a pure merge patch.
    ///   - number: the number that its entry has in the log.
    ///   - files: what the files below say together.
    /// - Returns: the layer.
    func adding(_ later: JSONValue, number: Int, over files: JSONValue) -> AcceptedPatches {
        var sum = AcceptedPatches()
        sum.number = number
        sum.patch = MergePatch.compose(patch, later, over: files)
        let fresh = Set(Self.leaves(of: later))
        for leaf in Self.leaves(of: sum.patch) { sum.origins[leaf] = fresh.contains(leaf) ? number : origins[leaf] ?? number }
        return sum
    }

    func origin(of path: [String]) -> ConfigurationOrigin {
        .acceptedPatch(origins["\(ConfigurationPath(path))"] ?? number)
    }

    /// Why no patch may touch a path; nil if one may.
    static func refusal(of path: [String], isRemoval: Bool) -> String? {
        if path.first == "agents" { return "what runs as the daemon's user is for its configuration files to say" }
        let fixed = ["ledger", "directory"]
        guard path == fixed || (isRemoval && fixed.starts(with: path)) else { return nil }
        return "the accepted patches lie in the ledger's directory, so a patch can't move it"
    }

    private static func leaves(of value: JSONValue, at path: [String] = []) -> [String] {
        guard case .object(let object) = value else { return ["\(ConfigurationPath(path))"] }
        return object.members.flatMap { leaves(of: $0.value, at: path + [$0.key]) }
    }
}
