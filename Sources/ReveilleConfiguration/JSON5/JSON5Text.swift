/// Bytes become Unicode scalars, or an error that says where they stop being UTF-8.
enum JSON5Text {
    static func decode(_ bytes: [UInt8]) throws(JSON5Error) -> [Unicode.Scalar] {
        var scalars: [Unicode.Scalar] = []
        scalars.reserveCapacity(bytes.count)
        var input = bytes.makeIterator()
        var parser = Unicode.UTF8.ForwardParser()
        var offsetBytes = 0
        while true {
            switch parser.parseScalar(from: &input) {
            case .valid(let encoded):
                scalars.append(Unicode.UTF8.decode(encoded))
                offsetBytes += encoded.count
            case .emptyInput:
                return scalars
            case .error:
                throw notUTF8(bytes, at: offsetBytes, after: scalars)
            }
        }
    }

    private static func notUTF8(_ bytes: [UInt8], at offset: Int, after scalars: [Unicode.Scalar]) -> JSON5Error {
        var reader = JSON5Scanner(scalars)
        while reader.current != nil { reader.advance() }
        let isUTF16 = bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
        let byte = String(bytes[offset], radix: 16, uppercase: true)
        return JSON5Error(
            .notUTF8, at: reader.position,
            "byte \(offset) (0x\(byte.count == 1 ? "0" : "")\(byte)) is not UTF-8",
            hint: isUTF16
                ? "the file looks like UTF-16: save it as UTF-8"
                : "save the file as UTF-8, for example with: iconv -f ISO-8859-1 -t UTF-8")
    }
}
