import GatewayProtocol
import WakeCore

/// What a change of a gateway's configuration comes to, as far as its texts tell.
enum GatewayPatch {
    /// Where something changes.
    struct Leaf: Hashable {
        /// The keys, joined by dots.
        var path: String
        /// Whether the gateway can be asked about it: dots and odd characters in a key make the path another one.
        var isAskable = true
    }

    // MARK: Before

    /// Where a merge patch changes something. What is so already does not count.
    static func leaves(of patch: JSONValue, in current: JSONValue?, at leaf: Leaf = Leaf(path: "")) -> [Leaf] {
        guard let changes = patch.object else { return same(patch, current) ? [] : [leaf] }
        if changes.members.isEmpty, leaf.path.isEmpty || current?.object != nil { return [] }
        if changes.members.isEmpty { return [leaf] }
        return changes.members.flatMap { leaves(of: $0.value, in: current?[$0.key], at: joined(leaf, $0.key)) }
    }

    /// Where two configurations differ.
    static func leaves(from old: JSONValue?, to new: JSONValue?, at leaf: Leaf = Leaf(path: "")) -> [Leaf] {
        guard let before = old?.object, let after = new?.object else { return old == new ? [] : [leaf] }
        let gone = before.members.map(\.key).filter { after[$0] == nil }
        return (after.members.map(\.key) + gone).flatMap { key in
            leaves(from: before[key], to: after[key], at: joined(leaf, key))
        }
    }

    /// Null takes away, and does nothing where nothing is.
    private static func same(_ value: JSONValue, _ current: JSONValue?) -> Bool {
        value.isNull ? current == nil || current?.isNull == true : value == current
    }

    private static func joined(_ leaf: Leaf, _ key: String) -> Leaf {
        let isPlain =
            !key.isEmpty
            && key.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x5F || $0 == 0x2D
            }
        return Leaf(path: leaf.path.isEmpty ? key : "\(leaf.path).\(key)", isAskable: leaf.isAskable && isPlain)
    }

    // MARK: Afterwards

    /// What the gateway's answer says.
    enum Answer: Hashable {
        /// It restarts, after that time.
        case restarts(in: Duration)
        /// It does not; where these paths changed, as far as it told.
        case staysUp(changed: [String]?)
        /// What changed is written and takes a restart, which does not come.
        case restartRefused(reason: String)
    }

    /// Reads the answer to `config.patch` or `config.apply`.
    static func answer(_ reply: JSONValue?) -> Answer {
        let changed = reply?["changedPaths"]?.array?.compactMap(\.string)
        guard let restart = reply?["restart"], restart.object != nil, restart["scheduled"]?.bool != false else {
            return .staysUp(changed: changed)
        }
        guard restart["ok"]?.bool != false else {
            return .restartRefused(reason: restart["reason"]?.string ?? restart["error"]?.string ?? "it does not say why")
        }
        let waits = [restart["delayMs"]?.integer, restart["cooldownMsApplied"]?.integer].compactMap(\.self)
        return .restarts(in: .milliseconds(waits.reduce(0) { $0 + min(max($1, 0), 86_400_000) }))
    }

    /// Why the gateway did not take a change.
    enum Refusal: Hashable {
        /// Somebody else changed the configuration meanwhile.
        case conflict
        /// It is no good; what is wrong where, as far as it told.
        case invalid(issues: [String])
        /// It is written, and could not be put into use.
        case writtenOnly
        /// Anything else.
        case other
    }

    /// Reads the refusal.
    static func refusal(_ fault: GatewayFault) -> Refusal {
        if fault.details?["persistedConfig"] != nil { return .writtenOnly }
        guard fault.code == .invalidRequest else { return .other }
        let message = fault.message.lowercased()
        if message.contains("changed since last load") || message.contains("base hash") { return .conflict }
        let issues = (fault.details?["issues"]?.array ?? []).compactMap { issue -> String? in
            guard let words = issue["message"]?.string else { return nil }
            return issue["path"]?.string.map { $0.isEmpty ? words : "\($0): \(words)" } ?? words
        }
        return .invalid(issues: issues)
    }
}
