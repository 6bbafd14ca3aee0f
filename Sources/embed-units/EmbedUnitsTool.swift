import Foundation

/// Writes a folder's files as Swift text: `embed-units FOLDER OUTPUT`. The build calls it, see `Plugins/EmbedUnits`.
@main
enum EmbedUnitsTool {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 else {
            FileHandle.standardError.write(Data("Usage: embed-units FOLDER OUTPUT\n".utf8))
            exit(64)
        }
        let folder = URL(filePath: arguments[1])
        var text =
            "/// The files of `units/`, by their path there.\nenum EmbeddedUnits {\n    static let files: [String: String] = [\n"
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted() {
            var isFolder: ObjCBool = false
            let file = folder.appending(path: path)
            guard FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder), !isFolder.boolValue else { continue }
            let content = try String(contentsOf: file, encoding: .utf8)
            text += "        \(literal(path)):\n            \(literal(content)),\n"
        }
        text += "    ]\n}\n"
        try Data(text.utf8).write(to: URL(filePath: arguments[2]), options: .atomic)
    }

    /// The text as a literal that needs no knowledge of what is in it.
    private static func literal(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\", "\"": result += "\\" + String(scalar)
            case " "..."~": result.unicodeScalars.append(scalar)
            default: result += "\\u{" + String(scalar.value, radix: 16) + "}"
            }
        }
        return result + "\""
    }
}
