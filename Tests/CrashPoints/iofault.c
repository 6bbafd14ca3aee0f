// Lets the N-th input/output call of a process go wrong. Loaded with LD_PRELOAD; knows nothing of the program it is loaded into.
//
// One counter for the whole process, over all threads and all kinds of call. (strace counts per thread and per system call, so a
// sweep with it skips most points without saying so.) Counted are calls on files under IOFAULT_ROOT, and, if asked for, sends on
// Internet sockets. Reads are not counted: they change nothing.
//
//   IOFAULT_ROOT   the folder whose files count; itself included
//   IOFAULT_LOG    where to write what was met: "N CALL PATH ACTION", one line each
//   IOFAULT_AT     which call goes wrong, from 1; 0 or nothing: none, and every call is written down
//   IOFAULT_DO     kill-before | kill-after | short | the name of an error: EIO ENOSPC EROFS EDQUOT EINTR EMFILE
//   IOFAULT_STICKY 1: from that call on, every call of the same kind fails (a disk that stays broken)
//   IOFAULT_NET    1: sends on Internet sockets count too
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MAX_FD = 4096, PATH_BYTES = 512 };
enum action { COUNT, KILL_BEFORE, KILL_AFTER, SHORT, FAIL };

static char root[PATH_MAX], names[MAX_FD][PATH_BYTES], struck_call[32];
static _Atomic int tracked[MAX_FD];
static size_t root_length;
static int log_fd = -1, error_number, sticky, net;
static long at;
static enum action what = COUNT;
static atomic_long counter;
static pthread_mutex_t naming = PTHREAD_MUTEX_INITIALIZER;

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

__attribute__((constructor)) static void begin(void) {
    static const struct { const char *name; int number; } errors[] = {
        {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EROFS", EROFS}, {"EDQUOT", EDQUOT}, {"EINTR", EINTR}, {"EMFILE", EMFILE}};
    const char *value = getenv("IOFAULT_ROOT");
    if (!value || !realpath(value, root)) return;
    root_length = strlen(root);
    if ((value = getenv("IOFAULT_AT"))) at = atol(value);
    if ((value = getenv("IOFAULT_STICKY"))) sticky = *value == '1';
    if ((value = getenv("IOFAULT_NET"))) net = *value == '1';
    if ((value = getenv("IOFAULT_DO"))) {
        if (!strcmp(value, "kill-before")) what = KILL_BEFORE;
        if (!strcmp(value, "kill-after")) what = KILL_AFTER;
        if (!strcmp(value, "short")) what = SHORT;
        for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
            if (!strcmp(value, errors[i].name)) what = FAIL, error_number = errors[i].number;
    }
    // By the bare system call, high up, where no program looks for its own descriptors.
    if ((value = getenv("IOFAULT_LOG"))) {
        int fd = (int)syscall(SYS_openat, AT_FDCWD, value, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 900);
        syscall(SYS_close, fd);
    }
    // Programs that this one starts are not ours to hurt.
    unsetenv("LD_PRELOAD");
}

static void note(long number, const char *call, const char *path, const char *action) {
    char line[PATH_BYTES + 128];
    int saved = errno;
    int length = snprintf(line, sizeof line, "%ld %s %s %s\n", number, call, path, action);
    if (log_fd >= 0) syscall(SYS_write, log_fd, line, length < (int)sizeof line ? (size_t)length : sizeof line - 1);
    errno = saved;
}

static void die(void) {
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;) syscall(SYS_pause);
}

// Is this call the one? KILL_AFTER is left to the caller, who makes the call first.
static enum action meet(const char *call, const char *path, size_t bytes) {
    long number = atomic_fetch_add(&counter, 1) + 1;
    if (at <= 0) return note(number, call, path, "met"), COUNT;
    if (number != at && !(sticky && number > at && !strcmp(call, struck_call))) return COUNT;
    if (number == at) strncpy(struck_call, call, sizeof struck_call - 1);
    if (what == SHORT && bytes < 2) return note(number, call, path, "passed"), COUNT;
    note(number, call, path, what == KILL_BEFORE ? "killed-before" : what == KILL_AFTER ? "killed-after" : what == SHORT ? "shortened" : "failed");
    if (what == KILL_BEFORE) die();
    return what;
}

static int under_root(const char *path) {
    return root_length && !strncmp(path, root, root_length) && (path[root_length] == '/' || path[root_length] == 0);
}

// The path as seen from /, without touching the file; NULL where it is none of ours.
static const char *ours(int folder, const char *path, char *buffer) {
    if (!root_length || !path) return NULL;
    if (path[0] != '/') {
        char base[PATH_MAX];
        if (folder == AT_FDCWD) { if (!getcwd(base, sizeof base)) return NULL; }
        else if (folder >= 0 && folder < MAX_FD && tracked[folder] == 1) strcpy(base, names[folder]);
        else return NULL;
        if (snprintf(buffer, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return NULL;
        return under_root(buffer) ? buffer : NULL;
    }
    return under_root(path) ? path : NULL;
}

static void track(int fd, const char *path) {
    if (fd < 0 || fd >= MAX_FD) return;
    pthread_mutex_lock(&naming);
    snprintf(names[fd], PATH_BYTES, "%s", path);
    pthread_mutex_unlock(&naming);
    tracked[fd] = 1;
}

// The file that a descriptor leads to, if it counts: 1 for a file, 2 for a socket.
static const char *counted(int fd) {
    if (fd < 0 || fd >= MAX_FD) return NULL;
    if (tracked[fd] == 1) return names[fd];
    if (!net) return NULL;
    if (tracked[fd] == 0) {
        struct stat status;
        struct sockaddr_storage address;
        socklen_t length = sizeof address;
        int saved = errno, kind = 3;
        if (!fstat(fd, &status) && S_ISSOCK(status.st_mode) && !getsockname(fd, (struct sockaddr *)&address, &length)
            && (address.ss_family == AF_INET || address.ss_family == AF_INET6)) kind = 2;
        errno = saved;
        if (kind == 2) tracked[fd] = kind;
        return kind == 2 ? "socket" : NULL;
    }
    return tracked[fd] == 2 ? "socket" : NULL;
}

#define REFUSE() do { errno = error_number; return -1; } while (0)

// ── By name ──

static int opened(int folder, const char *path, int flags, mode_t mode) {
    char buffer[PATH_MAX];
    const char *mine = ours(folder, path, buffer);
    enum action action = COUNT;
    // Opening to read changes nothing either.
    if (mine && (flags & (O_CREAT | O_WRONLY | O_RDWR | O_TRUNC))) action = meet(flags & O_CREAT ? "open-create" : "open", mine, 0);
    if (action == FAIL) REFUSE();
    int fd = (int)syscall(SYS_openat, folder, path, flags | O_LARGEFILE, mode);
    if (fd >= 0 && fd < MAX_FD) tracked[fd] = 0;
    if (mine) track(fd, mine);
    if (action == KILL_AFTER) die();
    return fd;
}

#define MODE() mode_t mode = 0; if (flags & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }
int open(const char *path, int flags, ...) { MODE() return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE() return opened(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE() return opened(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE() return opened(folder, path, flags, mode); }
int creat(const char *path, mode_t mode) { return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

#define BY_NAME(call, folder, path, ...) \
    char buffer[PATH_MAX]; \
    const char *mine = ours(folder, path, buffer); \
    enum action action = mine ? meet(call, mine, 0) : COUNT; \
    if (action == FAIL) REFUSE(); \
    int result = (int)syscall(__VA_ARGS__); \
    if (action == KILL_AFTER) die(); \
    return result

int unlink(const char *path) { BY_NAME("unlink", AT_FDCWD, path, SYS_unlink, path); }
int unlinkat(int folder, const char *path, int flags) { BY_NAME("unlink", folder, path, SYS_unlinkat, folder, path, flags); }
int rename(const char *old, const char *new) { BY_NAME("rename", AT_FDCWD, new, SYS_rename, old, new); }
int renameat(int a, const char *old, int b, const char *new) { BY_NAME("rename", b, new, SYS_renameat, a, old, b, new); }
int mkdir(const char *path, mode_t mode) { BY_NAME("mkdir", AT_FDCWD, path, SYS_mkdir, path, mode); }
int mkdirat(int folder, const char *path, mode_t mode) { BY_NAME("mkdir", folder, path, SYS_mkdirat, folder, path, mode); }
int rmdir(const char *path) { BY_NAME("rmdir", AT_FDCWD, path, SYS_rmdir, path); }
int truncate(const char *path, off_t size) { BY_NAME("truncate", AT_FDCWD, path, SYS_truncate, path, size); }
int link(const char *old, const char *new) { BY_NAME("link", AT_FDCWD, new, SYS_link, old, new); }

// ── By descriptor ──

#define BY_FD(call, fd, ...) \
    const char *path = counted(fd); \
    enum action action = path ? meet(call, path, 0) : COUNT; \
    if (action == FAIL) REFUSE(); \
    int result = (int)syscall(__VA_ARGS__); \
    if (action == KILL_AFTER) die(); \
    return result

int fsync(int fd) { BY_FD("fsync", fd, SYS_fsync, fd); }
int fdatasync(int fd) { BY_FD("fdatasync", fd, SYS_fdatasync, fd); }
int ftruncate(int fd, off_t size) { BY_FD("ftruncate", fd, SYS_ftruncate, fd, size); }
int ftruncate64(int fd, off64_t size) { BY_FD("ftruncate", fd, SYS_ftruncate, fd, size); }
int fallocate(int fd, int mode, off_t from, off_t size) { BY_FD("fallocate", fd, SYS_fallocate, fd, mode, from, size); }
int fallocate64(int fd, int mode, off64_t from, off64_t size) { BY_FD("fallocate", fd, SYS_fallocate, fd, mode, from, size); }
int fchmod(int fd, mode_t mode) { BY_FD("fchmod", fd, SYS_fchmod, fd, mode); }
int fchown(int fd, uid_t owner, gid_t group) { BY_FD("fchown", fd, SYS_fchown, fd, owner, group); }

// posix_fallocate answers with the error itself.
int posix_fallocate(int fd, off_t from, off_t size) {
    const char *path = counted(fd);
    enum action action = path ? meet("fallocate", path, 0) : COUNT;
    if (action == FAIL) return error_number;
    int result = syscall(SYS_fallocate, fd, 0, from, size) ? errno : 0;
    if (action == KILL_AFTER) die();
    return result;
}
int posix_fallocate64(int fd, off64_t from, off64_t size) { return posix_fallocate(fd, from, size); }

// close(2) takes the descriptor away even where it says EIO.
int close(int fd) {
    const char *path = fd >= 0 && fd < MAX_FD && tracked[fd] == 1 ? names[fd] : NULL;
    enum action action = path ? meet("close", path, 0) : COUNT;
    if (fd >= 0 && fd < MAX_FD) tracked[fd] = 0;
    int result = (int)syscall(SYS_close, fd);
    if (action == KILL_AFTER) die();
    if (action == FAIL && error_number == EIO) REFUSE();
    return result;
}

int socket(int domain, int type, int protocol) {
    int fd = (int)syscall(SYS_socket, domain, type, protocol);
    if (fd >= 0 && fd < MAX_FD) tracked[fd] = 0;
    return fd;
}

// A short write really writes its short part.
#define TRANSFER(type, call, fd, bytes, whole, part) \
    const char *path = counted(fd); \
    enum action action = path ? meet(tracked[fd] == 2 ? "send" : call, path, bytes) : COUNT; \
    if (action == FAIL) REFUSE(); \
    type result = action == SHORT ? (type)(part) : (type)(whole); \
    if (action == KILL_AFTER) die(); \
    return result

ssize_t write(int fd, const void *data, size_t size) {
    TRANSFER(ssize_t, "write", fd, size, syscall(SYS_write, fd, data, size), syscall(SYS_write, fd, data, size / 2));
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t from) {
    TRANSFER(ssize_t, "pwrite", fd, size, syscall(SYS_pwrite64, fd, data, size, from), syscall(SYS_pwrite64, fd, data, size / 2, from));
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t from) {
    TRANSFER(ssize_t, "pwrite", fd, size, syscall(SYS_pwrite64, fd, data, size, from), syscall(SYS_pwrite64, fd, data, size / 2, from));
}
static size_t total(const struct iovec *pieces, int count) {
    size_t bytes = 0;
    for (int i = 0; i < count; i++) bytes += pieces[i].iov_len;
    return bytes;
}
static ssize_t write_half(int fd, const struct iovec *pieces, int count) {
    size_t half = total(pieces, count) / 2;
    for (int i = 0; i < count; i++)
        if (pieces[i].iov_len) return syscall(SYS_write, fd, pieces[i].iov_base, pieces[i].iov_len < half ? pieces[i].iov_len : half);
    return 0;
}
ssize_t writev(int fd, const struct iovec *pieces, int count) {
    TRANSFER(ssize_t, "writev", fd, total(pieces, count), syscall(SYS_writev, fd, pieces, count), write_half(fd, pieces, count));
}
ssize_t send(int fd, const void *data, size_t size, int flags) {
    TRANSFER(ssize_t, "send", fd, size, syscall(SYS_sendto, fd, data, size, flags, NULL, 0), syscall(SYS_sendto, fd, data, size / 2, flags, NULL, 0));
}
ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t length) {
    TRANSFER(ssize_t, "send", fd, size, syscall(SYS_sendto, fd, data, size, flags, to, length), syscall(SYS_sendto, fd, data, size / 2, flags, to, length));
}
ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    TRANSFER(ssize_t, "send", fd, total(message->msg_iov, (int)message->msg_iovlen), syscall(SYS_sendmsg, fd, message, flags), write_half(fd, message->msg_iov, (int)message->msg_iovlen));
}
