/// Reads what follows `agent:<id>:`.
struct SessionKeyReader {
    let text: String
    let rest: [String]

    func shape() throws(SessionKeyError) -> ([String], SessionKey.Shape) {
        let head = rest[0].lowercased()
        switch head {
        case "main" where rest.count == 1: return ([head], .main)
        case "direct", "dm": return try direct(transport: nil, account: nil, from: 0)
        case "cron": return try cron()
        case "subagent": return try subagent()
        default: break
        }
        guard rest.count >= 2 else { return ([head], .other(kind: head)) }
        switch rest[1].lowercased() {
        case "direct", "dm": return try direct(transport: head, account: nil, from: 1)
        case "channel": return try place(suffix: "thread") { .channel(transport: head, id: $0, thread: $1) }
        case "group": return try place(suffix: "topic") { .group(transport: head, id: $0, topic: $1) }
        default: break
        }
        if rest.count >= 3, ["direct", "dm"].contains(rest[2].lowercased()) {
            return try direct(transport: head, account: rest[1].lowercased(), from: 2)
        }
        return ([head] + rest[1...], .other(kind: head))
    }

    private func column(ofPart index: Int) -> Int {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return parts.prefix(index + 2).reduce(1) { $0 + $1.count + 1 }
    }

    private func direct(transport: String?, account: String?, from index: Int) throws(SessionKeyError) -> (
        [String], SessionKey.Shape
    ) {
        guard rest.count > index + 1 else {
            throw SessionKeyError(text, text.count + 1, "after '\(rest[index])' comes the peer's id")
        }
        // A peer's id belongs to its transport and may itself hold colons.
        let peer = rest[(index + 1)...].joined(separator: ":")
        return (
            rest[..<index].map { $0.lowercased() } + [rest[index].lowercased(), peer],
            .direct(transport: transport, account: account, peer: peer)
        )
    }

    private func place(
        suffix: String, _ make: (String, String?) -> SessionKey.Shape
    ) throws(SessionKeyError) -> ([String], SessionKey.Shape) {
        let keyword = rest[1].lowercased()
        guard rest.count >= 3 else { throw SessionKeyError(text, text.count + 1, "after '\(keyword)' comes its id") }
        if rest[0].lowercased() == "discord" { try snowflake(rest[2], part: 2) }
        let head = [rest[0].lowercased(), keyword, rest[2]]
        guard rest.count > 3 else { return (head, make(rest[2], nil)) }
        guard rest[3].lowercased() == suffix else {
            throw SessionKeyError(text, column(ofPart: 3), "after the \(keyword)'s id only ':\(suffix):<id>' may follow")
        }
        guard rest.count == 5 else {
            throw SessionKeyError(text, text.count + 1, "after '\(suffix)' comes exactly one id")
        }
        if rest[0].lowercased() == "discord" { try snowflake(rest[4], part: 4) }
        return (head + [suffix, rest[4]], make(rest[2], rest[4]))
    }

    /// Discord's ids are 64-bit numbers (reference: Snowflakes).
    private func snowflake(_ id: String, part: Int) throws(SessionKeyError) {
        guard UInt64(id) != nil, id.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
            throw SessionKeyError(text, column(ofPart: part), "a Discord id is a number, '\(id)' is none")
        }
    }

    private func cron() throws(SessionKeyError) -> ([String], SessionKey.Shape) {
        guard rest.count >= 2 else { throw SessionKeyError(text, text.count + 1, "after 'cron' comes the job's id") }
        guard rest.count > 2 else { return (["cron", rest[1]], .cron(job: rest[1], run: nil)) }
        guard rest.count == 4, rest[2].lowercased() == "run" else {
            throw SessionKeyError(text, column(ofPart: 2), "after the job's id only ':run:<id>' may follow")
        }
        return (["cron", rest[1], "run", rest[3]], .cron(job: rest[1], run: rest[3]))
    }

    private func subagent() throws(SessionKeyError) -> ([String], SessionKey.Shape) {
        var path: [String] = []
        for index in rest.indices {
            if index % 2 == 1 {
                path.append(rest[index])
            } else if rest[index].lowercased() != "subagent" {
                throw SessionKeyError(text, column(ofPart: index), "only ':subagent:<id>' may follow a subagent's id")
            }
        }
        guard rest.count % 2 == 0 else { throw SessionKeyError(text, text.count + 1, "after 'subagent' comes its id") }
        return (rest.enumerated().map { $0.offset % 2 == 0 ? "subagent" : $0.element }, .subagent(path: path))
    }
}
