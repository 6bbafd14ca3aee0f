// What the Glibc overlay leaves out, as far as the shell needs it. Nothing else belongs here.
#ifndef REVEILLE_LINUX_H
#define REVEILLE_LINUX_H

#include <pthread.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <sys/timex.h>

// pthread_setname_np(3): at most 15 bytes.
extern int pthread_setname_np(pthread_t thread, const char *name);

// pipe2(2).
extern int pipe2(int ends[2], int flags);

// posix_spawn_file_actions_addclosefrom_np(3), in glibc since 2.34: nothing of ours is inherited.
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);

// prctl(2): orphans below this process become its children.
static inline int reveille_adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L); }

// adjtimex(2): TIME_ERROR while nothing disciplines the clock. Returns 1, 0, or -1 where it may not be asked (a sandbox).
static inline int reveille_clock_is_synchronised(void) {
    struct timex state;
    memset(&state, 0, sizeof state);
    int answer = adjtimex(&state);
    return answer < 0 ? -1 : answer != TIME_ERROR;
}

#endif
