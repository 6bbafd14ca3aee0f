/// The bounds of the protocol, with their units. The reference's values where it has any.
public enum GatewayLimits {
    /// The versions of the protocol that are spoken.
    public static let versions: ClosedRange<Int64> = 3...4
    /// The largest frame before the handshake is done.
    public static let unauthenticatedFrameBytes = 64 << 10
    /// The largest frame after it: `policy.maxPayload`.
    public static let frameBytes = 25 << 20
    /// How much may wait for a client that does not read: `policy.maxBufferedBytes`.
    public static let bufferedBytes = 16 << 20
    /// How often a `tick` comes: `policy.tickIntervalMs`.
    public static let tickMilliseconds: Int64 = 15_000
    /// From the connection to the end of the handshake.
    public static let handshakeMilliseconds: Int64 = 15_000
    /// How many changing requests a caller gets for each method within ``writeWindowMilliseconds``.
    public static let writes = 30
    /// The time in which they are counted.
    public static let writeWindowMilliseconds: Int64 = 60_000
    /// The longest `restartDelayMs` of a patch.
    public static let restartDelayMilliseconds: Int64 = 600_000
    /// The waits of a caller between its first tries, in milliseconds; the last one repeats.
    public static let retryMilliseconds: [Int64] = [150, 350, 750, 1_500]
    /// How long a call is tried by default.
    public static let callMilliseconds: Int64 = 10_000
}
