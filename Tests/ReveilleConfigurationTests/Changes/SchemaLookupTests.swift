import ReveilleConfiguration
import Testing
import WakeCore

@Suite("Looking keys up before changing them")
struct SchemaLookupTests {
    @Test("every key can be looked up, and says what a change of it needs")
    func everyKey() throws {
        for key in KeyTable.keys {
            let path = key.path.components.map { $0.hasPrefix("<") ? "*" : $0 }.joined(separator: ".")
            let found = try SchemaLookup.lookup(path)
            #expect(found["path"] == .string(path))
            #expect(found["needs"] == .string(key.change.rawValue))
            #expect(found["hint"] == .string(key.meaning))
            #expect(found["children"] == [])
            #expect(found["schema"]?["type"]?.string != nil)
            let kind = ["nothing": "none", "reload": "hot", "channel restart": "hot", "daemon restart": "restart"]
            #expect(found["reloadKind"]?.string == kind[key.change.rawValue])
        }
    }

    @Test("a group has children, and needs what the greediest of them needs")
    func groups() throws {
        let log = try SchemaLookup.lookup("log")
        #expect(log["children"]?.array?.compactMap { $0["path"]?.string } == ["log.format", "log.level"])
        #expect(log["children"]?.array?.compactMap { $0["hasChildren"]?.bool } == [false, false])
        #expect(log["reloadKind"] == "restart")
        let root = try SchemaLookup.lookup(".")
        #expect(root["path"] == ".")
        #expect(root["children"]?.array?.contains { $0["key"] == "discord" && $0["hasChildren"] == true } == true)
        #expect(try SchemaLookup.lookup("discord.accounts")["needs"] == "daemon restart")
        #expect(try SchemaLookup.lookup("discord.accounts.*")["needs"] == "channel restart")
        #expect(try SchemaLookup.lookup("discord.accounts.my-bot.tokenFile")["needs"] == "channel restart")
        #expect(try SchemaLookup.lookup("control.peers[1000].scopes")["schema"]?["type"] == "array")
        #expect(try SchemaLookup.lookup("log.level")["schema"]?["default"] == "info")
        #expect(try SchemaLookup.lookup("control.port")["schema"]?["default"] == 18_790)
        #expect(try SchemaLookup.lookup("control.token")["schema"]?["secret"] == true)
    }

    @Test("what is no path is refused, and what is no key is told with what was meant")
    func refusals() throws {
        for bad in ["", "log..level", "log level", "a\"b", String(repeating: "a", count: 1_025), "ä"] {
            let fault = #expect(throws: ChangeFault.self) { try SchemaLookup.lookup(bad) }
            #expect(fault?.code == .invalid, "\(bad)")
        }
        let fault = #expect(throws: ChangeFault.self) { try SchemaLookup.lookup("log.levle") }
        #expect(fault?.code == .notFound)
        #expect(fault?.hint == "did you mean level?")
        #expect(#expect(throws: ChangeFault.self) { try SchemaLookup.lookup("log.level.x") }?.code == .notFound)
    }
}
