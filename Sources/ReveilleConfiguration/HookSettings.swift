extension Configuration {
    /// What runs before a restart, and after a wake.
    public struct Hooks: Sendable {
        /// The folder that holds `pre-restart.d` and `post-wake.d`; nil where nobody can tell where that would be.
        public let directory: String?
        /// How long those before a restart may take together; default 30 s.
        public let preRestartLimit: Duration
        /// Whether their failure keeps the restart from being carried out; default no.
        public let refusesOnFailure: Bool
        /// How long those after a wake may take together; default 60 s.
        public let postWakeLimit: Duration

        init(_ values: SettingValues) {
            directory = values.optionalText("hooks.directory")
            preRestartLimit = values.duration("hooks.preRestartLimit")
            refusesOnFailure = values.text("hooks.onFailure") == "refuse"
            postWakeLimit = values.duration("hooks.postWakeLimit")
        }
    }
}
