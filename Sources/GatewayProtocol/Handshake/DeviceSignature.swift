/// What a device signs to prove that it holds its key: fields with `|` between them, so that no signature serves elsewhere.
public enum DeviceSignature {
    /// The texts that count as signed by it, the newest form first; the form of version 2 has no platform and no device family.
    ///
    /// - Parameters:
    ///   - connect: what the client sent.
    ///   - device: its proof.
    /// - Returns: the texts, version 3 first.
    public static func texts(_ connect: ConnectParameters, _ device: ConnectParameters.Device) -> [String] {
        let common =
            "\(device.id)|\(connect.client.id)|\(connect.client.mode)|\(connect.role)|\((connect.scopes ?? []).joined(separator: ","))"
            + "|\(device.signedAt)|\(connect.secret ?? "")|\(device.nonce)"
        let platform = folded(connect.client.platform)
        let family = folded(connect.client.deviceFamily ?? "")
        return ["v3|\(common)|\(platform)|\(family)", "v2|\(common)"]
    }

    /// Trimmed, and its ASCII letters made small.
    private static func folded(_ text: String) -> String {
        var scalars = text.unicodeScalars[...]
        while let first = scalars.first, first.properties.isWhitespace { scalars.removeFirst() }
        while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
        return String(
            String.UnicodeScalarView(
                scalars.map { $0.value >= 0x41 && $0.value <= 0x5A ? Unicode.Scalar(UInt8($0.value + 0x20)) : $0 }))
    }
}
