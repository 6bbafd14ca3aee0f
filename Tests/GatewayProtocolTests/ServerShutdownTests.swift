import GatewayProtocol
import Testing
import WakeCore

@Suite("A server's connection that ends")
struct ServerShutdownTests {
    private static func open() throws -> ServerConnection {
        var connection = ServerConnection(nonce: "n", at: 0)
        let client = ConnectParameters.Client(id: "cli", version: "1", platform: "linux", mode: "cli")
        let connect = GatewayRequest(id: .text("c"), method: "connect", params: ConnectParameters(client: client).json)
        _ = connection.received(GatewayFrame.request(connect).bytes)
        _ = connection.admitted(
            Hello(
                version: 0, serverVersion: "1", connection: "c1", methods: [], events: [], snapshot: [:], role: "operator",
                scopes: []))
        try #require(connection.state == .open)
        return connection
    }

    @Test("names what it has taken, takes nothing more, answers it, and closes with a reason")
    func underWay() throws {
        var connection = try Self.open()
        let slow = GatewayRequest(id: .text("slow"), method: "send")
        #expect(connection.received(GatewayFrame.request(slow).bytes) == [.perform(slow)])
        let told = connection.stopping(GatewayEvent("shutdown", payload: ["reason": "restart"]))
        #expect(
            told == [.send(.event(GatewayEvent("shutdown", payload: ["reason": "restart", "underWay": ["slow"]], seq: 1)))])
        let late = GatewayRequest(id: .text("late"), method: "send")
        #expect(
            connection.received(GatewayFrame.request(late).bytes)
                == [.send(.response(GatewayResponse(id: .text("late"), result: .failure(.restarting()))))])
        #expect(
            connection.answered(.text("slow"), .success(nil)) == [
                .send(.response(GatewayResponse(id: .text("slow"), result: .success(nil)))), .close(.serviceRestart),
            ])
    }

    @Test("says that it has taken nothing, where nothing is under way")
    func idle() throws {
        var connection = try Self.open()
        #expect(
            connection.stopping(GatewayEvent("shutdown")) == [
                .send(.event(GatewayEvent("shutdown", payload: ["underWay": []], seq: 1))), .close(.serviceRestart),
            ])
    }
}
