import Foundation

/// The checkout that these tests were built from.
enum SourceTree {
    /// The package's folder.
    static let root = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    struct File {
        /// From the package's folder on.
        let path: String
        let text: String

        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
        /// `Sources/WakeCore/…` is in room `WakeCore`.
        var room: String { String(path.split(separator: "/")[1]) }

        /// The modules named in import lines, without those that are there on some systems only.
        var imports: [String] {
            lines.compactMap { line in
                var words = line.split(separator: " ").filter { !$0.hasPrefix("@") }
                if let first = words.first, ["public", "internal", "package", "private", "fileprivate"].contains(String(first)) {
                    words.removeFirst()
                }
                guard words.count >= 2, words[0] == "import" else { return nil }
                let name =
                    ["struct", "class", "enum", "func", "protocol", "typealias", "var", "let"].contains(String(words[1]))
                    ? words.dropFirst(2).first : words[1]
                return name.map { String($0.split(separator: ".")[0]) }
            }
        }

        /// The lines that hold one of the words outside of comments and strings.
        func lines(with words: [String]) -> [String] {
            lines.enumerated().compactMap { number, line in
                guard let word = words.first(where: { line.contains($0) }), !line.drop(while: \.isWhitespace).hasPrefix("//")
                else {
                    return nil
                }
                let code = String(line).replacing(/"(\\.|[^"\\])*"/, with: "")
                return code.contains(word) ? "\(path):\(number + 1): \(word)" : nil
            }
        }
    }

    /// The files of a folder with one of these endings.
    static func files(in folder: String, endings: [String] = [".swift"]) -> [File] {
        let base = root.appending(path: folder)
        guard let walker = FileManager.default.enumerator(atPath: base.path) else { return [] }
        let paths = walker.compactMap { $0 as? String }.filter { path in endings.contains { path.hasSuffix($0) } }
        return paths.sorted().compactMap { path in
            (try? String(contentsOf: base.appending(path: path), encoding: .utf8)).map {
                File(path: folder + "/" + path, text: $0)
            }
        }
    }

    /// The folders below a folder.
    static func folders(in folder: String) -> [String] {
        let base = root.appending(path: folder)
        guard let walker = FileManager.default.enumerator(atPath: base.path) else { return [] }
        return walker.compactMap { $0 as? String }.filter { path in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: base.appending(path: path).path, isDirectory: &isFolder)
                && isFolder.boolValue
        }.map { folder + "/" + $0 }
    }
}
