// What the Glibc overlay leaves out, as far as the shell needs it. Nothing else belongs here.
#ifndef REVEILLE_LINUX_H
#define REVEILLE_LINUX_H

#include <pthread.h>
#include <string.h>
#include <sys/timex.h>

// pthread_setname_np(3): at most 15 bytes.
extern int pthread_setname_np(pthread_t thread, const char *name);

// adjtimex(2): TIME_ERROR while nothing disciplines the clock. Returns 1, 0, or -1 where it may not be asked (a sandbox).
static inline int reveille_clock_is_synchronised(void) {
    struct timex state;
    memset(&state, 0, sizeof state);
    int answer = adjtimex(&state);
    return answer < 0 ? -1 : answer != TIME_ERROR;
}

#endif
