/// Finds and reads the token of the control plane. It is read only when it is needed, and never kept in a ``Configuration``.
public enum ControlToken {
    /// How long a token may be, in visible characters.
    public static let lengthsInCharacters = 16...4_096
    /// The name of the credential that holds it.
    static let credential = "control"
    /// The hint for everybody who puts it where it does not belong.
    static let whereItGoes =
        "give it as a systemd credential (LoadCredential=control:FILE), in a file of its own named by control.tokenFile "
        + "(chmod 600), or in REVEILLE_CONTROL_TOKEN"

    /// Reads the token.
    ///
    /// - Parameters:
    ///   - configuration: which says where it is.
    ///   - surroundings: whose user id the file may belong to, and the environment.
    /// - Returns: the token, for the server alone; nil if none is configured.
    /// - Throws: ``ConfigurationProblem`` if one is configured and not there, if others can read it, or if it can't be one.
    ///   No message holds any of it.
    public static func load(
        for configuration: Configuration, in surroundings: Surroundings
    ) throws(ConfigurationProblem) -> Secret? {
        guard let location = configuration.control.tokenLocation else { return nil }
        let text: String
        switch location {
        case .environment(let name):
            guard let value = surroundings.variables[name], !value.isEmpty else {
                throw ConfigurationProblem(
                    .tokenMissing, origin: location.origin, path: path, message: "the variable of the control token is not set",
                    hint: "set \(name), or take control.tokenEnvironment out")
            }
            text = value
        case .file(let file): text = try Self.file(file, isCredential: false, surroundings).read()
        case .credential(let file): text = try Self.file(file, isCredential: true, surroundings).read()
        }
        var token = text[...]
        while token.last?.isNewline == true { token.removeLast() }
        guard lengthsInCharacters.contains(token.utf8.count), token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw ConfigurationProblem(
                .tokenMalformed, origin: location.origin, path: path,
                message:
                    "the control token must be \(lengthsInCharacters.lowerBound) to \(lengthsInCharacters.upperBound) visible "
                    + "characters of ASCII, without blanks",
                hint: "make one with: openssl rand -hex 32")
        }
        return Secret(String(token))
    }

    private static let path = "control.token"

    private static func file(_ path: String, isCredential: Bool, _ surroundings: Surroundings) -> TokenFile {
        // Two more than a token has: a line end.
        TokenFile(
            path: path, isCredential: isCredential, userID: surroundings.userID, content: "the control token",
            maximumBytes: lengthsInCharacters.upperBound + 2)
    }
}
