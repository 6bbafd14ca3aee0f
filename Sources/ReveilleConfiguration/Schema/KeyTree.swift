/// The key table as a tree, for walking along with a document.
struct KeyTree: Sendable {
    /// The branches with fixed names.
    private(set) var children: [String: KeyTree] = [:]
    /// `<name>` or one like it, where the operator chooses the names of the branches.
    private(set) var label: String?
    /// What stands at the end of a path.
    private(set) var descriptor: KeyDescriptor?

    static let root = KeyTree(KeyTable.keys)

    private init() {}

    init(_ keys: [KeyDescriptor]) {
        for key in keys { insert(key, at: key.path.components[...]) }
    }

    private mutating func insert(_ key: KeyDescriptor, at path: ArraySlice<String>) {
        guard let first = path.first else {
            descriptor = key
            return
        }
        if first.hasPrefix("<") { label = first }
        children[first, default: KeyTree()].insert(key, at: path.dropFirst())
    }

    /// The branch of a key; nil if there is none.
    func branch(_ key: String) -> KeyTree? {
        children[key] ?? label.flatMap { children[$0] }
    }

    /// The branch at the end of a path from the root; nil if there is none.
    static func descend(_ path: [String]) -> KeyTree? {
        var tree = root
        for key in path {
            guard let branch = tree.branch(key) else { return nil }
            tree = branch
        }
        return tree
    }

    /// The keys that can stand here.
    var names: [String] { children.keys.filter { !$0.hasPrefix("<") }.sorted() }

    /// Why `name` can't be chosen as a name here; nil if it can.
    func fault(ofName name: String) -> ValueFault? {
        guard children[name] == nil else { return nil }
        return switch label {
        case KeyTable.nameLabel, KeyTable.gatewayLabel, KeyTable.agentLabel: DiscordAccount.fault(ofName: name)
        case KeyTable.patternLabel: SessionPattern.fault(of: name)
        case KeyTable.targetLabel: ListKind.fault(ofTarget: name)
        case KeyTable.channelLabel: ListKind.fault(ofChannel: name)
        case KeyTable.userLabel:
            UInt32(name).map { "\($0)" == name } == true
                ? nil : ValueFault("is no number of a user", hint: "write for example \"1000\"; id -u NAME tells it")
        default: nil
        }
    }
}
