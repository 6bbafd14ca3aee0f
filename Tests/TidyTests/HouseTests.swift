import Foundation
import Testing

@Suite("The house rules")
struct HouseTests {
    private static let swift = SourceTree.files(in: "Sources") + SourceTree.files(in: "Tests")

    @Test("no file is longer than 400 lines")
    func sizes() {
        for file in Self.swift { #expect(file.lines.count <= 401, "\(file.path) has \(file.lines.count) lines") }
    }

    @Test("no marks of unfinished work")
    func marks() {
        for file in Self.swift where file.room != "TidyTests" {
            for (number, line) in file.lines.enumerated() {
                let mark = line.firstMatch(of: /\b(TODO|FIXME|XXX|HACK|not (yet )?implemented)\b/)
                #expect(mark == nil, "\(file.path):\(number + 1): \(line)")
            }
        }
    }

    @Test("tests wait for facts, not for time to pass")
    func sleeps() {
        for file in SourceTree.files(in: "Tests") where file.room != "TidyTests" {
            // Allowed: the limit after which a wait for a fact is given up, and a moment to kill at.
            let limits = ["func within<", "func someMoment("].count { file.text.contains($0) }
            let found = file.lines(with: ["Task.sleep", "usleep(", "Thread.sleep", " sleep("])
            #expect(found.count <= limits, "\(found)")
        }
    }

    @Test("tests are written with Swift Testing")
    func testing() {
        for file in Self.swift { #expect(!file.imports.contains("XCTest"), "\(file.path)") }
    }

    @Test("nothing in the product gives up on purpose")
    func traps() {
        for file in SourceTree.files(in: "Sources") {
            #expect(file.lines(with: ["fatalError(", "try! ", "as! "]).isEmpty)
        }
    }

    @Test("folders are named by nouns of the domain")
    func folders() {
        let banned: Set<String> = [
            "Utils", "Util", "Utilities", "Helpers", "Models", "Protocols", "New", "Common", "Misc", "Extensions", "Shared",
            "Types",
        ]
        for folder in SourceTree.folders(in: "Sources") + SourceTree.folders(in: "Tests") {
            #expect(!banned.contains(URL(filePath: folder).lastPathComponent), "\(folder)")
        }
    }

    @Test("links between documents lead somewhere")
    func links() throws {
        let atRoot = try FileManager.default.contentsOfDirectory(atPath: SourceTree.root.path).filter { $0.hasSuffix(".md") }
        let documents =
            SourceTree.files(in: "docs", endings: [".md"])
            + atRoot.compactMap { name in
                (try? String(contentsOf: SourceTree.root.appending(path: name), encoding: .utf8)).map {
                    SourceTree.File(path: name, text: $0)
                }
            }
        for document in documents {
            let folder = SourceTree.root.appending(path: document.path).deletingLastPathComponent()
            for match in document.text.matches(of: /\]\(([^)\s]+)\)/) {
                let target = match.output.1.split(separator: "#", omittingEmptySubsequences: false)[0]
                guard !target.isEmpty, !target.contains("://"), !target.hasPrefix("mailto:") else { continue }
                let file = folder.appending(path: String(target))
                #expect(FileManager.default.fileExists(atPath: file.path), "\(document.path): \(target)")
            }
        }
    }

    @Test("every planted bug says which checker must see it")
    func plantedBugs() {
        let patches = SourceTree.files(in: "Tests/PlantedBugs", endings: [".patch"])
        #expect(patches.count >= 13)
        for patch in patches { #expect(patch.text.hasPrefix("Trips: "), "\(patch.path)") }
    }
}
