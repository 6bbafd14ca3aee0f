extension Schema {
    // What the control plane keeps: nothing that a wake depends on, so a program of version 1 still works with it.
    static let second = """
        CREATE TABLE daemon_start (
            number INTEGER PRIMARY KEY, instance TEXT NOT NULL, boot TEXT NOT NULL, started TEXT NOT NULL, alive TEXT NOT NULL,
            shutdown TEXT, ended TEXT, kind TEXT, reason TEXT);

        CREATE TABLE idempotency (
            number INTEGER PRIMARY KEY, caller TEXT NOT NULL, method TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL,
            begun_ms INTEGER NOT NULL, reply TEXT, settled_ms INTEGER, UNIQUE (caller, method, key));
        CREATE INDEX idempotency_begun ON idempotency (begun_ms);

        CREATE TABLE pairing (
            device TEXT NOT NULL PRIMARY KEY, public_key TEXT NOT NULL, scopes TEXT NOT NULL, sessions TEXT, client TEXT NOT NULL,
            approved_ms INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE pairing_request (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, device TEXT NOT NULL, public_key TEXT NOT NULL,
            scopes TEXT NOT NULL, client TEXT NOT NULL, address TEXT NOT NULL, asked_ms INTEGER NOT NULL,
            UNIQUE (device, public_key));
        """
}
