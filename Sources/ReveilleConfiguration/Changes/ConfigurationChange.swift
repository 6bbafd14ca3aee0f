public import WakeCore

/// A change of the configuration that somebody asks for.
public enum ConfigurationChange: Sendable {
    /// A merge patch (RFC 7396) in JSON5: null unsets a key, lists replace lists; `replacePaths` names those that may lose elements.
    case patch(raw: String, replacePaths: [String] = [], baseHash: String?)
    /// The whole configuration in JSON5: what it does not set is unset.
    case apply(raw: String, baseHash: String?)

    /// The most paths that may be named.
    public static let replacePathsMaximumCount = 256
}

/// The configuration by its files, as it may be shown.
public struct ConfigurationPicture: Sendable {
    /// The main file.
    public let path: String
    /// Whether it is there.
    public let exists: Bool
    /// Its text; nil if it is not there, or if it holds what looks like a token, in a comment for example.
    public let raw: String?
    /// What all files say together, the accepted patches included. No file may hold a secret, so neither does this.
    public let parsed: JSONValue
    /// The digest of all of them (SHA-256, hexadecimal): what a change names as its base.
    public let hash: String
    /// What is in force: the files under environment, flags and defaults.
    public let configuration: Configuration
    /// The keys that the files set and the environment or a flag overrides.
    public let shadowed: [String]
}

/// What a change would do. Nothing has been written.
public struct ConfigurationPlan: Sendable {
    /// The keys whose values in the files change; empty: there is nothing to do.
    public let changedPaths: [String]
    /// What each of them needs; nothing where the value in force stays the same.
    public let effects: [(path: String, effect: KeyDescriptor.ChangeEffect)]
    /// The strongest of ``effects``.
    public let needs: KeyDescriptor.ChangeEffect
    /// The configuration that the change leads to.
    public let resulting: Configuration
    /// The digest of the configuration that it was made for.
    public let hashBefore: String
    /// The digest of the one that it leads to.
    public let hashAfter: String
    /// The changed keys that the environment or a flag overrides, so that nothing changes in force.
    public let shadowed: [String]
    /// The change as a pure merge patch.
    public let patch: JSONValue
    /// Why the change would take access to the control plane away; empty if it does not. Whether that may be is for the caller to say.
    public let locksOut: [String]

    /// The layer as it would be.
    let layer: AcceptedPatches
    /// The entry that is reverted, if one is.
    let revertOf: Int?

    /// Whether there is anything to write.
    var isNothing: Bool { changedPaths.isEmpty && revertOf == nil }
}

/// One accepted change, as the log keeps it.
public struct ConfigurationPatchEntry: Sendable, Hashable {
    /// Its number, from 1; 0 for a change that changed nothing and so was not written.
    public let number: Int
    /// When it was accepted, in milliseconds since 1970.
    public let atMilliseconds: Int64
    /// Who asked for it.
    public let by: String
    /// Why, as they said.
    public let note: String?
    /// The session that asked for it.
    public let session: String?
    /// The change as a pure merge patch; for a revert, what it came to at that time.
    public let patch: JSONValue
    /// The keys that it changed.
    public let changedPaths: [String]
    /// The entry that it takes back, if it does.
    public let revertOf: Int?

    /// When it was accepted, as `2026-11-25T22:10:00.000Z`.
    public var at: String { WallTimeText.format(milliseconds: atMilliseconds) }
}
