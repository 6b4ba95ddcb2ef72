/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets that one process has open, by state. For a look now and then, not for the sampler: it
 * allocates, lists descriptors, and the kernel walks all sockets of the network namespace. */
#ifndef HOST_SOCKETS_H
#define HOST_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As the kernel numbers the states of TCP; 0 is any other. */
#define HOST_TCP_STATES 13

struct host_own_sockets {
    unsigned tcp[HOST_TCP_STATES]; /* IPv4 and IPv6 */
    unsigned udp, local;           /* local: Unix domain */
    unsigned other;                /* netlink, raw, and those of another network namespace */
    unsigned all;                  /* descriptors that are sockets */
    bool cut;                      /* there were more than could be looked at */
};

/* "ESTABLISHED"; "UNKNOWN" for what is not known. */
const char *host_tcp_state_name(unsigned state);

/* Of a process (0: this one) below a root (NULL: the machine). 0; VAGUS_ENOENT: no such process;
 * VAGUS_EPERM: it is another user's; VAGUS_EUNSUPPORTED: no /proc; VAGUS_ENOMEM. */
int host_own_sockets(const char *root, long pid, struct host_own_sockets *sockets);

/* One line of /proc/net/tcp, udp (unix: false) or unix. False if it tells of no socket. */
struct host_socket {
    unsigned state; /* of tcp */
    uint64_t inode;
};
bool host_parse_socket(const char *line, size_t length, bool unix_domain,
                       struct host_socket *socket);

#endif
