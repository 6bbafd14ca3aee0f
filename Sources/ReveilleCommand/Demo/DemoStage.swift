import Foundation
import WakeCore

/// Plays the demo with real processes: this program as daemon and as command line, and itself as supervisor.
struct DemoStage {
    static let note = "Config is in. Go on with step 3: check that the site answers, then report."

    /// One thing that happened, with its wall time.
    struct Fact {
        let milliseconds: Int64
        let what: What

        enum What: Equatable {
            case sentinelDurable(id: String)
            /// What was closed when the daemon stopped: how many clients, how many of them with 1012 and its reason, how many were told
            /// before.
            case clientsClosed(all: Int, reasoned: Int, told: Int)
            case daemonStarted(pid: Int32)
            case daemonEnded(killed: Bool)
            case log(LogLine)
        }
    }

    /// A line of the daemon's log.
    struct LogLine: Equatable {
        let event: String
        let place: String?
        let reason: String?
        let wake: String?
    }

    private let folder: URL
    private let session: String
    private let configuration: URL
    private let book = DemoBook()
    /// The clients of the control plane in the meantime; nil where the restart is asked for by the command line.
    private let crowd: DemoCrowd?

    init(
        folder: URL, route: String, session: String, account: JSONObject, token: String, patchesConfiguration: Bool = false
    ) throws {
        self.folder = folder
        let socket = folder.appending(path: "control.sock").path
        crowd = patchesConfiguration ? DemoCrowd(socket: socket) : nil
        self.session = session
        configuration = folder.appending(path: "reveille.json5")
        let tokenFile = folder.appending(path: "token")
        guard
            FileManager.default.createFile(
                atPath: tokenFile.path, contents: Data(token.utf8), attributes: [.posixPermissions: 0o600])
        else {
            throw Complaint(.cannotCreate, "\(tokenFile.path) can't be written", hint: "Is there room in the temporary folder?")
        }
        var settings = account
        settings["tokenFile"] = .string(tokenFile.path)
        let document: JSONValue = [
            "ledger": ["directory": .string(folder.appending(path: "ledger").path)],
            "discord": ["accounts": ["default": .object(settings)]],
            "log": ["format": "json"], "control": patchesConfiguration ? ["port": 0, "socket": .string(socket)] : ["port": 0],
        ]
        try Data(document.bytes).write(to: configuration)
    }

    /// Plays it and returns all facts in the order of time.
    func play() async throws -> [Fact] {
        say("starting the daemon; its Discord is late")
        let first = try startDaemon()
        defer { if book.isRunning(book.daemon) { book.daemon?.terminate() } }
        try await book.wait(for: "the channel") { $0.contains { $0.event == "channelChanged" && $0.reason == "ready" } }
        if let crowd {
            say("\(DemoCrowd.count) clients connect; among them an agent that calls config.patch with its session key")
            let (sentinel, closes) = try await crowd.patch(session: session, note: Self.note) { try await ended(first) }
            book.add(Fact(milliseconds: sentinel.milliseconds, what: .sentinelDurable(id: sentinel.id)))
            book.add(
                Fact(
                    milliseconds: DemoBook.now(),
                    what: .clientsClosed(
                        all: closes.count, reasoned: closes.filter(\.isReasoned).count, told: closes.filter(\.wasTold).count)))
        } else {
            say("an agent asks for a restart in 2 s, with a note")
            try await askForRestart()
            try await ended(first)
        }
        say("the daemon has stopped; its supervisor starts it again")
        let second = try startDaemon()
        try await book.wait(for: "the wake to be held") { $0.contains { $0.event == "deliveryHeld" } }
        try await Task.sleep(for: .milliseconds(900))
        say("the daemon holds the wake; kill -9, and up again")
        kill(second.processIdentifier, SIGKILL)
        try await ended(second)
        let third = try startDaemon()
        try await book.wait(for: "the delivery", seconds: 60) { lines in
            lines.contains { ["deliveryDelivered", "deliveryDead", "deliveryUnresolved"].contains($0.event) }
        }
        // Time for a second message to show itself, if there were one.
        try await Task.sleep(for: .seconds(1))
        third.terminate()
        try await ended(third)
        return book.facts.sorted { $0.milliseconds < $1.milliseconds }
    }

    private func say(_ text: String) {
        if isatty(STDERR_FILENO) == 1 { _ = StandardStream.write("  … \(text)\n", to: STDERR_FILENO) }
    }

    private func process(_ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments + ["--config", configuration.path]
        // The demo's own configuration alone: nothing of the caller's may leak in.
        process.environment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": folder.path]
        process.standardInput = FileHandle.nullDevice
        return process
    }

    private func startDaemon() throws -> Process {
        let process = try process(["daemon"])
        let pipe = Pipe()
        process.standardError = pipe
        let log = folder.appending(path: "daemon.jsonl")
        if !FileManager.default.fileExists(atPath: log.path) {
            _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        }
        let file = try FileHandle(forWritingTo: log)
        pipe.fileHandleForReading.readabilityHandler = { [book] handle in
            let data = handle.availableData
            guard !data.isEmpty else { return handle.readabilityHandler = nil }
            _ = try? file.seekToEnd()
            try? file.write(contentsOf: data)
            book.take(data, of: process)
        }
        book.expect(process)
        try process.run()
        book.add(Fact(milliseconds: DemoBook.now(), what: .daemonStarted(pid: process.processIdentifier)))
        return process
    }

    private func ended(_ process: Process) async throws {
        try await book.waitForEnd(of: process)
        book.add(Fact(milliseconds: DemoBook.now(), what: .daemonEnded(killed: process.terminationReason == .uncaughtSignal)))
    }

    private func askForRestart() async throws {
        let process = try process(["restart", "--session", session, "--note", Self.note, "--delay", "2s", "--json"])
        let pipe = Pipe()
        process.standardOutput = pipe
        book.expect(process)
        try process.run()
        try await book.waitForEnd(of: process)
        let reply = try? JSONValue.parse(pipe.fileHandleForReading.availableData)
        guard process.terminationStatus == 0, let id = reply?["sentinel"]?.string else {
            throw Complaint(.software, "reveille restart failed with exit code \(process.terminationStatus)")
        }
        book.add(Fact(milliseconds: DemoBook.now(), what: .sentinelDurable(id: id)))
    }
}
