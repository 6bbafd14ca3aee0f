import ReveilleConfiguration

/// Any bytes as a configuration file: read, or refused with at least one problem in words.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let problems = ConfigurationLoader.check(bytes, name: "fuzz.json5")
    precondition(problems.isEmpty || !problems.description.isEmpty)
    let document = try? JSON5.parse(bytes)
    // A text without any value is an empty configuration; any other that is no JSON5 must be refused.
    if document == nil, problems.isEmpty {
        do { _ = try JSON5.parse(bytes) } catch { precondition(error.code == .empty, "passed over: \(error)") }
    }
    return 0
}
