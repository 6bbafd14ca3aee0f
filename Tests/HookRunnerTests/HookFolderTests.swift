import Foundation
import Glibc
import Testing

@testable import HookRunner

@Suite("Which files are hooks")
struct HookFolderTests {
    @Test("names of letters, digits, point, line and dash are; hidden ones and what editors and packages leave are not")
    func names() {
        for name in ["flush", "10-flush", "a.sh", "A_b-c.9", "10.sh"] { #expect(HookFolder.isHook(name), "\(name)") }
        for name in [
            "", ".hidden", "flush~", "#flush#", "flush.bak", "flush.orig", "flush.swp", "flush.dpkg-old", "flush.rpmsave", "a b",
            "flüsh", "a;b",
        ] { #expect(!HookFolder.isHook(name), "\(name)") }
    }

    @Test("what is not executable, and folders, are passed over; links and what others may write are refused in words")
    func files() throws {
        let rig = try HookRig()
        defer { rig.remove() }
        try rig.write("20-good", "")
        try rig.write("10-good", "")
        try rig.write("30-not-executable", "", mode: 0o644)
        try rig.write("40-group", "", mode: 0o775)
        try rig.write("50-others", "", mode: 0o757)
        let path = rig.folder + "/pre-restart.d"
        try FileManager.default.createDirectory(atPath: path + "/60-folder", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: path + "/70-link", withDestinationPath: path + "/10-good")
        try #require(mkfifo(path + "/80-pipe", 0o755) == 0)
        let found = HookFolder(path)
        #expect(found.hooks == ["10-good", "20-good"])
        #expect(found.refused.map(\.name) == ["40-group", "50-others", "70-link", "80-pipe"])
        #expect(found.refused[0].reason.contains("can be written by others"))
        #expect(found.refused[2].reason.contains("no regular file"))
    }

    @Test("a file of another user than ours or root is refused, and so is a folder of one", .enabled(if: geteuid() == 0))
    func owner() throws {
        let rig = try HookRig()
        defer { rig.remove() }
        try rig.write("10-mine", "")
        try rig.write("20-theirs", "")
        let path = rig.folder + "/pre-restart.d"
        try #require(chown(path + "/20-theirs", 12_345, 12_345) == 0)
        let found = HookFolder(path)
        #expect(found.hooks == ["10-mine"] && found.refused.map(\.name) == ["20-theirs"])
        #expect(found.refused[0].reason == "belongs to user 12345, not to us or to root")
        #expect(HookFolder(path, user: 12_345).hooks == ["10-mine", "20-theirs"], "root's may be run by anybody")
        try #require(chown(path, 12_345, 12_345) == 0)
        #expect(HookFolder(path).hooks.isEmpty && HookFolder(path).refused.map(\.name) == [path])
    }

    @Test("a folder that others may write to, or that is none, is refused as a whole")
    func folder() throws {
        let rig = try HookRig()
        defer { rig.remove() }
        try rig.write("10-good", "")
        let path = rig.folder + "/pre-restart.d"
        try #require(chmod(path, 0o777) == 0)
        #expect(HookFolder(path).hooks.isEmpty && HookFolder(path).refused[0].reason.contains("written by others"))
        #expect(HookFolder(path + "/10-good").refused[0].reason == "is no folder")
        #expect(HookFolder(rig.folder + "/nowhere").refused.isEmpty)
    }
}
