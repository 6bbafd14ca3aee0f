import NIOSSL

/// Why TLS failed, in words that an operator can act on.
public enum TLSFailure {
    /// The words; nil where the error is none of TLS.
    public static func words(_ error: any Error) -> String? {
        if let error = error as? NIOSSLExtraError {
            return error == .failedToValidateHostname
                ? "its certificate is for another name; check the address, and what stands between here and there" : "\(error)"
        }
        guard case .handshakeFailed(let cause)? = error as? NIOSSLError else { return nil }
        let text = "\(cause)"
        guard text.contains("CERTIFICATE_VERIFY_FAILED") else { return "no TLS connection could be agreed on (\(text))" }
        return "its certificate is not trusted: nobody whom this machine trusts has signed it, or it has expired; "
            + "check the clock, the address, and what stands between here and there"
    }
}
