/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel counts in this process's network namespace: the one it was in at host_open(). */
#include "host/network.h"

#include "host/inside.h"

struct interfaces {
    void (*each)(void *arg, const struct host_interface *interface);
    void *arg;
    uint64_t lines, count, damaged;
};

static bool take_line(void *arg, const char *line, size_t length)
{
    struct interfaces *found = arg;
    struct host_interface interface;
    if (found->lines++ < 2)
        return true; /* the heading */
    if (host_parse_interface(line, length, &interface)) {
        found->count++;
        found->each(found->arg, &interface);
    } else {
        found->damaged++;
    }
    return true;
}

int host_interfaces(struct host *host,
                    void (*each)(void *arg, const struct host_interface *interface), void *arg,
                    uint64_t *count)
{
    struct interfaces found = {.each = each, .arg = arg};
    int error = host_file_lines(host, &host->net_dev, host->scratch, sizeof(host->scratch),
                                take_line, &found);
    if (error == 0 && (found.damaged > 0 || found.lines < 2))
        error = VAGUS_EPARSE;
    if (error == 0)
        *count = found.count;
    return error;
}

/* Names and values stand in pairs of lines. The groups in question come early in both files; a text
 * that fills the buffer is read as far as it goes. */
static int read_named(struct host *host, struct host_file *file, const char *group,
                      const char *const *names, uint64_t *values)
{
    size_t length;
    int error = host_file_read(host, file, host->scratch, sizeof(host->scratch), &length);
    return error != 0 ? error : host_parse_named(host->scratch, length, group, names, values);
}

int host_tcp(struct host *host, struct host_tcp *tcp)
{
    static const char *const names[] = {"OutSegs",     "RetransSegs", "AttemptFails",
                                        "EstabResets", "CurrEstab",   NULL};
    static const char *const extended[] = {"TCPTimeouts", "ListenDrops", NULL};
    uint64_t values[5], more[2] = {0};
    int error = read_named(host, &host->net_snmp, "Tcp:", names, values);
    if (error != 0)
        return error;
    *tcp = (struct host_tcp){.counts = {[HOST_TCP_SEGMENTS_OUT] = values[0],
                                        [HOST_TCP_RETRANSMITS] = values[1],
                                        [HOST_TCP_CONNECT_FAILURES] = values[2],
                                        [HOST_TCP_RESETS] = values[3]},
                             .established = values[4],
                             .extended_error =
                                 read_named(host, &host->net_netstat, "TcpExt:", extended, more)};
    tcp->counts[HOST_TCP_TIMEOUTS] = more[0];
    tcp->counts[HOST_TCP_LISTEN_DROPS] = more[1];
    return 0;
}

int host_sockets(struct host *host, struct host_sockets *sockets)
{
    char text[1024];
    size_t length;
    struct host_sockets found;
    int error = host_file_read(host, &host->net_sockstat, text, sizeof(text), &length);
    if (error == 0)
        error = host_parse_sockets(text, length, host->page_bytes, &found);
    if (error != 0)
        return error;
    /* A kernel without IPv6 has no such sockets. */
    error = host_file_read(host, &host->net_sockstat6, text, sizeof(text), &length);
    if (error == 0)
        error = host_parse_sockets6(text, length, &found);
    if (error != 0 && error != VAGUS_EUNSUPPORTED)
        return error;
    *sockets = found;
    return 0;
}

void host_network_open(struct host *host)
{
    const struct {
        struct host_file *file;
        const char *name;
    } files[] = {{&host->net_dev, "proc/net/dev"},
                 {&host->net_snmp, "proc/net/snmp"},
                 {&host->net_netstat, "proc/net/netstat"},
                 {&host->net_sockstat, "proc/net/sockstat"},
                 {&host->net_sockstat6, "proc/net/sockstat6"}};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        files[i].file->name = files[i].name;
        host_file_open(host, files[i].file);
    }
}

void host_network_close(struct host *host)
{
    host_file_close(&host->net_dev);
    host_file_close(&host->net_snmp);
    host_file_close(&host->net_netstat);
    host_file_close(&host->net_sockstat);
    host_file_close(&host->net_sockstat6);
}
