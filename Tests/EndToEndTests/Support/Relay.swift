import Foundation
import GatewayClient
import GatewayProtocol
import Testing
import WakeCore

/// Another user of this machine: what connects to it calls the daemon's Unix socket as that user.
struct Relay: Sendable {
    static let uid: UInt32 = 65_534
    /// Only root can start something as somebody else.
    static let isPossible = geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/perl")

    private static let script = """
        use strict; use IO::Socket::INET; use IO::Socket::UNIX; use IO::Select;
        my $door = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1') or die;
        $| = 1; print $door->sockport, "\\n"; $SIG{CHLD} = 'IGNORE';
        my $calls = IO::Select->new(*STDIN{IO}, $door);
        while (my @calls = $calls->can_read) {
          exit if grep { $_ != $door } @calls;
          my $client = $door->accept or next;
          next if fork;
          my $server = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "connect: $!";
          my $both = IO::Select->new($client, $server);
          while (1) { for my $from ($both->can_read) {
            my $count = sysread $from, my $bytes, 65536; exit unless $count;
            my $to = $from == $client ? $server : $client;
            for (my $sent = 0; $sent < $count;) {
              my $more = syswrite $to, $bytes, $count - $sent, $sent; exit unless $more; $sent += $more } } }
        }
        """

    let program: Program
    private let port: Int
    private let control: ControlStage

    /// Starts it; a path must be open to that user.
    static func start(_ control: ControlStage) async throws -> Relay {
        for path in [control.stage.folder, FileManager.default.temporaryDirectory.path] {
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int ?? 0
            try FileManager.default.setAttributes([.posixPermissions: mode | 0o011], ofItemAtPath: path)
        }
        let program = try Program(
            "/usr/bin/env",
            ["setpriv", "--reuid", "\(uid)", "--clear-groups", "/usr/bin/perl", "-e", script, control.socket],
            environment: ["PATH": "/usr/bin:/bin"], directory: "/")
        let line = try await within("the port of the relay", { program.errors.all.map(\.text).joined(separator: "\n") }) {
            for await line in program.out.stream() { return line.text }
            return nil
        }
        return Relay(program: program, port: try #require(Int(line)), control: control)
    }

    func connect<Value: Sendable>(
        _ body: @escaping @Sendable (GatewayConnection) async throws -> Value
    ) async throws -> Value {
        try await GatewayConnection.with(.web("ws://127.0.0.1:\(port)/gateway"), .none, moments: control.moments, body)
    }

    /// It ends with its input, so with us at the latest.
    func stop() async throws {
        program.feed()
        #expect(try await program.ended() == .clean)
    }
}
