// The runtime's hooks for a global executor of one's own, whose calling convention Swift can't write. Nothing else belongs here.
// Rule: swift/stdlib/public/Concurrency, GlobalExecutor.cpp and ExecutorImpl.h.
#ifndef REVEILLE_EXECUTOR_H
#define REVEILLE_EXECUTOR_H

#include <stdint.h>

#define REVEILLE_SWIFT __attribute__((swiftcall))

typedef REVEILLE_SWIFT void (*reveille_original)(void *job);
typedef REVEILLE_SWIFT void (*reveille_delay_original)(unsigned long long delay, void *job);
typedef REVEILLE_SWIFT void (*reveille_deadline_original)(
    long long seconds, long long nanoseconds, long long tolerance_seconds, long long tolerance_nanoseconds, int clock, void *job);

extern REVEILLE_SWIFT void (*swift_task_enqueueGlobal_hook)(void *job, reveille_original original);
extern REVEILLE_SWIFT void (*swift_task_enqueueGlobalWithDelay_hook)(
    unsigned long long delay, void *job, reveille_delay_original original);
extern REVEILLE_SWIFT void (*swift_task_enqueueGlobalWithDeadline_hook)(
    long long seconds, long long nanoseconds, long long tolerance_seconds, long long tolerance_nanoseconds, int clock, void *job,
    reveille_deadline_original original);
extern void swift_get_time(long long *seconds, long long *nanoseconds, int clock);

// An executor is two words; the generic one is two zeros.
extern REVEILLE_SWIFT void swift_job_run(void *job, void *identity, uintptr_t implementation);

// Takes a job in, to be run once that many nanoseconds have passed.
typedef void (*reveille_enqueue)(void *_Nonnull job, int64_t nanoseconds);

// Within a function, since only functions of a header reach the program that imports it.
static inline reveille_enqueue *reveille_taker(void) {
    static reveille_enqueue taker;
    return &taker;
}

static REVEILLE_SWIFT void reveille_enqueue_global(void *job, reveille_original original) {
    (void)original;
    (*reveille_taker())(job, 0);
}

static REVEILLE_SWIFT void reveille_enqueue_with_delay(unsigned long long delay, void *job, reveille_delay_original original) {
    (void)original;
    (*reveille_taker())(job, delay > INT64_MAX ? INT64_MAX : (int64_t)delay);
}

static REVEILLE_SWIFT void reveille_enqueue_with_deadline(
    long long seconds, long long nanoseconds, long long tolerance_seconds, long long tolerance_nanoseconds, int clock, void *job,
    reveille_deadline_original original) {
    (void)tolerance_seconds, (void)tolerance_nanoseconds, (void)original;
    long long now_seconds, now_nanoseconds;
    swift_get_time(&now_seconds, &now_nanoseconds, clock);
    int64_t left;
    if (__builtin_sub_overflow(seconds, now_seconds, &left) || __builtin_mul_overflow(left, 1000000000LL, &left)
        || __builtin_add_overflow(left, nanoseconds - now_nanoseconds, &left)) {
        left = seconds > now_seconds ? INT64_MAX : 0;
    }
    (*reveille_taker())(job, left > 0 ? left : 0);
}

// From now on every job of the global executor goes there. To be called once, before the first task.
static inline void reveille_take_jobs(reveille_enqueue _Nonnull enqueue) {
    *reveille_taker() = enqueue;
    swift_task_enqueueGlobal_hook = reveille_enqueue_global;
    swift_task_enqueueGlobalWithDelay_hook = reveille_enqueue_with_delay;
    swift_task_enqueueGlobalWithDeadline_hook = reveille_enqueue_with_deadline;
}

// Runs a job where it is called, as on the global executor.
static inline void reveille_run_job(void *_Nonnull job) { swift_job_run(job, 0, 0); }

#endif
