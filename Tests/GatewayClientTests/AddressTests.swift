import GatewayClient
import Testing

@Suite("Gateway addresses")
struct AddressTests {
    @Test("an address reads as it is written")
    func words() {
        #expect("\(GatewayAddress.web("ws://127.0.0.1:18790"))" == "ws://127.0.0.1:18790")
        #expect("\(GatewayAddress.unix(path: "/run/reveille/control.sock"))" == "unix:/run/reveille/control.sock")
    }
}
