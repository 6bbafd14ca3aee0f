/// The way from the root of a document to one of its values.
///
/// A linked list, so that a node of a large document costs one small allocation, however deep it lies.
public indirect enum JSON5Path: Sendable, Hashable, CustomStringConvertible {
    /// The document itself.
    case root
    /// The value of a key in an object.
    case key(String, in: JSON5Path)
    /// An element of an array, from 0.
    case index(Int, in: JSON5Path)

    /// `discord.accounts.default.intents[2]`; a key that is no plain word is quoted.
    public var description: String {
        switch self {
        case .root: "(the document)"
        case .key(let key, .root): ConfigurationPath.shown(key)
        case .key(let key, let parent): "\(parent).\(ConfigurationPath.shown(key))"
        case .index(let index, let parent): "\(parent)[\(index)]"
        }
    }
}
