import ReveilleConfiguration

/// The files that a configuration is made of, each read once, within limits.
struct GatewayConfigLibrary {
    /// The folder that includes must not leave.
    let root: String
    /// The files in the order in which they were first asked for.
    private(set) var files: [String] = []
    private var documents: [String: Result<JSON5Document, Fault>] = [:]
    private var sizes: [String: Int] = [:]
    private var readings = 0
    private var bytes = 0

    /// Why a file gives no document.
    struct Fault: Error {
        let code: GatewayConfigProblem.Code
        let reason: String
        let hint: String
    }

    init(root: String) { self.root = root }

    /// The same files as if none had been asked for yet.
    var rewound: GatewayConfigLibrary {
        var copy = self
        copy.readings = 0
        copy.bytes = 0
        copy.files = []
        return copy
    }

    /// The document of a file.
    mutating func document(_ file: String, _ read: (String) throws -> [UInt8]) throws(Fault) -> JSON5Document {
        readings += 1
        guard readings <= GatewayConfigFile.maximumFiles else {
            throw Fault(
                code: .tooManyFiles, reason: "more than \(GatewayConfigFile.maximumFiles) files are included",
                hint: "Include fewer files; one that is included twice counts twice.")
        }
        if documents[file] == nil { load(file, read) }
        if !files.contains(file) { files.append(file) }
        bytes += sizes[file] ?? 0
        guard bytes <= GatewayConfigFile.maximumBytes else {
            throw Fault(
                code: .tooLarge, reason: "the files are over \(GatewayConfigFile.maximumBytes) bytes together",
                hint: "Look for a file that does not belong to the configuration.")
        }
        guard let document = documents[file] else { preconditionFailure("\(file) was loaded and is not there") }
        return try document.get()
    }

    private mutating func load(_ file: String, _ read: (String) throws -> [UInt8]) {
        do {
            let bytes = try read(file)
            sizes[file] = bytes.count
            documents[file] = .success(try JSON5.parse(bytes, maximumBytes: GatewayConfigFile.maximumBytes))
        } catch let error as JSON5Error {
            let isSize = error.code == .tooLarge
            documents[file] = .failure(
                Fault(
                    code: isSize ? .tooLarge : .notJSON5, reason: isSize ? error.message : "line \(error)",
                    hint: error.hint ?? "Correct the file."))
        } catch {
            documents[file] = .failure(
                Fault(code: .unreadable, reason: "can't be read: \(error)", hint: "Look whether it is there and may be read."))
        }
    }
}
