import Foundation
import Testing
import WakeCore

extension RealSystemd {
    @Suite("Clients while the daemon goes", .box("clients"))
    struct Clients {
        /// Connects, asks, and connects anew, without end; counts until its input ends.
        private static let hammer = """
            import json, socket, sys, threading, time
            counts = {"answered": 0, "refused": 0, "dropped": 0, "slowest": 0.0}
            over, lock = threading.Event(), threading.Lock()
            request = b"GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n"
            def once():
                try: s = socket.create_connection(("127.0.0.1", 18790))
                except ConnectionRefusedError: return "refused"
                with s:
                    try:
                        s.sendall(request)
                        data = b""
                        while part := s.recv(4096): data += part
                    except OSError: return "dropped"
                return "answered" if data.startswith(b"HTTP/1.1 200") else "dropped"
            def run():
                while not over.is_set():
                    start = time.monotonic()
                    what = once()
                    with lock:
                        counts[what] += 1
                        counts["slowest"] = max(counts["slowest"], time.monotonic() - start)
            threads = [threading.Thread(target=run) for _ in range(3)]
            for t in threads: t.start()
            sys.stdin.read()
            over.set()
            for t in threads: t.join()
            print(json.dumps(counts))
            """

        private func hammered(
            _ box: Box, _ what: String, _ body: () async throws -> Void
        ) async throws -> (answered: Int64, refused: Int64, dropped: Int64) {
            let hammer = try box.python(Self.hammer)
            do { try await body() } catch {
                hammer.closeInput()
                throw error
            }
            hammer.closeInput()
            let reply = try await hammer.ended()
            let counts = try #require(reply.json, "\(reply)")
            print("SystemdTests: clients over \(what): \(reply.text)")
            func count(_ key: String) throws -> Int64 { try #require(counts[key]?.integer) }
            return try (count("answered"), count("refused"), count("dropped"))
        }

        @Test("through 50 restarts no client is refused, and none is accepted and then dropped")
        func restarts() async throws {
            let box = try Box.own()
            let counts = try await hammered(box, "50 restarts") {
                try await box.shell("for i in $(seq 50); do systemctl restart reveille; done")
            }
            #expect(counts.answered > 50)
            #expect(counts.refused == 0)
            #expect(counts.dropped == 0)
            #expect(try await box.property("ActiveState", of: "reveille-tcp.socket") == "active")
        }

        @Test("through 20 kills no client is refused")
        func kills() async throws {
            let box = try Box.own()
            let counts = try await hammered(box, "20 kills") {
                try await box.shell(
                    """
                    for i in $(seq 20); do
                        old=$(systemctl show --value -p MainPID reveille)
                        systemctl kill --kill-whom=main -s KILL reveille
                        until pid=$(systemctl show --value -p MainPID reveille); [ $pid != 0 ] && [ $pid != $old ] &&
                            systemctl --quiet is-active reveille; do :; done
                    done
                    """)
            }
            #expect(counts.answered > 20)
            #expect(counts.refused == 0)
        }
    }
}
