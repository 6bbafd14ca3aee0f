import GatewayProtocol
import Testing
import WakeCore

@Suite("Frames")
struct FrameTests {
    @Test(
        "a frame is read as it was printed",
        arguments: [
            GatewayFrame.request(GatewayRequest(id: .text("a-1"), method: "config.patch", params: ["raw": "{}"])),
            .request(GatewayRequest(id: .number(7), method: "health")),
            .response(GatewayResponse(id: .text("a-1"), result: .success(["ok": true]))),
            .response(GatewayResponse(id: .text("x"), result: .success(nil))),
            .response(GatewayResponse(id: .text("x"), result: .failure(.restarting()))),
            .event(GatewayEvent("tick", payload: ["ts": 1], seq: 3)),
            .event(GatewayEvent("shutdown")),
            .cancel(.text("a-1")),
        ])
    func roundTrip(_ frame: GatewayFrame) throws {
        #expect(try GatewayFrame(frame.bytes) == frame)
        #expect(!String(decoding: frame.bytes, as: UTF8.self).contains("null"))
    }
}
