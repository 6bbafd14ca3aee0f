public import WakeCore

/// JSON merge patches (RFC 7396): apply one, find the one that leads from one document to another, make one of two.
public enum MergePatch {
    /// The document that `patch` makes of `target`: RFC 7396, section 2.
    public static func apply(_ patch: JSONValue, to target: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var result = target.object ?? JSONObject()
        for change in changes.members {
            if change.value.isNull {
                result[change.key] = Optional<JSONValue>.none
            } else {
                result[change.key] = apply(change.value, to: result[change.key] ?? .object(JSONObject()))
            }
        }
        return .object(result)
    }

    /// The smallest patch that leads from `source` to `target`. A `null` within `target` can't be led to, and counts as absent.
    public static func difference(from source: JSONValue, to target: JSONValue) -> JSONValue {
        guard case .object(let old) = source, case .object(let new) = target else { return target }
        var patch = JSONObject()
        for member in old.members where isAbsent(new[member.key]) { patch[member.key] = .null }
        for member in new.members where !member.value.isNull {
            guard let before = old[member.key] else {
                patch[member.key] = member.value
                continue
            }
            if before.object == nil, member.value.object != nil {
                patch[member.key] = member.value
            } else if !areEqual(before, member.value) {
                patch[member.key] = difference(from: before, to: member.value)
            }
        }
        return .object(patch)
    }

    /// One patch that does what `first` and then `second` do.
    ///
    /// Merge patches alone are not closed under this: no patch says "an object of these members and no others", which is what
    /// a removal and a new beginning amount to. So it is told the document that both are for, and names what must go.
    ///
    /// - Parameters:
    ///   - first: the earlier patch.
    ///   - second: the later one.
    ///   - document: what they are applied to.
    /// - Returns: a patch with `apply(it, to: document) == apply(second, to: apply(first, to: document))`.
    public static func compose(_ first: JSONValue, _ second: JSONValue, over document: JSONValue?) -> JSONValue {
        guard case .object(let later) = second else { return second }
        guard case .object(var result) = first else { return replacing(later, over: document) }
        for member in later.members {
            let below = document?[member.key]
            if let earlier = result[member.key] {
                result[member.key] = compose(earlier, member.value, over: below)
            } else {
                result[member.key] = member.value
            }
        }
        return .object(result)
    }

    /// Arrays of objects that each have an `id` are merged by it: the pure patch that says the same.
    ///
    /// - Parameters:
    ///   - patch: in which such an array stands for changes of the array that there is.
    ///   - target: the document that it is for.
    ///   - replaced: paths of arrays that are to be replaced as they stand.
    ///   - path: where in the whole the two stand.
    /// - Returns: a patch with whole arrays in it.
    public static func resolvingIdentifiers(
        of patch: JSONValue, over target: JSONValue?, replaced: Set<[String]> = [], at path: [String] = []
    ) -> JSONValue {
        switch patch {
        case .object(var changes):
            for member in changes.members {
                changes[member.key] = resolvingIdentifiers(
                    of: member.value, over: target?[member.key], replaced: replaced, at: path + [member.key])
            }
            return .object(changes)
        case .array(let elements):
            guard !replaced.contains(path), let old = target?.array, areIdentified(elements), areIdentified(old) else {
                return patch
            }
            var merged = old
            for element in elements {
                if let index = merged.firstIndex(where: { $0["id"] == element["id"] }) {
                    merged[index] = apply(element, to: merged[index])
                } else {
                    merged.append(apply(element, to: .object(JSONObject())))
                }
            }
            return .array(merged)
        default: return patch
        }
    }

    /// The arrays that lose members by a pure patch, by path. A key that `null` removes is no array that shrinks.
    public static func shrunkArrays(by patch: JSONValue, over target: JSONValue?, at path: [String] = []) -> [[String]] {
        if case .object(let changes) = patch {
            return changes.members.flatMap { shrunkArrays(by: $0.value, over: target?[$0.key], at: path + [$0.key]) }
        }
        guard let new = patch.array, let old = target?.array else { return [] }
        let isWhole =
            areIdentified(old) && areIdentified(new)
            ? Set(old.map { $0["id"] }).isSubset(of: new.map { $0["id"] }) : Set(old).isSubset(of: new)
        return new.count < old.count || !isWhole ? [path] : []
    }

    /// The paths at which two documents differ: those of values, and of objects without members.
    public static func changedPaths(from source: JSONValue?, to target: JSONValue?, at path: [String] = []) -> [[String]] {
        let old = source?.object
        let new = target?.object
        guard old != nil || new != nil else {
            return areEqual(source ?? .null, target ?? .null) ? [] : [path]
        }
        let keys = Set((old?.members ?? []).map(\.key)).union((new?.members ?? []).map(\.key)).sorted()
        let inner = keys.flatMap { changedPaths(from: old?[$0], to: new?[$0], at: path + [$0]) }
        return inner.isEmpty && (old == nil) != (new == nil) ? [path] : inner
    }

    /// Whether two documents say the same; the order of members says nothing.
    public static func areEqual(_ left: JSONValue, _ right: JSONValue) -> Bool {
        switch (left, right) {
        case (.object(let one), .object(let other)):
            let keys = Set(one.members.map(\.key))
            return keys == Set(other.members.map(\.key))
                && keys.allSatisfy { key in areEqual(one[key] ?? .null, other[key] ?? .null) }
        case (.array(let one), .array(let other)):
            return one.count == other.count && zip(one, other).allSatisfy { areEqual($0, $1) }
        case (.integer, .number), (.number, .integer): return left.number == right.number
        default: return left == right
        }
    }

    /// A patch that makes an object of `members` alone out of `document`.
    private static func replacing(_ members: JSONObject, over document: JSONValue?) -> JSONValue {
        var result = JSONObject()
        for member in document?.object?.members ?? [] where members[member.key] == nil { result[member.key] = .null }
        for member in members.members {
            if case .object(let inner) = member.value {
                result[member.key] = replacing(inner, over: document?[member.key])
            } else {
                result[member.key] = member.value
            }
        }
        return .object(result)
    }

    private static func isAbsent(_ value: JSONValue?) -> Bool { value?.isNull ?? true }

    private static func areIdentified(_ elements: [JSONValue]) -> Bool {
        !elements.isEmpty && elements.allSatisfy { $0["id"]?.string != nil || $0["id"]?.integer != nil }
    }
}
