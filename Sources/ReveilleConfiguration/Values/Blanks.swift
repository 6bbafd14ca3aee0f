extension Substring {
    /// Without the spaces and tabs at both ends.
    func trimmingBlanks() -> Substring {
        var trimmed = drop { $0 == " " || $0 == "\t" }
        while trimmed.last == " " || trimmed.last == "\t" { trimmed.removeLast() }
        return trimmed
    }
}
