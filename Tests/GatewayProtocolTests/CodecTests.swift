import GatewayProtocol
import Testing
import WakeCore

@Suite("Frames: what is read, what is refused, what is printed")
struct CodecTests {
    private func fault(_ text: String) -> FrameFault? {
        do {
            _ = try GatewayFrame(Array(text.utf8))
            return nil
        } catch { return error }
    }

    private func text(_ frame: GatewayFrame) -> String { String(decoding: frame.bytes, as: UTF8.self) }

    @Test("unknown fields are passed over, and null counts as absent")
    func tolerant() throws {
        let frame = try GatewayFrame(
            Array(#" {"future":[1,{"a":null}],"type":"req","id":"1","method":"health","params":null,"traceparent":{}} "#.utf8))
        #expect(frame == .request(GatewayRequest(id: .text("1"), method: "health")))
        #expect(text(frame) == #"{"type":"req","id":"1","method":"health"}"#)
        let answer = try GatewayFrame(Array(#"{"type":"res","id":1,"ok":false,"error":{"message":"no","x":1}}"#.utf8))
        let fault = GatewayFault(.init("UNKNOWN"), "no")
        #expect(answer == .response(GatewayResponse(id: .number(1), result: .failure(fault))))
        #expect(text(answer) == #"{"type":"res","id":1,"ok":false,"error":{"code":"UNKNOWN","message":"no"}}"#)
    }

    @Test(
        "an id is given back as it was sent",
        arguments: [#""1""#, "1", "0", "-7", "9223372036854775807", #""ü\n""#, "\"" + String(repeating: "x", count: 256) + "\""])
    func ids(_ id: String) throws {
        let frame = try GatewayFrame(Array(#"{"type":"req","id":\#(id),"method":"m"}"#.utf8))
        guard case .request(let request) = frame else {
            Issue.record("\(frame)")
            return
        }
        let answer = GatewayFrame.response(GatewayResponse(id: request.id, result: .success(nil)))
        #expect(text(answer) == #"{"type":"res","id":\#(id),"ok":true}"#)
    }

    @Test(
        "what is no id is refused",
        arguments: [#""""#, "1.5", "true", "null", "{}", "[]", "\"" + String(repeating: "x", count: 257) + "\""])
    func badIDs(_ id: String) {
        let fault = fault(#"{"type":"req","id":\#(id),"method":"m"}"#)
        #expect(fault?.description.contains("a request needs an \"id\"") == true && fault?.id == nil)
    }

    @Test(
        "a frame without meaning is refused, with its id where it told one",
        arguments: [
            ("", nil, "no JSON document"), ("{", nil, "no JSON document"), ("[]", nil, "no JSON object"),
            ("\"req\"", nil, "no JSON object"),
            (#"{"type":"req","id":"1","method":"m"} x"#, nil, "no JSON document"),
            (#"{"id":"1"}"#, "1", "has no \"type\""), (#"{"type":7,"id":"1"}"#, "1", "has no \"type\""),
            (#"{"type":"REQ","id":"1"}"#, "1", "no type of frame"),
            (#"{"type":"req","id":"1"}"#, "1", "\"method\" must be"),
            (#"{"type":"req","id":"1","method":""}"#, "1", "\"method\" must be"),
            (#"{"type":"req","id":"1","method":7}"#, "1", "\"method\" must be"),
            (#"{"type":"req","id":"1","method":"\#(String(repeating: "m", count: 129))"}"#, "1", "\"method\" must be"),
            (#"{"type":"res","ok":true}"#, nil, "without the id"), (#"{"type":"res","id":"1"}"#, "1", "needs \"ok\""),
            (#"{"type":"event"}"#, nil, "\"event\" must be"), (#"{"type":"cancel"}"#, nil, "without the id"),
        ] as [(String, String?, String)])
    func refused(_ frame: String, id: String?, words: String) {
        let fault = fault(frame)
        #expect(fault?.description.contains(words) == true, "\(String(describing: fault))")
        #expect(fault?.id == id.map { .text($0) })
    }

    @Test(
        "a key that comes twice is refused wherever it is",
        arguments: [
            #"{"type":"req","id":"1","method":"a","method":"b"}"#,
            #"{"type":"req","id":"1","method":"a","params":{"x":1,"x":1}}"#,
            #"{"type":"req","id":"1","method":"a","params":[[{"x":{"y":1,"y":2}}]]}"#,
            #"{"type":"req","id":"1","method":"a","params":{"x":1,"\u0078":2}}"#,
        ])
    func duplicates(_ frame: String) {
        let fault = fault(frame)
        #expect(fault?.description.contains("comes twice") == true && fault?.id == .text("1"))
    }

    @Test(
        "nesting is bounded: 64 levels are read, 65 and 10,000 are refused",
        arguments: [(64, true), (65, false), (10_000, false)])
    func depth(_ levels: Int, isGood: Bool) {
        for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
            let inner = levels - 1
            let params = String(repeating: open, count: inner) + "1" + String(repeating: close, count: inner)
            #expect((fault(#"{"type":"req","id":"1","method":"m","params":\#(params)}"#) == nil) == isGood)
            // Nor does what never ends trap.
            #expect(fault(#"{"type":"req","id":"1","method":"m","params":"# + String(repeating: open, count: levels)) != nil)
        }
    }

    @Test(
        "bytes that are no UTF-8 are refused",
        arguments: [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82]])
    func noUTF8(_ bad: [UInt8]) {
        let bytes = Array(#"{"type":"req","id":"1","method":"m","params":{"t":""#.utf8) + bad + Array(#""}}"#.utf8)
        #expect(throws: FrameFault.self) { try GatewayFrame(bytes) }
        #expect(throws: FrameFault.self) { try GatewayFrame(bad) }
    }

    @Test("a fault keeps all that it says, there and back")
    func faults() throws {
        let fault = GatewayFault(
            .unavailable, "later", details: ["reason": "startup-sidecars", "n": 1], isRetryable: true, retryAfterMilliseconds: 250
        )
        #expect(GatewayFault(fault.json) == fault && fault.reason == GatewayFault.startupSidecars)
        #expect(
            fault.json.text
                == #"{"code":"UNAVAILABLE","message":"later","details":{"reason":"startup-sidecars","n":1},"retryable":true,"retryAfterMs":250}"#
        )
        #expect(GatewayFault(nil).message == "the far side gave no reason")
        #expect(GatewayFault(["code": "X", "details": "words"]).details == nil)
    }

    @Test("a close has a reason that fits into its frame, cut between characters")
    func closes() {
        let long = GatewayClose.invalid(String(repeating: "é", count: 100))
        #expect(long.reason.utf8.count <= 123 && long.reason.hasPrefix("invalid frame: é"))
        #expect(GatewayClose(1008, String(repeating: "x", count: 124)).reason.utf8.count == 123)
        #expect(GatewayClose(1000, "").description == "1000 no reason given")
        #expect(GatewayClose.serviceRestart.description == "1012 service restart")
        #expect(GatewayClose.tooLarge(65_536).description == "1009 a frame is over the limit of 65536 bytes")
    }

    @Test("scopes: admin holds all, write holds read, read holds itself")
    func scopes() {
        for scope in Scope.allCases { #expect(scope.isGranted(by: [.admin]) && !scope.isGranted(by: [])) }
        #expect(
            Scope.read.isGranted(by: [.write]) && !Scope.admin.isGranted(by: [.write]) && !Scope.pairing.isGranted(by: [.write]))
        #expect(!Scope.write.isGranted(by: [.read]) && !Scope.read.isGranted(by: [.pairing]))
    }
}
