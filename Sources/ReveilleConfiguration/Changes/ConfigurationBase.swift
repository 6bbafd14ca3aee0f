internal import Crypto
internal import WakeCore

/// The configuration that a change is made for.
struct ConfigurationBase {
    let layers: FileLayers
    let resolved: ResolvedLayers
    /// What the files say together, without the accepted patches.
    let files: JSONValue
    /// The layer that counts, with the number of the log's newest accepted entry.
    let patches: AcceptedPatches

    /// Whether there are accepted patches, and none of them can be used.
    var hasLostPatches: Bool { !resolved.configuration.warnings.isEmpty && patches.patch == .object(JSONObject()) }
    /// What the files say together.
    var parsed: JSONValue { MergePatch.apply(patches.patch, to: files) }
    var hash: String { hash(withPatches: layers.patchBytes) }

    init(loader: ConfigurationLoader) throws(ConfigurationProblems) {
        layers = try loader.readFiles()
        resolved = try loader.resolve(layers)
        var sum = JSONValue.object(JSONObject())
        for text in layers.texts {
            // What could not be read has been told above; a file of nothing but comments says nothing.
            guard let document = try? JSON5.parse(text.bytes) else { continue }
            var unspeakable: [String] = []
            sum = MergePatch.apply(document.root.value.json(&unspeakable), to: sum)
        }
        files = sum
        var patches = resolved.patches
        if !resolved.configuration.warnings.isEmpty, let directory = layers.patchDirectory {
            patches.number = max(patches.number, PatchLog(directory: directory + "/log").newestWritten)
        }
        self.patches = patches
    }

    /// The digest of the files with a layer of accepted patches: each name and text with its length, so that nothing can move from one
    /// to the next unseen.
    func hash(withPatches patches: [UInt8]?) -> String {
        var digest = SHA256()
        let all = layers.texts + (patches.map { [(path: layers.patchFile, bytes: $0)] } ?? [])
        for text in all {
            digest.update(data: Array("\(text.path.utf8.count) \(text.path) \(text.bytes.count) ".utf8))
            digest.update(data: text.bytes)
        }
        return digest.finalize().map { byte in
            let digits = String(byte, radix: 16)
            return digits.utf8.count < 2 ? "0" + digits : digits
        }.joined()
    }

    var picture: ConfigurationPicture {
        let main = layers.texts.first { $0.path == layers.files.main }
        // A file with what is never shown is not shown.
        let isOpen = !resolved.ofFiles.values.contains { $0.descriptor.hidesValues }
        let raw = isOpen ? main.map { String(decoding: $0.bytes, as: UTF8.self) } : nil
        return ConfigurationPicture(
            path: layers.files.main, exists: main != nil, raw: raw.flatMap { TokenShape.isSuspicious($0) ? nil : $0 },
            parsed: HiddenValues.masked(parsed), hash: hash, configuration: resolved.configuration,
            shadowed: Self.shadowed(in: resolved.configuration).filter { resolved.ofFiles[$0] != nil }.map { "\($0)" })
    }

    /// The keys that the environment or a flag sets.
    static func shadowed(in configuration: Configuration) -> [ConfigurationPath] {
        configuration.settings.filter { setting in
            switch setting.origin {
            case .environment(let name): name.hasPrefix(EnvironmentNames.prefix)
            case .flag: true
            default: false
            }
        }.map(\.path)
    }
}
