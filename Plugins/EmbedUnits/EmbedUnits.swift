import Foundation
import PackagePlugin

/// Puts the files of `units/` into the program, at every build: that folder stays their only copy.
@main
struct EmbedUnits: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let folder = context.package.directoryURL.appending(path: "units")
        let walker = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: [.isRegularFileKey])
        let files = (walker?.compactMap { $0 as? URL } ?? []).filter {
            (try? $0.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) == true
        }
        let output = context.pluginWorkDirectoryURL.appending(path: "EmbeddedUnits.swift")
        return [
            .buildCommand(
                displayName: "Embedding units/", executable: try context.tool(named: "embed-units").url,
                arguments: [folder.path(percentEncoded: false), output.path(percentEncoded: false)],
                inputFiles: files.sorted { $0.path < $1.path }, outputFiles: [output])
        ]
    }
}
