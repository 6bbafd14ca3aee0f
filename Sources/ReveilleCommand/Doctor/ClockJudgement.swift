import WakeService

/// Whether the wall clock can be relied on. Pure.
enum ClockJudgement {
    /// Judges what the kernel says of the clock; nil where it may not be asked.
    static func finding(isSynchronised: Bool?) -> Finding {
        switch isSynchronised {
        case true?: .ok("clock-ok", "clock", "the clock is synchronised")
        case nil:
            .unknown(
                "clock-unknown", "clock", "it can't be told whether the clock is synchronised",
                reason: "the kernel may not be asked here (adjtimex)", fix: "timedatectl show --property=NTPSynchronized")
        case false?:
            Finding(
                .warning, "clock-not-synchronised", "clock", "the clock is not synchronised",
                evidence: "adjtimex: no time source disciplines it",
                meaning:
                    "After a reboot nobody can tell how old a note is: what depends on its age is held until the clock is set.",
                fix: "timedatectl set-ntp true; 'timedatectl timesync-status' tells whether a time server answers.")
        }
    }
}
