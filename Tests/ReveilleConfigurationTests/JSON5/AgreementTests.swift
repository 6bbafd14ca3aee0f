import Foundation
import ReveilleConfiguration
import Testing

/// A JSON value as either parser sees it, for comparing the two.
private enum Plain: Decodable, Equatable {
    case null
    case boolean(Bool)
    case number(Double)
    case string(String)
    case array([Plain])
    case object([String: Plain])

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: Key.self) {
            var members: [String: Plain] = [:]
            for key in container.allKeys { members[key.stringValue] = try container.decode(Plain.self, forKey: key) }
            self = .object(members)
        } else if var container = try? decoder.unkeyedContainer() {
            var elements: [Plain] = []
            while !container.isAtEnd { elements.append(try container.decode(Plain.self)) }
            self = .array(elements)
        } else {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .null
            } else if let flag = try? container.decode(Bool.self) {
                self = .boolean(flag)
            } else if let text = try? container.decode(String.self) {
                self = .string(text)
            } else {
                self = .number(try container.decode(Double.self))
            }
        }
    }

    init(_ node: JSON5Node) {
        switch node.value {
        case .null: self = .null
        case .boolean(let flag): self = .boolean(flag)
        case .number(let number): self = .number(number.value)
        case .string(let text): self = .string(text)
        case .array(let nodes): self = .array(nodes.map { Plain($0) })
        case .object(let members):
            self = .object(Dictionary(members.map { ($0.key, Plain($0.node)) }, uniquingKeysWith: { first, _ in first }))
        }
    }

    /// As `==`, but NaN equals itself.
    func isSame(as other: Plain) -> Bool {
        switch (self, other) {
        case (.number(let one), .number(let two)): one == two || (one.isNaN && two.isNaN)
        case (.array(let one), .array(let two)): one.count == two.count && zip(one, two).allSatisfy { $0.isSame(as: $1) }
        case (.object(let one), .object(let two)):
            one.count == two.count && one.allSatisfy { key, value in two[key].map { $0.isSame(as: value) } ?? false }
        default: self == other
        }
    }
}

@Suite("Agreement with Foundation's JSON5 decoder")
struct AgreementTests {
    private func ours(_ bytes: [UInt8]) -> Plain? {
        (try? JSON5.parse(bytes)).flatMap { $0.duplicates.isEmpty ? Plain($0.root) : nil }
    }

    private func theirs(_ bytes: [UInt8]) -> Plain? {
        let decoder = JSONDecoder()
        decoder.allowsJSON5 = true
        return try? decoder.decode(Plain.self, from: Data(bytes))
    }

    @Test("both say the same of every text in the corpus", arguments: Corpus.agreed)
    func agreement(text: Corpus.Text) {
        let (mine, foundation) = (ours(text.bytes), theirs(text.bytes))
        switch (mine, foundation) {
        case (nil, nil): break
        case (let mine?, let foundation?): #expect(mine.isSame(as: foundation), "\(mine) is not \(foundation)")
        default:
            Issue.record("ours: \(mine.map { "\($0)" } ?? "refused"), Foundation: \(foundation.map { "\($0)" } ?? "refused")")
        }
    }

    @Test("where the two differ, ours is the one that the specification or strictness asks for", arguments: Corpus.different)
    func difference(case difference: Corpus.Difference) throws {
        let mine = ours(difference.text.bytes)
        if let meaning = difference.meaning {
            let wanted = try JSONDecoder().decode(Plain.self, from: Data(meaning.utf8))
            #expect(try #require(mine).isSame(as: wanted))
        } else {
            #expect(mine == nil)
        }
        #if canImport(Glibc)
            // A Foundation that has learnt better belongs into the corpus of the agreed.
            let foundation = theirs(difference.text.bytes)
            #expect(foundation == nil || foundation != mine)
        #endif
    }

    @Test("a number whose exponent has no digits is refused", arguments: Corpus.trapping)
    func trapping(text: Corpus.Text) {
        #expect(ours(text.bytes) == nil)
    }
}
