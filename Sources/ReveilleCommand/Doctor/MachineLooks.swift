import Glibc
import RunStateFiles
import RunStates
import WakeCore
import WakeService

extension ProcessJudgement.GatewayProcess {
    /// The gateways among the processes that can be seen.
    static func running(in folder: String = "/proc") -> [Self] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var found: [Self] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            guard let pid = Int32(name), let process = look(at: pid, in: folder) else { continue }
            found.append(process)
        }
        return found
    }

    private static func look(at pid: Int32, in folder: String) -> Self? {
        let path = "\(folder)/\(pid)"
        guard let line = try? PlainFile.read(path + "/cmdline", maximumBytes: 65_536) else { return nil }
        let arguments = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        guard isGateway(arguments) else { return nil }
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        // After the name in parentheses: the state, then the parent.
        let words = (try? PlainFile.read(path + "/stat", maximumBytes: 4_096)).flatMap { bytes in
            bytes.lastIndex(of: UInt8(ascii: ")")).map { bytes[($0 + 1)...].split(separator: 0x20) }
        }
        let parent = words.flatMap { $0.count > 1 ? Int32(String(decoding: $0[1], as: UTF8.self)) : nil } ?? 0
        return Self(
            pid: pid, parent: parent, user: status.st_uid, arguments: arguments, stateDirectory: stateDirectory(path))
    }

    private static func stateDirectory(_ path: String) -> String? {
        guard let bytes = try? PlainFile.read(path + "/environ", maximumBytes: 1 << 20) else { return nil }
        let lines = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        func value(_ name: String) -> String? {
            lines.first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }.flatMap {
                $0.isEmpty ? nil : $0
            }
        }
        let profile = value("OPENCLAW_PROFILE").map { "-" + $0 } ?? ""
        return value("OPENCLAW_STATE_DIR") ?? value("HOME").map { $0 + "/.openclaw" + profile }
    }
}

extension RunStateJudgement.File {
    /// The run state at a path; nil where there is none.
    static func look(at path: String, now: Moment) -> Self? {
        do throws(RunStateError) {
            let reading = try RunStateFile(path).read()
            let age = Duration.milliseconds(max(0, now.wallMilliseconds - reading.writtenAt))
            return Self(path: path, state: .success(reading.state), age: age)
        } catch {
            return error.code == .missing ? nil : Self(path: path, state: .failure(error), age: .zero)
        }
    }
}
