/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel counts in this process's network namespace. The sampler's alone. */
#ifndef HOST_NETWORK_H
#define HOST_NETWORK_H

#include "host/host.h"

#define HOST_INTERFACE_NAME_MAX 32 /* Linux: 16 */

enum host_interface_count {
    HOST_RECEIVED_BYTES,
    HOST_RECEIVED_PACKETS,
    HOST_RECEIVE_ERRORS,
    HOST_RECEIVE_DROPS,
    HOST_SENT_BYTES,
    HOST_SENT_PACKETS,
    HOST_SEND_ERRORS,
    HOST_SEND_DROPS,
    HOST_INTERFACE_COUNTS,
};

struct host_interface {
    char name[HOST_INTERFACE_NAME_MAX];
    uint64_t counts[HOST_INTERFACE_COUNTS]; /* since the interface came to be */
    uint32_t untold;                        /* bits 1 << count: not told on this system */
};

/* Calls `each` for every interface in the kernel's order, and gives their number. Lines that cannot
 * be read make it VAGUS_EPARSE, after the others have been seen. */
int host_interfaces(struct host *host,
                    void (*each)(void *arg, const struct host_interface *interface), void *arg,
                    uint64_t *count);

/* A line of net/dev with its newline: "  eth0: 821478059   19843 ...". */
bool host_parse_interface(const char *line, size_t length, struct host_interface *interface);

/* Of TCP over IPv4 and IPv6; all but `established` are counted since the namespace came to be. */
enum host_tcp_count {
    HOST_TCP_SEGMENTS_OUT, /* those sent again are not among them */
    HOST_TCP_RETRANSMITS,
    HOST_TCP_CONNECT_FAILURES,
    HOST_TCP_RESETS,       /* connections that were established */
    HOST_TCP_TIMEOUTS,     /* of netstat, as is: */
    HOST_TCP_LISTEN_DROPS, /* connections refused since nobody accepted them in time */
    HOST_TCP_COUNTS,
};

struct host_tcp {
    uint64_t counts[HOST_TCP_COUNTS];
    uint64_t established;
    int extended_error; /* why the two of netstat are not known, or 0 */
};

int host_tcp(struct host *host, struct host_tcp *tcp);

/* Finds the line of names that begins with `group` ("Tcp:") and the values below it, and gives
 * those of `names` (NULL-terminated). VAGUS_EPARSE if one of them is not there. */
int host_parse_named(const char *text, size_t length, const char *group, const char *const *names,
                     uint64_t *values);

struct host_sockets {
    uint64_t used; /* of any kind */
    uint64_t tcp, tcp_orphan, tcp_time_wait, udp;
    uint64_t tcp_memory_bytes;
};

/* IPv6 is among them where there is such a thing. */
int host_sockets(struct host *host, struct host_sockets *sockets);

int host_parse_sockets(const char *text, size_t length, long page_bytes,
                       struct host_sockets *sockets);
/* Adds those of sockstat6. */
int host_parse_sockets6(const char *text, size_t length, struct host_sockets *sockets);

#endif
