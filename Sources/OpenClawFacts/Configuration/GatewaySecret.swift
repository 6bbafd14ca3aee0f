public import ReveilleConfiguration
import WakeCore

/// A secret of a gateway's configuration, as far as it can be had.
public enum GatewaySecret: Sendable {
    /// It is not set.
    case missing
    /// It is known; it prints as `(set)`.
    case value(Secret)
    /// It is set and can't be had; why, and what to do.
    case unavailable(GatewayConfigProblem)

    /// The secret, where it is known.
    public var secret: Secret? { if case .value(let secret) = self { secret } else { nil } }

    /// True unless it is ``missing``.
    public var isSet: Bool { if case .missing = self { false } else { true } }
}

extension GatewayConfigFile {
    /// The secret at a path: a text, or a reference `{source, provider?, id}`.
    ///
    /// References to variables (`source: "env"`) are followed. Those to files and to commands are the gateway's own business.
    func secret(at path: [String]) -> GatewaySecret {
        let shown = ConfigurationPath(path).description
        guard let value = path.reduce(Optional(value), { $0?[$1] }), !value.isNull else { return problem(ofSecretAt: shown) }
        if let text = value.string { return text.trimmed.nonEmpty.map { .value(Secret($0)) } ?? .missing }
        guard let source = value["source"]?.word, let id = value["id"]?.word else {
            return unavailable(
                shown, "neither a text nor a reference with source and id", hint: "Correct it in the gateway's configuration.")
        }
        guard source == "env" else {
            return unavailable(
                shown, "it comes from '\(source)' (id '\(id)'), which only the gateway itself can read",
                hint: "Give reveille the secret by its own configuration, as a file or a credential.")
        }
        if let text = environment[id]?.trimmed.nonEmpty { return .value(Secret(text)) }
        return unavailable(
            shown, "the variable \(id) is not set here",
            hint: "Set it for reveille as well, or give reveille the secret by its own configuration.")
    }

    /// A secret that is not there may have been set by a variable that is not: then that is why.
    private func problem(ofSecretAt path: String) -> GatewaySecret {
        problems.first { $0.code == .missingVariable && $0.path == path }.map { .unavailable($0) } ?? .missing
    }

    private func unavailable(_ path: String, _ reason: String, hint: String) -> GatewaySecret {
        .unavailable(GatewayConfigProblem(.unsupportedSecret, file: file, path: path, reason, hint: hint))
    }
}
