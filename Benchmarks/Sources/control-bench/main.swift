// The control plane from within one process.
//
//   control-bench rpc SOCKET PORT TOKEN        round trips, beside a bare WebSocket server and a bare TCP echo: all take turns
//   control-bench calls SOCKET SECONDS RATE    so many calls a second, each over a connection of its own, while somebody restarts the daemon
//   control-bench frames COUNT                 random and mutated frames through the codec and the server's machine
import Glibc

let arguments = CommandLine.arguments

switch arguments.dropFirst().first {
case "rpc": try await rpc(socket: arguments[2], port: arguments[3], token: arguments[4])
case "calls": try await calls(socket: arguments[2], seconds: Int(arguments[3])!, rate: Int(arguments[4])!)
case "frames":
    let took = clock.measure { frames(Int(arguments[2])!) }
    print("{\"seconds\":\(Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18)}")
default: exit(64)
}
