/* SPDX-License-Identifier: Apache-2.0 */
/* network: what goes through each interface of this process's network namespace, TCP's losses, and
 * how many sockets there are. Interfaces come and go; beyond INTERFACES_MAX they are counted. */
#include <string.h>

#include "host/counters.h"
#include "host/network.h"
#include "vagus/collector.h"

#define INTERFACES_MAX 32

/* Those of an interface stand in the order of enum host_interface_count, then those of TCP in the
 * order of enum host_tcp_count. */
enum {
    INTERFACE_FIRST,
    TCP_FIRST = INTERFACE_FIRST + HOST_INTERFACE_COUNTS,
    RETRANSMIT_RATIO = TCP_FIRST + HOST_TCP_COUNTS,
    INTERFACES,
    SURPLUS,
    ESTABLISHED,
    TIME_WAIT,
    ORPHAN,
    SOCKETS,
    TCP_SOCKETS,
    UDP_SOCKETS,
    TCP_MEMORY,
    METRIC_COUNT,
};

#define OF_INTERFACE(count, name_, unit_, help_)                                                   \
    [INTERFACE_FIRST + (count)] = {.name = name_,                                                  \
                                   .instance = "*",                                                \
                                   .label = "interface",                                           \
                                   .unit = unit_,                                                  \
                                   .help = help_,                                                  \
                                   .resource = "network",                                          \
                                   .kind = VAGUS_COUNTER,                                          \
                                   .tier = VAGUS_TIER_10S,                                         \
                                   .resolution = 1}
#define OF_TCP(count, name_, unit_, help_)                                                         \
    [TCP_FIRST + (count)] = {.name = name_,                                                        \
                             .unit = unit_,                                                        \
                             .help = help_,                                                        \
                             .resource = "network",                                                \
                             .kind = VAGUS_COUNTER,                                                \
                             .tier = VAGUS_TIER_10S,                                               \
                             .resolution = 1}
#define GAUGE(metric, name_, unit_, help_)                                                         \
    [metric] = {.name = name_,                                                                     \
                .unit = unit_,                                                                     \
                .help = help_,                                                                     \
                .resource = "network",                                                             \
                .kind = VAGUS_GAUGE,                                                               \
                .tier = VAGUS_TIER_10S,                                                            \
                .resolution = 1}

static const struct vagus_metric_desc table[METRIC_COUNT] = {
    OF_INTERFACE(HOST_RECEIVED_BYTES, "system.network.io.receive", "By", "bytes received"),
    OF_INTERFACE(HOST_RECEIVED_PACKETS, "system.network.packet.count.receive", "{packet}",
                 "packets received"),
    OF_INTERFACE(HOST_RECEIVE_ERRORS, "system.network.errors.receive", "{error}",
                 "packets received with errors"),
    OF_INTERFACE(HOST_RECEIVE_DROPS, "system.network.packet.dropped.receive", "{packet}",
                 "packets received and dropped"),
    OF_INTERFACE(HOST_SENT_BYTES, "system.network.io.transmit", "By", "bytes sent"),
    OF_INTERFACE(HOST_SENT_PACKETS, "system.network.packet.count.transmit", "{packet}",
                 "packets sent"),
    OF_INTERFACE(HOST_SEND_ERRORS, "system.network.errors.transmit", "{error}",
                 "packets that could not be sent for an error"),
    OF_INTERFACE(HOST_SEND_DROPS, "system.network.packet.dropped.transmit", "{packet}",
                 "packets dropped before they were sent"),
    OF_TCP(HOST_TCP_SEGMENTS_OUT, "network.tcp.segments.transmit", "{segment}",
           "TCP segments sent, those sent again left out"),
    OF_TCP(HOST_TCP_RETRANSMITS, "network.tcp.retransmits", "{segment}", "TCP segments sent again"),
    OF_TCP(HOST_TCP_CONNECT_FAILURES, "network.tcp.connect.failures", "{connection}",
           "TCP connections that did not come about"),
    OF_TCP(HOST_TCP_RESETS, "network.tcp.resets", "{connection}",
           "established TCP connections that were reset"),
    OF_TCP(HOST_TCP_TIMEOUTS, "network.tcp.timeouts", "{timeout}", "timers of TCP that ran out"),
    OF_TCP(HOST_TCP_LISTEN_DROPS, "network.tcp.listen.drops", "{connection}",
           "TCP connections dropped since nobody accepted them in time"),
    [RETRANSMIT_RATIO] = {.name = "network.tcp.retransmit.ratio",
                          .unit = "1",
                          .help = "segments sent again by segments sent since the sample before",
                          .kind = VAGUS_GAUGE,
                          .tier = VAGUS_TIER_10S,
                          .resolution = 0.001},
    GAUGE(INTERFACES, "network.interfaces", "{interface}", "network interfaces"),
    GAUGE(SURPLUS, "network.interfaces.surplus", "{interface}",
          "those of them that are not shown, as there are too many"),
    GAUGE(ESTABLISHED, "system.network.connection.count.established", "{connection}",
          "TCP connections that are established"),
    GAUGE(TIME_WAIT, "system.network.connection.count.time_wait", "{connection}",
          "TCP connections that are closed and wait"),
    GAUGE(ORPHAN, "network.sockets.tcp.orphan", "{socket}",
          "TCP sockets that no process holds any more"),
    GAUGE(SOCKETS, "network.sockets", "{socket}", "sockets of any kind"),
    GAUGE(TCP_SOCKETS, "network.sockets.tcp", "{socket}", "TCP sockets, IPv4 and IPv6"),
    GAUGE(UDP_SOCKETS, "network.sockets.udp", "{socket}", "UDP sockets, IPv4 and IPv6"),
    GAUGE(TCP_MEMORY, "network.sockets.tcp.memory", "By",
          "memory of all TCP sockets of the machine"),
};

struct known_interface {
    char name[HOST_INTERFACE_NAME_MAX];
    size_t instance;
    uint64_t seen; /* the pass in which it was there */
    struct host_counter counters[HOST_INTERFACE_COUNTS];
};

struct state {
    uint64_t pass;
    size_t count;
    struct known_interface interfaces[INTERFACES_MAX];
    uint64_t surplus;     /* of this pass */
    uint64_t least_bytes; /* of those that are taken in, in the first pass */
    bool tcp_known;
    struct host_counter tcp[HOST_TCP_COUNTS];
};

static uint64_t bytes_of(const struct host_interface *interface)
{
    return interface->counts[HOST_RECEIVED_BYTES] / 2 + interface->counts[HOST_SENT_BYTES] / 2;
}

static struct known_interface *find(struct state *state, const char *name)
{
    for (size_t i = 0; i < state->count; i++)
        if (strcmp(state->interfaces[i].name, name) == 0)
            return &state->interfaces[i];
    return NULL;
}

/* NULL with the reason, if it has no place. */
static struct known_interface *know(struct vagus_collector *collector, const char *name, int *why)
{
    struct state *state = vagus_collector_state(collector);
    struct known_interface *known = find(state, name);
    *why = VAGUS_EFULL;
    if (known != NULL || state->count == INTERFACES_MAX)
        return known;
    int instance = vagus_collector_instance_add(collector, name);
    *why = instance;
    if (instance < 0)
        return NULL;
    known = &state->interfaces[state->count++];
    *known = (struct known_interface){.instance = (size_t)instance};
    memcpy(known->name, name, strlen(name) + 1);
    return known;
}

static void take_interface(void *arg, const struct host_interface *interface)
{
    struct vagus_collector *collector = arg;
    struct state *state = vagus_collector_state(collector);
    int why;
    struct known_interface *known = know(collector, interface->name, &why);
    if (known == NULL) {
        state->surplus += why != VAGUS_EUNSUPPORTED; /* what the policy leaves out is none */
        return;
    }
    host_counters_take(known->counters, interface->counts, HOST_INTERFACE_COUNTS, known->seen != 0);
    known->seen = state->pass;
    for (size_t i = 0; i < HOST_INTERFACE_COUNTS; i++)
        if ((interface->untold & 1u << i) != 0)
            vagus_put_missing(collector, INTERFACE_FIRST + i, known->instance, VAGUS_EUNSUPPORTED);
        else
            vagus_put(collector, INTERFACE_FIRST + i, known->instance,
                      (double)known->counters[i].total);
}

static void add_bytes(void *arg, const struct host_interface *interface)
{
    struct state *state = arg;
    if (__builtin_add_overflow(state->least_bytes, bytes_of(interface), &state->least_bytes))
        state->least_bytes = UINT64_MAX;
}

static void know_busy(void *arg, const struct host_interface *interface)
{
    const struct state *state = vagus_collector_state(arg);
    int why;
    if (bytes_of(interface) > state->least_bytes)
        know(arg, interface->name, &why);
}

/* Where there are more than can be shown, those through which a good share of everything goes get
 * their places before hundreds of others that only happen to be listed first. */
static void choose(struct vagus_collector *collector, struct host *host)
{
    struct state *state = vagus_collector_state(collector);
    uint64_t count = 0;
    if (host_interfaces(host, add_bytes, state, &count) != 0 || count <= INTERFACES_MAX)
        return;
    state->least_bytes /= INTERFACES_MAX; /* no more than so many have more than this */
    host_interfaces(host, know_busy, collector, &count);
}

static void sample_interfaces(struct vagus_collector *collector, struct host *host)
{
    struct state *state = vagus_collector_state(collector);
    uint64_t count = 0;
    if (state->pass++ == 0)
        choose(collector, host);
    state->surplus = 0;
    int error = host_interfaces(host, take_interface, collector, &count);
    vagus_put_result(collector, INTERFACES, 0, error, (double)count);
    vagus_put_result(collector, SURPLUS, 0, error, (double)state->surplus);
    /* Those that were not there may be gone, unless the text was damaged. */
    for (size_t i = 0; error != 0 && i < state->count; i++)
        if (state->interfaces[i].seen != state->pass)
            for (size_t k = 0; k < HOST_INTERFACE_COUNTS; k++)
                vagus_put_missing(collector, INTERFACE_FIRST + k, state->interfaces[i].instance,
                                  error);
}

static void sample_tcp(struct vagus_collector *collector, struct host *host)
{
    struct state *state = vagus_collector_state(collector);
    struct host_tcp tcp = {0};
    int error = host_tcp(host, &tcp);
    bool extended = error == 0 && tcp.extended_error == 0, span_known = false;
    size_t count = extended ? HOST_TCP_COUNTS : HOST_TCP_TIMEOUTS;
    if (error == 0) {
        span_known = host_counters_take(state->tcp, tcp.counts, count, state->tcp_known);
        state->tcp_known = true;
    }
    for (size_t i = 0; i < HOST_TCP_COUNTS; i++)
        vagus_put_result(collector, TCP_FIRST + i, 0,
                         error != 0 || i < count ? error : tcp.extended_error,
                         (double)state->tcp[i].total);
    vagus_put_result(collector, ESTABLISHED, 0, error, (double)tcp.established);
    uint64_t sent = state->tcp[HOST_TCP_SEGMENTS_OUT].grown;
    if (error != 0)
        vagus_put_result(collector, RETRANSMIT_RATIO, 0, error, 0);
    else if (span_known && sent > 0)
        vagus_put_result(collector, RETRANSMIT_RATIO, 0, 0,
                         (double)state->tcp[HOST_TCP_RETRANSMITS].grown / (double)sent);
}

static void sample_sockets(struct vagus_collector *collector, struct host *host)
{
    struct host_sockets sockets = {0};
    int error = host_sockets(host, &sockets);
    vagus_put_result(collector, TIME_WAIT, 0, error, (double)sockets.tcp_time_wait);
    vagus_put_result(collector, ORPHAN, 0, error, (double)sockets.tcp_orphan);
    vagus_put_result(collector, SOCKETS, 0, error, (double)sockets.used);
    vagus_put_result(collector, TCP_SOCKETS, 0, error, (double)sockets.tcp);
    vagus_put_result(collector, UDP_SOCKETS, 0, error, (double)sockets.udp);
    vagus_put_result(collector, TCP_MEMORY, 0, error, (double)sockets.tcp_memory_bytes);
}

static int take_sample(struct vagus_collector *collector, unsigned due)
{
    struct host *host = vagus_collector_arg(collector);
    (void)due; /* there is one tier */
    sample_interfaces(collector, host);
    sample_tcp(collector, host);
    sample_sockets(collector, host);
    return 0;
}

extern const struct vagus_collector_desc vagus__collector_network;
const struct vagus_collector_desc vagus__collector_network = {
    .size = sizeof(struct vagus_collector_desc),
    .name = "network",
    .help = "interfaces, TCP and sockets of this process's network namespace",
    .quickest = VAGUS_TIER_1S,
    .instances_max = INTERFACES_MAX,
    .metrics = table,
    .metric_count = METRIC_COUNT,
    .state_size = sizeof(struct state),
    .sample = take_sample,
};
