import DiscordLoopback
import DiscordTransport
import NIOSSL
import NetSupport
import Testing
import WakeCore
import WakeService

@Suite("Discord over TLS", .timeLimit(.minutes(1)))
struct TLSTests {
    private static func options(_ own: OwnCertificate) -> LoopbackOptions {
        var options = LoopbackOptions.quick
        options.tls = (own.certificatePath, own.keyPath)
        return options
    }

    @Test("with a certificate that is trusted, gateway and REST work over wss and https")
    func trusted() async throws {
        try await OwnCertificate.with { own in
            try await TransportRig.run(options: Self.options(own), trust: own.trust) { rig in
                #expect(rig.address.rest.hasPrefix("https://") && rig.address.gateway.hasPrefix("wss://"))
                guard case .accepted = await rig.send(rig.order("over TLS")) else {
                    Issue.record("the notice was not accepted")
                    return
                }
                #expect(rig.contents().count == 1)
                #expect(rig.count("identify") == 1)
            }
        }
    }

    @Test(
        "a certificate that nobody trusts, and one for another address, take the channel down with a reason that tells what to do"
    )
    func untrusted() async throws {
        try await OwnCertificate.with { own in
            try await Self.expectDown(own, .default, "certificate is not trusted")
            try await OwnCertificate.with { other in try await Self.expectDown(own, other.trust, "certificate is not trusted") }
        }
        try await OwnCertificate.with(address: [127, 0, 0, 2]) { own in
            try await Self.expectDown(own, own.trust, "certificate is for another name")
        }
    }

    private static func expectDown(_ own: OwnCertificate, _ trust: NIOSSLTrustRoots, _ words: String) async throws {
        try await TransportRig.run(options: Self.options(own), isConnected: false, trust: trust) { rig in
            let state = await rig.sink.state { if case .down = $0 { true } else { false } }
            let reason = state?.words ?? ""
            #expect(reason.contains(words) && reason.contains("check"), "\(reason)")
            #expect(!reason.contains(LoopbackOptions.defaultToken))
            // Nothing was said to a server that is not known: no request came, so the token did not either.
            #expect(rig.count("response") == 0 && rig.count("identify") == 0)
        }
    }

    @Test("the gateway's own certificate is checked too")
    func gateway() async throws {
        try await OwnCertificate.with { own in
            try await TransportRig.run(options: Self.options(own), trust: own.trust) { rig in
                let address = try WebSocketAddress(rig.address.gateway)
                do {
                    try await WebSocketClient().withConnection(to: address) { _ in }
                    Issue.record("an untrusted gateway was connected to")
                } catch let error as WebSocketError {
                    #expect(error.code == .unreachable && error.description.contains("certificate is not trusted"), "\(error)")
                }
            }
        }
    }

    @Test(
        "plain http to another machine is refused before anything is sent",
        arguments: ["http://10.0.0.1/api/v10", "http://discord.com/api/v10", "http://127.0.0.1.example.com", "ws://127.0.0.1/"])
    func plain(_ base: String) throws {
        let token = try #require(BotToken(LoopbackOptions.defaultToken))
        let error = #expect(throws: WakeError.self) { try DiscordSettings(token: token, apiBase: base) }
        #expect(error?.code == .invalidRequest && error?.hint?.contains("https://") == true)
    }
}
