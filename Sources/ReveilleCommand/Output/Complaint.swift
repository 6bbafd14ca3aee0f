import GatewayProtocol
import Glibc
import ReveilleConfiguration
import WakeService

/// What the program says when it can't do what was asked: `Error:`, then `Try:`, and an exit code by class (sysexits(3)).
struct Complaint: Error {
    /// Exit codes, by class.
    enum Code: Int32 {
        case usage = 64
        case data = 65
        case noInput = 66
        case unavailable = 69
        case software = 70
        case cannotCreate = 73
        case inputOutput = 74
        case tryLater = 75
        case remoteProtocol = 76
        case permission = 77
        case configuration = 78
    }

    let code: Int32
    let text: String

    /// On one line, without the word "Error", for whoever passes it on.
    var line: String {
        var text = text.hasPrefix("Error: ") ? String(text.dropFirst(7)) : text
        text = text.replacing("\nTry: ", with: ". ")
        return text.split(whereSeparator: \.isNewline).joined(separator: "; ")
    }

    init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code.rawValue
        text = "Error: \(message)" + (hint.map { "\nTry: \($0)" } ?? "")
    }

    init(_ problems: ConfigurationProblems) {
        code = problems.exitStatus
        text = problems.description
    }

    init(_ error: WakeError) {
        let code: Code =
            switch error.code {
            case .invalidRequest: .usage
            case .notFound: .noInput
            case .diskFull, .ledgerLocked: .tryLater
            case .outcomeUnknown: .inputOutput
            case .ledgerCorrupt, .notALedger, .ledgerNewer: .data
            case .ledgerUnavailable: .cannotCreate
            default: .software
            }
        self.init(code, error.description, hint: error.hint)
    }

    init(_ fault: ChangeFault) {
        let code: Code =
            switch fault.code {
            case .invalid, .forbiddenKey, .arrayShrunk: .configuration
            case .notFound: .noInput
            case .conflict, .baseHashMissing, .locked, .diskFull: .tryLater
            case .storage: .cannotCreate
            }
        self.init(code, fault.description, hint: fault.hint)
    }

    init(_ error: GatewayError) {
        let code: Code =
            switch error.code {
            case .invalidRequest: .usage
            case .unclear: .tryLater
            case .protocolMismatch: .remoteProtocol
            case .denied: .permission
            case .deviceKey: .cannotCreate
            default: .unavailable
            }
        self.init(code, error.description, hint: error.hint)
    }

    /// Whatever was thrown, as a complaint.
    init(any error: any Error) {
        switch error {
        case let complaint as Complaint: self = complaint
        case let problems as ConfigurationProblems: self.init(problems)
        case let problem as ConfigurationProblem: self.init(ConfigurationProblems(problem))
        case let error as WakeError: self.init(error)
        case let fault as ChangeFault: self.init(fault)
        case let error as GatewayError: self.init(error)
        default: self.init(.software, "\(error)")
        }
    }

    /// The errno(3) that says the same to a service manager.
    var errorNumber: Int32 {
        switch Code(rawValue: code) {
        case .usage, .configuration: EINVAL
        case .data: EBADMSG
        case .noInput: ENOENT
        case .unavailable: EADDRNOTAVAIL
        case .cannotCreate: EROFS
        case .inputOutput: EIO
        case .tryLater: EAGAIN
        case .permission: EACCES
        case .software, .remoteProtocol, nil: EPROTO
        }
    }

    /// Says it on standard error and ends the program.
    func leave() -> Never {
        _ = StandardStream.write(text + "\n", to: STDERR_FILENO)
        exit(code)
    }
}
