import ReveilleConfiguration
import WakeCore

extension GatewayConfigFile {
    /// The port that gateways listen at if nothing else is said.
    public static let defaultPort = 18_789

    /// The port that the gateway listens at: the variable `OPENCLAW_GATEWAY_PORT`, else `gateway.port`, else 18789.
    public var port: Int {
        let named =
            environment["OPENCLAW_GATEWAY_PORT"].flatMap { Int($0.trimmed) } ?? value["gateway"]?["port"]?.integer.map(Int.init)
        return named.flatMap { (1...65_535).contains($0) ? $0 : nil } ?? Self.defaultPort
    }

    /// Which addresses it listens at: `loopback` if nothing else is said, or `lan`, `tailnet`, `auto`, `custom`.
    public var bind: String { value["gateway"]?["bind"]?.word ?? "loopback" }

    /// The address of `bind: "custom"`.
    public var customBindHost: String? { value["gateway"]?["customBindHost"]?.word }

    /// Whether it speaks TLS.
    public var isTLSEnabled: Bool { value["gateway"]?["tls"]?["enabled"]?.bool ?? false }

    /// How callers prove themselves.
    public enum AuthMode: Hashable, Sendable {
        /// By a token that both know.
        case token
        /// By a password that both know.
        case password
        /// Not at all.
        case none
        /// A proxy in front says who calls.
        case trustedProxy
        /// Another way, by its name.
        case other(String)
    }

    /// How callers prove themselves: `gateway.auth.mode`; if that is not said, by password where one is set, else by token.
    public var authMode: AuthMode {
        switch value["gateway"]?["auth"]?["mode"]?.word {
        case "token"?: .token
        case "password"?: .password
        case "none"?: .none
        case "trusted-proxy"?: .trustedProxy
        case let other?: .other(other)
        case nil: password.isSet && !token.isSet ? .password : .token
        }
    }

    /// The secret that callers prove themselves by: the token or the password, whichever the mode asks for.
    public var authSecret: GatewaySecret {
        switch authMode {
        case .token: token
        case .password: password
        case .none, .trustedProxy, .other: .missing
        }
    }

    private var token: GatewaySecret { secret("token", variable: "OPENCLAW_GATEWAY_TOKEN") }
    private var password: GatewaySecret { secret("password", variable: "OPENCLAW_GATEWAY_PASSWORD") }

    /// The configuration counts before the environment.
    private func secret(_ key: String, variable: String) -> GatewaySecret {
        let configured = secret(at: ["gateway", "auth", key])
        guard !configured.isSet, let text = environment[variable]?.trimmed.nonEmpty else { return configured }
        return .value(Secret(text))
    }
}
