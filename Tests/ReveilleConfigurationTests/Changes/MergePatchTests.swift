import ReveilleConfiguration
import Testing
import WakeCore

@Suite("Merge patches")
struct MergePatchTests {
    /// RFC 7396, appendix A: original, patch, result.
    static let appendix: [(String, String, String)] = [
        (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
        (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
        (#"{"a":"b"}"#, #"{"a":null}"#, #"{}"#),
        (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
        (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
        (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
        (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
        (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#),
        (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#),
        (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#),
        (#"{"a":"foo"}"#, #"null"#, #"null"#),
        (#"{"a":"foo"}"#, #""bar""#, #""bar""#),
        (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#),
        (#"[1,2]"#, #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
        (#"{}"#, #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
    ]

    @Test("the examples of RFC 7396", arguments: 0..<15)
    func appendix(number: Int) throws {
        let (original, patch, result) = Self.appendix[number]
        let made = MergePatch.apply(try JSONValue.parse(text: patch), to: try JSONValue.parse(text: original))
        #expect(MergePatch.areEqual(made, try JSONValue.parse(text: result)), "\(made.text)")
    }

    @Test("two patches one after the other are one patch, for random documents")
    func composition() throws {
        var random = Seeded(state: 7)
        for _ in 0..<20_000 {
            let (document, first, second) = (
                random.document(nulls: false), random.document(nulls: true), random.document(nulls: true)
            )
            let apart = MergePatch.apply(second, to: MergePatch.apply(first, to: document))
            let together = MergePatch.apply(MergePatch.compose(first, second, over: document), to: document)
            let isSame = MergePatch.areEqual(apart, together)
            try #require(isSame, "\(document.text) \(first.text) \(second.text)")
        }
    }

    @Test("three patches are one however they are put together")
    func chains() throws {
        var random = Seeded(state: 11)
        for _ in 0..<5_000 {
            let document = random.document(nulls: false)
            var apart = document
            var sum: JSONValue = [:]
            for _ in 0..<5 {
                let next = random.document(nulls: true)
                apart = MergePatch.apply(next, to: apart)
                sum = MergePatch.compose(sum, next, over: document)
            }
            let isSame = MergePatch.areEqual(apart, MergePatch.apply(sum, to: document))
            try #require(isSame, "\(document.text) \(sum.text)")
        }
    }

    @Test("the difference of two documents leads from one to the other, and is empty where they are equal")
    func difference() throws {
        var random = Seeded(state: 3)
        for _ in 0..<10_000 {
            let (one, other) = (random.document(nulls: false), random.document(nulls: false))
            let patch = MergePatch.difference(from: one, to: other)
            let isLedTo = MergePatch.areEqual(MergePatch.apply(patch, to: one), other)
            try #require(isLedTo, "\(one.text) \(other.text) \(patch.text)")
            try #require(MergePatch.difference(from: one, to: one) == [:])
            try #require(MergePatch.changedPaths(from: one, to: other).isEmpty == MergePatch.areEqual(one, other))
        }
    }

    @Test("lists of objects with an id are merged by it, unless they are to be replaced")
    func identifiers() {
        let document: JSONValue = ["a": [["id": "x", "n": 1, "m": 1], ["id": "y", "n": 2]]]
        let patch: JSONValue = ["a": [["id": "y", "n": 3], ["id": "z"], ["id": "x", "m": nil]]]
        let pure = MergePatch.resolvingIdentifiers(of: patch, over: document)
        #expect(pure == ["a": [["id": "x", "n": 1], ["id": "y", "n": 3], ["id": "z"]]])
        #expect(MergePatch.shrunkArrays(by: pure, over: document).isEmpty)
        let replaced = MergePatch.resolvingIdentifiers(of: patch, over: document, replaced: [["a"]])
        #expect(replaced == patch)
        #expect(MergePatch.shrunkArrays(by: ["a": [["id": "y"]]], over: document) == [["a"]])
    }

    @Test("a list that loses an element is found, also where it gets no shorter, and null is no such list")
    func shrinking() {
        let document: JSONValue = ["a": ["b": ["x", "y"]]]
        #expect(MergePatch.shrunkArrays(by: ["a": ["b": ["x"]]], over: document) == [["a", "b"]])
        #expect(MergePatch.shrunkArrays(by: ["a": ["b": ["x", "z"]]], over: document) == [["a", "b"]])
        #expect(MergePatch.shrunkArrays(by: ["a": ["b": []]], over: document) == [["a", "b"]])
        #expect(MergePatch.shrunkArrays(by: ["a": ["b": ["z", "y", "x"]]], over: document).isEmpty)
        #expect(MergePatch.shrunkArrays(by: ["a": ["b": nil]], over: document).isEmpty)
        #expect(MergePatch.shrunkArrays(by: ["a": ["c": []]], over: document).isEmpty)
    }
}

/// Random documents from a seed (SplitMix64), small in names so that they meet often.
struct Seeded {
    var state: UInt64

    mutating func next(_ bound: UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return (mixed ^ (mixed >> 31)) % bound
    }

    mutating func document(nulls: Bool, depth: Int = 0) -> JSONValue {
        var object = JSONObject()
        for key in ["a", "b", "c"] where next(3) > 0 {
            switch next(depth > 3 ? 3 : 6) {
            case 0: object[key] = .integer(Int64(next(3)))
            case 1: object[key] = .array((0..<next(3)).map { .integer(Int64($0)) })
            case 2: object[key] = nulls ? .null : "text"
            default: object[key] = document(nulls: nulls, depth: depth + 1)
            }
        }
        return .object(object)
    }
}
