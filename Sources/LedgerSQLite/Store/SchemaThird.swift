extension Schema {
    // What makes the work go on after a wake: turns of agents that are commands, jobs, leases of run states, and who was heard of.
    // Sentinels have origins by now that a program of version 2 can't read.
    static let third = """
        CREATE TABLE turn (
            id TEXT NOT NULL UNIQUE, session TEXT NOT NULL, agent TEXT NOT NULL, state TEXT NOT NULL,
            started_ms INTEGER NOT NULL, ended_ms INTEGER, body TEXT NOT NULL, sum INTEGER);
        CREATE INDEX turn_live ON turn (started_ms) WHERE ended_ms IS NULL;
        CREATE INDEX turn_ended ON turn (ended_ms) WHERE ended_ms IS NOT NULL;

        CREATE TABLE job (
            id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, next_ms INTEGER, body TEXT NOT NULL, sum INTEGER);
        CREATE TABLE job_run (
            job TEXT NOT NULL, due_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL, result TEXT NOT NULL, sentinel TEXT,
            PRIMARY KEY (job, due_ms)) WITHOUT ROWID;
        CREATE INDEX job_run_at ON job_run (at_ms);

        CREATE TABLE lease (run TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL, sum INTEGER) WITHOUT ROWID;

        CREATE TABLE session (
            key TEXT NOT NULL PRIMARY KEY, agent TEXT NOT NULL, route TEXT, last_ms INTEGER NOT NULL, body TEXT NOT NULL)
            WITHOUT ROWID;
        CREATE INDEX session_last ON session (last_ms);
        """
}
