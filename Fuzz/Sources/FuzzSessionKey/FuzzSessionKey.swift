import WakeCore

/// Any text: a session key or a reason why not; a key prints as something that is read as the same key.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    do {
        let key = try SessionKey(text)
        let again = try SessionKey(key.description)
        precondition(again == key && again.shape == key.shape && again.route == key.route, "\(text) became \(key), then \(again)")
        if let route = key.route {
            precondition(Route(route.description) == route, "the route \(route) of \(text) is not read again")
        }
    } catch let error as SessionKeyError {
        precondition(error.column >= 1 && !error.problem.isEmpty && !error.hint.isEmpty, "no reason: \(error)")
        precondition((try? SessionKey(text)) == nil, "refused once and then accepted: \(text)")
    } catch {
        fatalError("an error of another kind: \(error)")
    }
    return 0
}
