import Foundation
import GatewayClient
import GatewayProtocol
import Testing
import WakeCore

@Suite("Changes that are refused: a typed error that says all, and a configuration as it was")
struct ControlPlaneRefusalTests {
    /// One change, and what is said of it.
    private struct Bad: Sendable {
        var raw = "{ log: { level: 'debug' } }"
        var method = "config.patch"
        var more: JSONObject = [:]
        var code: String?
        var words: [String] = []
    }

    private static let bad: [Bad] = [
        Bad(raw: "{ log: ", words: ["raw"]),
        Bad(raw: "[1]", words: ["object"]),
        Bad(
            raw: "{ log: { level: 'loud', format: 7 }, wake: { holdFor: 'long' }, nothing: 1 }",
            words: ["log.level", "log.format", "wake.holdFor", "nothing"]),
        Bad(raw: "{ wake: { holdFor: '3d' }, }", more: ["sessionKey": "agent:main:main"], code: "UNKNOWN_SESSION"),
        Bad(
            raw: "{ wake: { holdFor: '3d' } }",
            more: [
                "sessionKey": "agent:main:main",
                "deliveryContext": ["channel": "discord", "accountId": "other", "to": "channel:1"],
            ], code: "UNKNOWN_CHANNEL"),
        Bad(raw: "{ wake: { holdFor: '3d' } }", more: ["sessionKey": "not a session"], words: ["sessionKey"]),
        Bad(more: ["note": "for nobody"], words: ["note", "sessionKey"]),
        Bad(more: ["restartDelayMs": 600_001], words: ["restartDelayMs"]),
        Bad(more: ["restartDelayMs": -1, "dryRun": "yes", "sessionKey": 4], words: ["restartDelayMs", "dryRun", "sessionKey"]),
        Bad(raw: "{ control: { socket: null } }", code: "LOCKOUT", words: ["force"]),
        Bad(raw: "{ control: { tokenFile: null } }", code: "LOCKOUT"),
        Bad(
            raw: "{ discord: { accounts: { default: { tokenFile: '/nowhere/token' } } } }", code: "CONFIG_UNUSABLE",
            words: ["/nowhere/token"]),
        Bad(raw: "{}", method: "config.revert", more: ["number": 7], words: ["7"]),
        Bad(
            raw: String(repeating: "{a:", count: 10_000) + "1" + String(repeating: "}", count: 10_000), words: []),
        Bad(raw: "{ log: { level: 'debug', level: 'info' } }", words: ["level"]),
    ]

    @Test("each is refused with its reason, whoever asks, and nothing has changed")
    func refused() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let before = try await control.stand()
            for bad in Self.bad {
                var params: JSONObject = [:]
                if bad.method != "config.revert" {
                    params["raw"] = .string(bad.raw)
                    params["baseHash"] = before.hash
                }
                for member in bad.more.members { params[member.key] = member.value }
                let fault = try await control.refusal(bad.method, .object(params))
                #expect(fault.code == .invalidRequest, "\(bad.raw.prefix(80)): \(fault)")
                #expect(fault.details?["code"]?.string == bad.code, "\(bad.raw.prefix(80)): \(fault) \(fault.details as Any)")
                let said = fault.message + JSONValue.object(fault.details ?? [:]).text
                for word in bad.words { #expect(said.contains(word), "\(word) is not in \(said)") }
                #expect(said.utf8.count < 8_192)
            }
            #expect(try await control.stand() == before)
            #expect(before.patches.isEmpty && before.log == [])
            try await control.stage.stop(daemon)
        }
    }

    @Test("a faulty patch lists every fault with its path")
    func issues() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.stage.startDaemon()
            let params = try await control.patch("{ log: { level: 'loud' }, wake: { holdFor: 'long' }, restrat: {} }")
            let fault = try await control.refusal("config.patch", params)
            let paths = fault.details?["issues"]?.array?.compactMap { $0["path"]?.string } ?? []
            #expect(Set(paths) == ["log.level", "wake.holdFor", "restrat"], "\(paths)")
            try await control.stage.stop(daemon)
        }
    }

    @Test("a missing hash and a stale one are told the present one, with which the patch is taken")
    func hashes() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.stage.startDaemon()
            let before = try await control.stand()
            let missing = try await control.refusal("config.patch", ["raw": "{ log: { level: 'debug' } }"])
            #expect(missing.details?["code"] == "BASE_HASH_REQUIRED")
            let stale = try await control.refusal("config.patch", ["raw": "{ log: { level: 'debug' } }", "baseHash": "0123"])
            #expect(stale.details?["code"] == "CONFIG_CONFLICT")
            for fault in [missing, stale] { #expect(fault.details?["currentHash"] == before.hash) }
            #expect(try await control.stand() == before)
            let hash = try #require(stale.details?["currentHash"])
            let reply = try await control.call("config.patch", ["raw": "{ log: { level: 'debug' } }", "baseHash": hash])
            #expect(reply["changedPaths"] == ["log.level"])
            try await control.stage.stop(daemon)
        }
    }

    @Test("a caller with the token can't throw the token away, but by force")
    func lockout() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.stage.startDaemon()
            let before = try await control.stand()
            let hash = before.hash
            try await control.connectByPort { connection in
                for raw in ["{ control: { tokenFile: null } }", "{ control: { port: 0 } }"] {
                    let fault = try await ControlStage.refusal(
                        connection, "config.patch", ["raw": .string(raw), "baseHash": hash])
                    #expect(fault.details?["code"] == "LOCKOUT", "\(fault)")
                    #expect(fault.details?["hint"]?.string?.contains("force") == true)
                }
            }
            #expect(try await control.stand() == before)
            let forced = try await control.connectByPort {
                try await $0.call(
                    "config.patch", ["raw": "{ control: { port: 0 } }", "baseHash": hash, "force": true, "dryRun": true])
            }
            #expect(forced?["changedPaths"] == ["control.port"])
            try await control.stage.stop(daemon)
        }
    }
}
