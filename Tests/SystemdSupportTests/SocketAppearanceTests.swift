import Foundation
import Testing

@testable import SystemdSupport

@Suite("A bus that comes late is noticed")
struct SocketAppearanceTests {
    @Test("when its socket appears, and only then")
    func appears() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "reveille-bus-\(UInt64.random(in: .min ... .max))")
            .path
        #expect(SocketAppearance(path: folder + "/bus") == nil, "its folder is not there yet")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let appearance = try #require(SocketAppearance(path: folder + "/bus"))
        #expect(!appearance.hasHappened())
        try Data().write(to: URL(filePath: folder + "/bus"))
        var readable = pollfd(fd: appearance.descriptor, events: Int16(POLLIN), revents: 0)
        #expect(poll(&readable, 1, 10_000) == 1)
        #expect(appearance.hasHappened())
        #expect(!appearance.hasHappened())
    }

    @Test("where a bus is, its address says, else custom")
    func paths() {
        #expect(SocketAppearance.path(of: .system) { _ in nil } == "/run/dbus/system_bus_socket")
        #expect(SocketAppearance.path(of: .user) { $0 == "XDG_RUNTIME_DIR" ? "/run/user/7" : nil } == "/run/user/7/bus")
        #expect(SocketAppearance.path(of: .user) { _ in nil } == nil)
        let addresses = [
            ("unix:path=/a/b,guid=7", "/a/b"), ("unix:guid=7,path=/a/b;tcp:host=h", "/a/b"), ("unix:abstract=/a", nil),
            ("tcp:host=h", nil), ("unix:path=/a%20b", nil), ("", nil),
        ]
        for (address, path) in addresses { #expect(SocketAppearance.path(of: .system) { _ in address } == path, "\(address)") }
    }
}
