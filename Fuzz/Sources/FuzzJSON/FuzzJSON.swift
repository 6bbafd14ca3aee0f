import WakeCore

/// Any bytes: parsed or refused, never trapped; what was parsed prints as something that parses to the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let value = try? JSONValue.parse(bytes) else { return 0 }
    let text = value.text
    guard let again = try? JSONValue.parse(text: text) else { fatalError("printed and not read again: \(text)") }
    precondition(again.text == text, "printed as \(text), and then as \(again.text)")
    return 0
}
