/* SPDX-License-Identifier: Apache-2.0 */
/* The network against what iproute2 tells, in a namespace of its own: known numbers of packets,
 * interfaces that are deleted, made again and renamed, sockets and lost segments that are counted
 * by hand. */
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "monitor_fixture.h"

#define PACKETS 100
#define PAYLOAD 1000
#define HEADERS 28 /* of IPv4 and UDP */
#define ETHERNET 14

static struct vagus_monitor *begin(void)
{
    struct vagus_monitor *m = NULL;
    atomic_store(&test_now_ns, 1000 * S);
    CHECK_EQ(vagus_monitor_open(
                 &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                                 .policy_text = "agent: net\n",
                                                 .clock = &test_clock,
                                                 .flags = VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT},
                 &m),
             0);
    CHECK_EQ(vagus_monitor_start(m), 0);
    return m;
}

/* NaN if it is not known, good and fresh. */
static double value(struct vagus_monitor *m, const char *name, const char *instance)
{
    struct vagus_reading r;
    if (vagus_reading_get(m, name, instance, &r) != 0 ||
        vagus_reading_state(&r, atomic_load(&test_now_ns)) != VAGUS_STATE_OK)
        return NAN;
    return r.value;
}

static bool run(const char *command, char *output, size_t capacity)
{
    FILE *pipe = popen(command, "re");
    size_t length = pipe != NULL ? fread(output, 1, capacity - 1, pipe) : 0;
    output[length] = '\0';
    return pipe != NULL && pclose(pipe) == 0;
}

static bool ip(const char *arguments)
{
    char command[160], output[256];
    snprintf(command, sizeof(command), "ip %s 2>&1", arguments);
    bool fine = run(command, output, sizeof(output));
    if (!fine)
        fprintf(stderr, "ip %s: %s", arguments, output);
    return fine;
}

/* What `ip -s link` tells after "RX:" or "TX:": bytes 0, packets 1, errors 2, dropped 3. */
static double link_count(const char *interface, const char *direction, unsigned column)
{
    char command[200], output[64];
    snprintf(command, sizeof(command),
             "ip -s link show dev %s | awk '/%s:/ { getline; print $%u }'", interface, direction,
             column + 1);
    return run(command, output, sizeof(output)) ? strtod(output, NULL) : NAN;
}

static void check_link(struct vagus_monitor *m, const char *interface)
{
    static const struct {
        const char *metric, *direction;
        unsigned column;
    } rows[] = {{"system.network.io.receive", "RX", 0},
                {"system.network.packet.count.receive", "RX", 1},
                {"system.network.errors.receive", "RX", 2},
                {"system.network.packet.dropped.receive", "RX", 3},
                {"system.network.io.transmit", "TX", 0},
                {"system.network.packet.count.transmit", "TX", 1},
                {"system.network.errors.transmit", "TX", 2},
                {"system.network.packet.dropped.transmit", "TX", 3}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_NEAR(value(m, rows[i].metric, interface),
                   link_count(interface, rows[i].direction, rows[i].column), 0);
}

static void send_packets(const char *address, unsigned count)
{
    static const char payload[PAYLOAD];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, address, &to.sin_addr);
    for (unsigned i = 0; fd >= 0 && i < count; i++)
        CHECK_EQ(sendto(fd, payload, sizeof(payload), 0, (struct sockaddr *)&to, sizeof(to)),
                 sizeof(payload));
    close(fd);
}

/* Where the packets go; else each would be answered by ICMP. */
static int bound_socket(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(9)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, "127.0.0.1", &here.sin_addr);
    CHECK_EQ(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
    return fd;
}

static void loopback_traffic_of_known_size(void)
{
    struct vagus_monitor *m = begin();
    int receiver = bound_socket();
    organ_run(m, 10 * S);
    double received = value(m, "system.network.io.receive", "lo");
    double packets = value(m, "system.network.packet.count.receive", "lo");
    CHECK(isfinite(received));
    send_packets("127.0.0.1", PACKETS);
    organ_run(m, 10 * S);
    CHECK_NEAR(value(m, "system.network.io.receive", "lo") - received,
               PACKETS * (PAYLOAD + HEADERS), 0);
    CHECK_NEAR(value(m, "system.network.packet.count.receive", "lo") - packets, PACKETS, 0);
    check_link(m, "lo");
    close(receiver);
    CHECK_EQ(vagus_monitor_close(m), 0);
}

/* A cable whose other end nobody listens at. What is not IP stays away: no neighbours are asked. */
static bool add_wire(void)
{
    return ip("link add wire0 type veth peer name wire1") &&
           ip("addr add 10.99.0.1/24 dev wire0") && ip("link set wire1 up") &&
           ip("link set wire0 up") &&
           ip("neigh add 10.99.0.2 lladdr 02:00:00:00:00:01 dev wire0 nud permanent");
}

static void interfaces_are_deleted_made_again_and_renamed(void)
{
    if (!add_wire())
        SKIP_TEST("no interface of the kind veth can be made");
    struct vagus_monitor *m = begin();
    double interfaces = value(m, "network.interfaces", NULL);
    send_packets("10.99.0.2", PACKETS);
    organ_run(m, 10 * S);
    check_link(m, "wire0");
    double before = value(m, "system.network.io.transmit", "wire0");
    CHECK_NEAR(before, PACKETS * (PAYLOAD + HEADERS + ETHERNET), 0);

    CHECK(ip("link del wire0"));
    organ_run(m, 60 * S);
    CHECK(isnan(value(m, "system.network.io.transmit", "wire0"))); /* stale */
    CHECK_NEAR(value(m, "network.interfaces", NULL), interfaces - 2, 0);

    REQUIRE(add_wire());
    send_packets("10.99.0.2", 5);
    organ_run(m, 10 * S);
    double again = link_count("wire0", "TX", 0);
    CHECK(again < before);
    CHECK_NEAR(value(m, "system.network.io.transmit", "wire0"), before + again, 0);

    CHECK(ip("link set wire0 down") && ip("link set wire0 name lan0") && ip("link set lan0 up"));
    organ_run(m, 60 * S);
    check_link(m, "lan0");
    CHECK(isnan(value(m, "system.network.io.transmit", "wire0")));
    CHECK_EQ(vagus_monitor_close(m), 0);
    CHECK(ip("link del lan0"));
}

static void sockets_are_counted(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET};
    socklen_t length = sizeof(here);
    struct vagus_monitor *m = begin();
    CHECK_NEAR(value(m, "network.sockets.tcp", NULL), 0, 0);
    CHECK_NEAR(value(m, "network.sockets.udp", NULL), 0, 0);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, "127.0.0.1", &here.sin_addr);
    REQUIRE(bind(listener, (struct sockaddr *)&here, sizeof(here)) == 0);
    REQUIRE(listen(listener, 1) == 0);
    REQUIRE(getsockname(listener, (struct sockaddr *)&here, &length) == 0);
    REQUIRE(connect(client, (struct sockaddr *)&here, sizeof(here)) == 0);
    int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    int receiver = bound_socket();
    organ_run(m, 10 * S);
    CHECK_NEAR(value(m, "system.network.connection.count.established", NULL), 2, 0); /* both ends */
    CHECK_NEAR(value(m, "network.sockets.tcp", NULL), 3, 0);
    CHECK_NEAR(value(m, "network.sockets.udp", NULL), 1, 0);
    close(client);
    close(server);
    close(listener);
    close(receiver);
    organ_run(m, 10 * S);
    CHECK_NEAR(value(m, "system.network.connection.count.established", NULL), 0, 0);
    CHECK_NEAR(value(m, "system.network.connection.count.time_wait", NULL), 1, 0);
    CHECK_EQ(vagus_monitor_close(m), 0);
}

/* A connection to where nobody answers: its first segment is sent again after a second. */
static void a_lost_segment_is_sent_again(void)
{
    struct sockaddr_in away = {.sin_family = AF_INET, .sin_port = htons(9)};
    if (!add_wire())
        SKIP_TEST("no interface of the kind veth can be made");
    struct vagus_monitor *m = begin();
    double retransmits = value(m, "network.tcp.retransmits", NULL);
    double sent = value(m, "network.tcp.segments.transmit", NULL);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    inet_pton(AF_INET, "10.99.0.2", &away.sin_addr);
    CHECK(connect(client, (struct sockaddr *)&away, sizeof(away)) != 0 && errno == EINPROGRESS);
    for (int i = 0; i < 100 && !(value(m, "network.tcp.retransmits", NULL) > retransmits); i++) {
        usleep(100000);
        organ_run(m, 10 * S);
    }
    close(client);
    CHECK_NEAR(value(m, "network.tcp.retransmits", NULL) - retransmits, 1, 0);
    CHECK_NEAR(value(m, "network.tcp.segments.transmit", NULL) - sent, 1, 0);
    CHECK_EQ(vagus_monitor_close(m), 0);
    CHECK(ip("link del wire0"));
}

/* It would send packets of its own accord. */
static void no_ipv6(void)
{
    FILE *file = fopen("/proc/sys/net/ipv6/conf/default/disable_ipv6", "we");
    if (file != NULL) {
        fputs("1\n", file);
        fclose(file);
    }
}

int main(void)
{
    char output[64];
    if (unshare(CLONE_NEWNET) != 0 || !run("ip link set lo up", output, sizeof(output))) {
        fprintf(stderr, "skipped: no network namespace, or no iproute2\n");
        return 77;
    }
    no_ipv6();
    RUN(loopback_traffic_of_known_size);
    RUN(interfaces_are_deleted_made_again_and_renamed);
    RUN(sockets_are_counted);
    RUN(a_lost_segment_is_sent_again);
    return check_result();
}
