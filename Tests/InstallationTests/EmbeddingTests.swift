import Foundation
import Installation
import Testing

@Suite("The files of units/ in the program")
struct EmbeddingTests {
    @Test("every file is in the program, as it is")
    func complete() throws {
        let folder = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "units")
        var found: [String: String] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path) {
            var isFolder: ObjCBool = false
            let file = folder.appending(path: path)
            guard FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder), !isFolder.boolValue else { continue }
            found[path] = try String(contentsOf: file, encoding: .utf8)
        }
        #expect(found.count >= 17)
        #expect(UnitFiles.all.keys.sorted() == found.keys.sorted())
        for (path, text) in found { #expect(UnitFiles.all[path] == text, "\(path): build again") }
    }
}
