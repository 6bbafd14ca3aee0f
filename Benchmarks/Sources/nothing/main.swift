// Links what `reveille` links and does nothing: what a process costs before it does anything of its own.
import ArgumentParser
import DiscordLoopback
import DiscordTransport
import LedgerSQLite
import ReveilleConfiguration
import ServiceLifecycle
import Subprocess
import WakeService

/// Mentioned, so that the linker keeps what they need; never made.
let linked: [Any.Type] = [
    DiscordLoopbackServer.self, DiscordSettings.self, SQLiteLedger.self, ConfigurationLoader.self, Waker.self,
    (any ParsableCommand).self, ServiceGroup.self, Subprocess.Configuration.self,
]
if CommandLine.arguments.count > 1_000 { print(linked) }
