// What the ledger needs and Swift can't reach: a variadic call and a hook of SQLite, and statfs; nothing else.
#ifndef REVEILLE_CLEDGERSHIM_H
#define REVEILLE_CLEDGERSHIM_H

#include <sys/statfs.h>

struct sqlite3;
int sqlite3_db_config(struct sqlite3 *connection, int option, ...);
void *sqlite3_wal_hook(
    struct sqlite3 *connection, int (*hook)(void *context, struct sqlite3 *connection, const char *name, int frames), void *context);

/// SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE (1006): closing the last connection leaves the write-ahead log alone.
static inline int reveille_keep_log_on_close(struct sqlite3 *connection) {
    return sqlite3_db_config(connection, 1006, 1, (int *)0);
}

static inline int reveille_count_frames(void *context, struct sqlite3 *connection, const char *name, int frames) {
    (void)connection;
    (void)name;
    __atomic_store_n((int *)context, frames, __ATOMIC_RELAXED);
    return 0;
}

/// The length that `reveille_watch_log` wrote last.
static inline int reveille_log_frames(const int *frames) { return __atomic_load_n(frames, __ATOMIC_RELAXED); }

/// Writes the length of the write-ahead log, in frames, to `*frames` after each commit. Takes the place of the automatic checkpoint.
static inline void reveille_watch_log(struct sqlite3 *connection, int *frames) {
    sqlite3_wal_hook(connection, reveille_count_frames, frames);
}

/// The magic number of the file system that holds a file (statfs(2)); 0 where it can't be told.
static inline unsigned int reveille_file_system_magic(const char *path) {
    struct statfs status;
    return statfs(path, &status) == 0 ? (unsigned int)status.f_type : 0;
}

#endif
