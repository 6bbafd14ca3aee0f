/// One key with its value and where that comes from: a line of `config show`.
public struct ConfigurationSetting: Sendable {
    /// The path of the key.
    public let path: ConfigurationPath
    /// The value as text; `(set)` or `(not set)` for a secret, never more.
    public let text: String
    /// Where it comes from.
    public let origin: ConfigurationOrigin
    /// What the key is.
    public let descriptor: KeyDescriptor
    /// The value itself; nil for secrets and for keys without a value.
    let value: ConfigurationValue?

    /// Whether there is a value.
    public var isSet: Bool { value != nil || (descriptor.isSecret && text == Self.secretIsSet) }

    static let secretIsSet = "(set)"
    static let notSet = "(not set)"
}
