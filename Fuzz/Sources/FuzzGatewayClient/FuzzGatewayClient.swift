import GatewayProtocol
import WakeCore

/// Any messages from a gateway, one a line, and what the shell may do between them.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = UnsafeBufferPointer(start: start, count: count)
    var machine = ClientConnection(at: 0)
    var book = Book()
    var now: Int64 = 0
    for line in bytes.split(separator: 0x0A, maxSplits: 200, omittingEmptySubsequences: false) {
        now += 100
        book.note(machine.received(try? GatewayFrame(line), at: now), machine)
        book.note(between(&machine, line.last ?? 0, &now, &book), machine)
    }
    book.note(machine.leave(), machine)
    precondition(book.ends == 1 && book.waiting.isEmpty, "there is one end, and nobody waits after it")
    precondition(book.greetings + book.failures == 1, "it comes to a hello or to a failure, once")
    return 0
}

/// What everybody was told.
struct Book {
    var waiting: Set<RequestID> = []
    var greetings = 0
    var failures = 0
    var ends = 0

    mutating func note(_ directives: [ClientConnection.Directive], _ machine: ClientConnection) {
        for directive in directives {
            precondition(ends == 0, "something follows the end")
            switch directive {
            case .answer(let id, _), .cutOff(let id, _):
                precondition(waiting.remove(id) != nil, "an answer for nobody, or the second one")
            case .accept(let id, _): precondition(waiting.contains(id), "a promise to nobody")
            case .greet: greetings += 1
            case .giveUp: failures += 1
            case .close(let close):
                precondition(!close.reason.isEmpty && close.reason.utf8.count <= GatewayClose.reasonMaximumBytes)
            case .end: ends += 1
            case .news: precondition(greetings == 1, "news before the hello")
            case .prove, .send: break
            }
        }
        precondition((ends == 1) == (machine.state == .closed) && machine.underWayCount == waiting.count)
    }
}

func between(
    _ machine: inout ClientConnection, _ choice: UInt8, _ now: inout Int64, _ book: inout Book
) -> [ClientConnection.Directive] {
    switch choice {
    case UInt8(ascii: "p"):
        return machine.proven(ConnectParameters(client: .init(id: "c", version: "1", platform: "l", mode: "cli")))
    case UInt8(ascii: "a"), UInt8(ascii: "f"):
        guard let (id, directives) = machine.asked("x", expectsFinal: choice == UInt8(ascii: "f")) else { return [] }
        book.waiting.insert(id)
        return directives
    case UInt8(ascii: "c"):
        guard let id = book.waiting.first else { return [] }
        book.waiting.remove(id)
        return machine.cancelled(id)
    case UInt8(ascii: "t"):
        now = machine.tickDue ?? now
        return machine.ticksAwaited(at: now)
    case UInt8(ascii: "h"): return machine.handshakeTimedOut()
    case UInt8(ascii: "g"): return machine.gatewayLeft(.serviceRestart)
    case UInt8(ascii: "b"): return machine.receivedBinary()
    default: return []
    }
}
