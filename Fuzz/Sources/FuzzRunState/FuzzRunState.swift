import RunStates
import WakeCore

/// Any bytes: a run state or a reason why not; what was read prints as what is read as the same, also after each change.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    do {
        let state = try RunState(bytes)
        check(state)
        if let work = state.work(path: "/f", writtenAt: 0) {
            precondition(state.isPending && work.nextStep.map { work.steps.indices.contains($0) } ?? true, "\(work)")
        }
        precondition(state.list.count == state.plan.count && state.bar.isEmpty == state.plan.isEmpty, "\(state)")
        var (stepped, noted, ended) = (state, state, state)
        noted.note("a\nb", as: state.isPending ? "fuzz" : nil, at: "T")
        check(noted)
        precondition(noted.fingerprint == state.fingerprint, "a note counts as progress: \(state)")
        if (try? stepped.step("x", at: "T")) != nil {
            check(stepped)
            precondition(stepped.fingerprint != state.fingerprint, "a step counts as none: \(state)")
        }
        if (try? ended.end(nil, isDone: true, at: "T")) != nil {
            check(ended)
            precondition(!ended.isPending && ended.work(path: "/f", writtenAt: 0) == nil, "ended and pending: \(ended)")
        }
    } catch let error as RunStateError {
        precondition(!error.message.isEmpty && !error.hint.isEmpty, "no reason: \(error)")
    } catch {
        fatalError("an error of another kind: \(error)")
    }
    return 0
}

private func check(_ state: RunState) {
    let bytes = state.bytes
    // Indented it may be too large to be read; a change refuses to write that.
    if bytes.count > RunState.maximumBytes { return }
    guard let again = try? RunState(bytes) else {
        fatalError("printed and not read again: \(String(decoding: bytes, as: UTF8.self))")
    }
    precondition(
        again.bytes == bytes && again.fingerprint == state.fingerprint, "printed as \(bytes), and then as \(again.bytes)")
}
