import GatewayProtocol
import WakeCore

/// Any messages from a client, one a line, and what the shell may do between them.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = UnsafeBufferPointer(start: start, count: count)
    var machine = ServerConnection(nonce: "n", at: 17)
    var closes = 0
    for line in bytes.split(separator: 0x0A, maxSplits: 200, omittingEmptySubsequences: false) {
        if let frame = try? GatewayFrame(line) {
            precondition((try? GatewayFrame(frame.bytes)) == frame, "a frame is read as it was printed")
        }
        let directives = machine.received(line) + between(&machine, line.last ?? 0)
        for (index, directive) in directives.enumerated() {
            guard case .close(let close) = directive else { continue }
            closes += 1
            precondition(index == directives.count - 1, "something follows the close")
            precondition(!close.reason.isEmpty && close.reason.utf8.count <= GatewayClose.reasonMaximumBytes)
        }
        precondition(machine.underWay.count <= ServerConnection.maximumUnderWay)
    }
    precondition(closes <= 1 && (closes == 1) == (machine.state == .closed), "every end has one close")
    return 0
}

func between(_ machine: inout ServerConnection, _ choice: UInt8) -> [ServerConnection.Directive] {
    guard machine.state != .closed else { return [] }
    switch choice {
    case UInt8(ascii: "a"): return machine.underWay.first.map { machine.answered($0, .success(nil)) } ?? []
    case UInt8(ascii: "p"): return machine.published(GatewayEvent("x"))
    case UInt8(ascii: "s"): return machine.stopping(GatewayEvent("shutdown"))
    case UInt8(ascii: "t"): return machine.handshakeTimedOut()
    case UInt8(ascii: "r"): return machine.refused(GatewayFault(.notPaired, "no"), close: .pairingRequired)
    default:
        return machine.admitted(
            Hello(
                version: 0, serverVersion: "1", connection: "c", methods: [], events: [], snapshot: [:], role: "operator",
                scopes: []))
    }
}
