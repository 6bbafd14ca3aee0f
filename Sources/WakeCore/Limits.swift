/// Every bound on what somebody else may hand us, with its unit in the name.
public enum Limits {
    /// The longest note, in bytes of UTF-8.
    public static let noteBytes = 8 * 1024
    /// The longest delay between a restart request and the restart.
    public static let restartDelay: Duration = .seconds(600)
    /// Arguments of an `exec` command.
    public static let commandArguments = 256
    /// The longest `exec` command, all arguments together, in bytes.
    public static let commandBytes = 32 * 1024
    /// The longest wait that a far side may ask for; longer ones are cut to it.
    public static let retryAfter: Duration = .seconds(86_400)
    /// How long after a target's restart its owner has reported it at the latest.
    public static let observationDelay: Duration = .seconds(5)
    /// Sentinels that may be open at once.
    public static let openSentinels = 100_000
    /// Notes in one wake; further sentinels form the next wake.
    public static let notesPerWake = 32
    /// The longest reason kept with a state, in characters; longer ones are cut.
    public static let reasonCharacters = 500
    /// Attempts whose errors are shown with a delivery; older ones are counted.
    public static let attemptsShown = 50
}
