// libsystemd as it is, loaded at its first use (lazy.c); and inline what Swift can't say: the CMSG macros. Nothing else belongs here.
#ifndef REVEILLE_SYSTEMD_H
#define REVEILLE_SYSTEMD_H

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>
#include <systemd/sd-login.h>
#include <unistd.h>

// pidfd_open(2); close-on-exec by itself.
static inline int reveille_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

// glibc shows struct ucred and SCM_CREDENTIALS to _GNU_SOURCE only. Rule: unix(7).
struct reveille_ucred {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};
#define REVEILLE_SCM_CREDENTIALS 0x02

// Who sent a datagram, by the kernel's word.
struct reveille_sender {
    pid_t pid;
    uid_t uid;
    gid_t gid;
    int is_known;
    int descriptors; // how many came with it; all are closed again
    int is_truncated;
};

// recvmsg(2) of one datagram with SCM_CREDENTIALS. Descriptors that came along are closed at once: that answers BARRIER=1, and an
// unread queue of them would be an attack. Returns the length, or -1 with errno.
static inline ssize_t reveille_receive(int socket, void *bytes, size_t size, struct reveille_sender *sender) {
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct reveille_ucred)) + CMSG_SPACE(sizeof(int) * 253)];
    } control;
    struct iovec part = {.iov_base = bytes, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    memset(sender, 0, sizeof *sender);
    ssize_t length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (length < 0) return length;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head != NULL; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET) continue;
        if (head->cmsg_type == REVEILLE_SCM_CREDENTIALS && head->cmsg_len == CMSG_LEN(sizeof(struct reveille_ucred))) {
            struct reveille_ucred who;
            memcpy(&who, CMSG_DATA(head), sizeof who);
            sender->pid = who.pid;
            sender->uid = who.uid;
            sender->gid = who.gid;
            sender->is_known = 1;
        } else if (head->cmsg_type == SCM_RIGHTS) {
            size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (size_t index = 0; index < count; index++) {
                int descriptor;
                memcpy(&descriptor, CMSG_DATA(head) + index * sizeof(int), sizeof descriptor);
                close(descriptor);
                sender->descriptors++;
            }
        }
    }
    sender->is_truncated = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    return length;
}

#endif
