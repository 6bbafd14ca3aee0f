import ReveilleConfiguration
import WakeCore
import WakeService

/// What a doctor says, for people and for programs.
struct DoctorReport {
    /// The worst first.
    let findings: [Finding]

    /// 0: nothing worse than a note, or than what could not be looked at; 1: warnings; 2: errors.
    var exitCode: Int32 {
        switch findings.map(\.severity).max() {
        case .error?: 2
        case .warning?: 1
        default: 0
        }
    }

    /// `1 error, 2 warnings, 3 not looked at, 4 in order`.
    var counts: String {
        let words = Finding.Severity.allCases.reversed().compactMap { severity -> String? in
            let count = count(severity)
            guard count > 0 else { return nil }
            return switch severity {
            case .error: count == 1 ? "1 error" : "\(count) errors"
            case .warning: count == 1 ? "1 warning" : "\(count) warnings"
            case .unknown: "\(count) not looked at"
            case .note: count == 1 ? "1 note" : "\(count) notes"
            case .ok: "\(count) in order"
            }
        }
        return words.isEmpty ? "nothing was looked at" : words.joined(separator: ", ")
    }

    private func count(_ severity: Finding.Severity) -> Int { findings.count { $0.severity == severity } }

    /// For people: one paragraph for each finding, and a last line with the counts.
    var lines: [String] {
        var lines: [String] = []
        for finding in findings {
            lines.append("\(Self.mark(finding.severity)) \(Self.plain(finding.subject)): \(Self.plain(finding.summary))")
            if finding.severity != .ok {
                lines += [("seen", finding.evidence), ("why", finding.meaning), ("fix", finding.fix)].compactMap { label, text in
                    text.map { "         \(label):\(label.count == 4 ? " " : "  ")\(Self.plain($0))" }
                }
                lines.append("         code: \(finding.code)")
            } else if let evidence = finding.evidence {
                lines[lines.count - 1] += " (\(Self.plain(evidence)))"
            }
        }
        return lines + [counts]
    }

    /// For programs; keys are added to, never renamed.
    var json: JSONValue {
        [
            "findings": .array(findings.map(\.json)),
            "counts": .object(
                JSONObject(
                    Finding.Severity.allCases.map { .init(key: $0.rawValue, value: .integer(Int64(count($0)))) })),
            "exitCode": .integer(Int64(exitCode)),
        ]
    }

    private static func mark(_ severity: Finding.Severity) -> String {
        switch severity {
        case .error: "ERROR   "
        case .warning: "WARNING "
        case .unknown: "unseen  "
        case .note: "note    "
        case .ok: "ok      "
        }
    }

    /// Nothing that comes from outside may draw on the operator's terminal.
    private static func plain(_ text: String) -> String { Printing.oneLine(text, maximumCharacters: 1_000) }
}

extension Finding {
    var json: JSONValue {
        var object: JSONObject = [
            "code": .string(code), "severity": .string(severity.rawValue), "subject": .string(subject),
            "summary": .string(summary),
        ]
        object["evidence"] = evidence.map { .string($0) }
        object["meaning"] = meaning.map { .string($0) }
        object["fix"] = fix.map { .string($0) }
        return .object(object)
    }

    /// What is wrong with our own configuration: then nothing else can be looked at.
    static func faults(_ problems: ConfigurationProblems) -> [Finding] {
        problems.list.map { problem in
            Finding(
                .error, "config-faulty", problem.path ?? "reveille.json5", "the configuration can't be used",
                evidence: problem.description,
                meaning: "The daemon does not start with it, and nothing else could be looked at.",
                fix: problem.hint ?? "reveille config check tells what is wrong.")
        }
    }
}
