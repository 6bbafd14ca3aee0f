// libsystemd is loaded at its first use: it brings six libraries along, whose loading would cost every `reveille sentinel write` more
// than writing the sentinel does. Where it is missing, every call says -ENOSYS (or has no result), as on a machine without systemd.
//
// Hidden, so that the library, when it is there, calls itself and not us.
#define SD_JOURNAL_SUPPRESS_LOCATION 1
#pragma GCC visibility push(hidden)
#include "systemd.h"
#pragma GCC visibility pop
#include <dlfcn.h>
#include <pthread.h>

static void *library;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void load(void) { library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL); }

static void *find(const char *name) {
    pthread_once(&once, load);
    return library == NULL ? NULL : dlsym(library, name);
}

// One function: its type, name, parameters, arguments, and what it returns where there is no library.
#define LAZY(type, name, parameters, arguments, missing)                                                                         \
    type name parameters {                                                                                                       \
        static type(*function) parameters;                                                                                       \
        type(*known) parameters = __atomic_load_n(&function, __ATOMIC_ACQUIRE);                                                  \
        if (known == NULL) {                                                                                                     \
            known = (type(*) parameters)find(#name);                                                                             \
            if (known == NULL) return missing;                                                                                   \
            __atomic_store_n(&function, known, __ATOMIC_RELEASE);                                                                \
        }                                                                                                                        \
        return known arguments;                                                                                                  \
    }

// sd-daemon.h, sd-login.h, sd-journal.h
LAZY(int, sd_notify, (int unset, const char *state), (unset, state), -ENOSYS)
LAZY(int, sd_pid_notify_with_fds, (pid_t pid, int unset, const char *state, const int *fds, unsigned count),
     (pid, unset, state, fds, count), -ENOSYS)
LAZY(int, sd_watchdog_enabled, (int unset, uint64_t *usec), (unset, usec), -ENOSYS)
LAZY(int, sd_listen_fds_with_names, (int unset, char ***names), (unset, names), -ENOSYS)
LAZY(int, sd_pid_get_unit, (pid_t pid, char **unit), (pid, unit), -ENOSYS)
LAZY(int, sd_pid_get_user_unit, (pid_t pid, char **unit), (pid, unit), -ENOSYS)
LAZY(int, sd_journal_sendv, (const struct iovec *parts, int count), (parts, count), -ENOSYS)

// sd-bus.h: the connection
LAZY(int, sd_bus_open_system, (sd_bus * *bus), (bus), -ENOSYS)
LAZY(int, sd_bus_open_user, (sd_bus * *bus), (bus), -ENOSYS)
LAZY(sd_bus *, sd_bus_close_unref, (sd_bus * bus), (bus), NULL)
LAZY(int, sd_bus_set_exit_on_disconnect, (sd_bus * bus, int yes), (bus, yes), -ENOSYS)
LAZY(int, sd_bus_is_ready, (sd_bus * bus), (bus), -ENOSYS)
LAZY(int, sd_bus_request_name_async,
     (sd_bus * bus, sd_bus_slot **slot, const char *name, uint64_t flags, sd_bus_message_handler_t callback, void *context),
     (bus, slot, name, flags, callback, context), -ENOSYS)
LAZY(int, sd_bus_get_fd, (sd_bus * bus), (bus), -ENOSYS)
LAZY(int, sd_bus_get_events, (sd_bus * bus), (bus), -ENOSYS)
LAZY(int, sd_bus_get_timeout, (sd_bus * bus, uint64_t *usec), (bus, usec), -ENOSYS)
LAZY(int, sd_bus_process, (sd_bus * bus, sd_bus_message **message), (bus, message), -ENOSYS)
LAZY(int, sd_bus_send, (sd_bus * bus, sd_bus_message *message, uint64_t *cookie), (bus, message, cookie), -ENOSYS)
LAZY(int, sd_bus_call_async,
     (sd_bus * bus, sd_bus_slot **slot, sd_bus_message *message, sd_bus_message_handler_t callback, void *context, uint64_t usec),
     (bus, slot, message, callback, context, usec), -ENOSYS)
LAZY(int, sd_bus_add_match_async,
     (sd_bus * bus, sd_bus_slot **slot, const char *rule, sd_bus_message_handler_t callback, sd_bus_message_handler_t installed,
      void *context),
     (bus, slot, rule, callback, installed, context), -ENOSYS)
LAZY(int, sd_bus_add_fallback,
     (sd_bus * bus, sd_bus_slot **slot, const char *prefix, sd_bus_message_handler_t callback, void *context),
     (bus, slot, prefix, callback, context), -ENOSYS)

// sd-bus.h: messages
LAZY(int, sd_bus_message_new_method_call,
     (sd_bus * bus, sd_bus_message **message, const char *destination, const char *path, const char *interface, const char *member),
     (bus, message, destination, path, interface, member), -ENOSYS)
LAZY(int, sd_bus_message_new_signal,
     (sd_bus * bus, sd_bus_message **message, const char *path, const char *interface, const char *member),
     (bus, message, path, interface, member), -ENOSYS)
LAZY(int, sd_bus_message_new_method_return, (sd_bus_message * call, sd_bus_message **message), (call, message), -ENOSYS)
LAZY(int, sd_bus_message_new_method_error, (sd_bus_message * call, sd_bus_message **message, const sd_bus_error *error),
     (call, message, error), -ENOSYS)
LAZY(sd_bus_message *, sd_bus_message_unref, (sd_bus_message * message), (message), NULL)
LAZY(int, sd_bus_message_set_allow_interactive_authorization, (sd_bus_message * message, int yes), (message, yes), -ENOSYS)
LAZY(int, sd_bus_message_append_basic, (sd_bus_message * message, char type, const void *value), (message, type, value), -ENOSYS)
LAZY(int, sd_bus_message_open_container, (sd_bus_message * message, char type, const char *contents), (message, type, contents),
     -ENOSYS)
LAZY(int, sd_bus_message_close_container, (sd_bus_message * message), (message), -ENOSYS)
LAZY(int, sd_bus_message_peek_type, (sd_bus_message * message, char *type, const char **contents), (message, type, contents),
     -ENOSYS)
LAZY(int, sd_bus_message_read_basic, (sd_bus_message * message, char type, void *value), (message, type, value), -ENOSYS)
LAZY(int, sd_bus_message_enter_container, (sd_bus_message * message, char type, const char *contents), (message, type, contents),
     -ENOSYS)
LAZY(int, sd_bus_message_exit_container, (sd_bus_message * message), (message), -ENOSYS)
LAZY(int, sd_bus_message_is_method_error, (sd_bus_message * message, const char *name), (message, name), 0)
LAZY(const sd_bus_error *, sd_bus_message_get_error, (sd_bus_message * message), (message), NULL)
LAZY(const char *, sd_bus_message_get_path, (sd_bus_message * message), (message), NULL)
LAZY(const char *, sd_bus_message_get_interface, (sd_bus_message * message), (message), NULL)
LAZY(const char *, sd_bus_message_get_member, (sd_bus_message * message), (message), NULL)
