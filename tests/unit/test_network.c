/* SPDX-License-Identifier: Apache-2.0 */
/* The network: what the kernel tells, whole and damaged, and the sense over machines made of files:
 * interfaces that vanish, return and are too many. */
#include "check.h"
#include "collector_fixture.h"
#include "root_fixture.h"

#include "../../collectors/network.c"

#define HEADING                                                                                    \
    "Inter-|   Receive                                                |  Transmit\n"               \
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs "     \
    "drop fifo colls carrier compressed\n"

/* --- Texts. --- */

static bool parse(const char *line, struct host_interface *found)
{
    return host_parse_interface(line, strlen(line), found);
}

static void lines_of_net_dev(void)
{
    struct host_interface i;
    REQUIRE(parse("  eth0: 821478059   19843    3    4    0     0          0         0  1001162   "
                  "13113    5    6    0     0       0          0\n",
                  &i));
    CHECK_STR(i.name, "eth0");
    CHECK_EQ(i.counts[HOST_RECEIVED_BYTES], 821478059);
    CHECK_EQ(i.counts[HOST_RECEIVED_PACKETS], 19843);
    CHECK_EQ(i.counts[HOST_RECEIVE_ERRORS], 3);
    CHECK_EQ(i.counts[HOST_RECEIVE_DROPS], 4);
    CHECK_EQ(i.counts[HOST_SENT_BYTES], 1001162);
    CHECK_EQ(i.counts[HOST_SENT_PACKETS], 13113);
    CHECK_EQ(i.counts[HOST_SEND_ERRORS], 5);
    CHECK_EQ(i.counts[HOST_SEND_DROPS], 6);
    /* Old kernels leave no space after the colon. */
    REQUIRE(parse("eth1:18446744073709551615 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", &i));
    CHECK(i.counts[HOST_RECEIVED_BYTES] == UINT64_MAX);
    CHECK_EQ(i.counts[HOST_SEND_DROPS], 12);
    static const char *const bad[] = {
        "",
        "\n",
        "eth0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
        ": 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
        "eth0: 1 2 3 4 5 6 7 8 9 10 11\n",
        "eth0: 1 2 3 4 5 6 7 8 9 10 11 12",
        "eth0: -1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
        "eth0: 18446744073709551616 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
        "eth0: x\n",
        "anamethatisfartoolongtobethatofaninterface: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
    };
    for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
        CHECK(!parse(bad[k], &i));
}

static const char snmp[] =
    "Ip: Forwarding DefaultTTL\nIp: 2 64\n"
    "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets "
    "CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors\n"
    "Tcp: 1 200 120000 -1 305 4 7 8 9 19276 12538 21 0 2 0\n"
    "Udp: InDatagrams\nUdp: 609\n";

static void named_values(void)
{
    static const char *const names[] = {"OutSegs", "RetransSegs", "CurrEstab", NULL};
    static const char *const unknown[] = {"OutSegs", "NewInTown", NULL};
    static const char *const negative[] = {"MaxConn", NULL};
    uint64_t v[3] = {0};
    CHECK_EQ(host_parse_named(snmp, strlen(snmp), "Tcp:", names, v), 0);
    CHECK_EQ(v[0], 12538);
    CHECK_EQ(v[1], 21);
    CHECK_EQ(v[2], 9);
    CHECK_EQ(host_parse_named(snmp, strlen(snmp), "Tcp:", unknown, v), VAGUS_EPARSE);
    CHECK_EQ(host_parse_named(snmp, strlen(snmp), "Tcp:", negative, v), VAGUS_EPARSE);
    CHECK_EQ(host_parse_named(snmp, strlen(snmp), "Sctp:", names, v), VAGUS_EPARSE);
    size_t whole = (size_t)(strstr(snmp, "Udp:") - snmp);
    for (size_t length = 0; length < whole; length++)
        CHECK_EQ(host_parse_named(snmp, length, "Tcp:", names, v), VAGUS_EPARSE);
    CHECK_EQ(host_parse_named(snmp, whole, "Tcp:", names, v), 0);
    const char *few = "Tcp: A OutSegs RetransSegs CurrEstab\nTcp: 1 2\n";
    CHECK_EQ(host_parse_named(few, strlen(few), "Tcp:", names, v), VAGUS_EPARSE);
    const char *twice = "Tcp: OutSegs\nUdp: 1\n";
    CHECK_EQ(host_parse_named(twice, strlen(twice), "Tcp:", names, v), VAGUS_EPARSE);
}

static const char sockstat[] = "sockets: used 17\nTCP: inuse 3 orphan 1 tw 2 alloc 4 mem 227\n"
                               "UDP: inuse 5 mem 0\nUDPLITE: inuse 0\nRAW: inuse 0\n"
                               "FRAG: inuse 0 memory 0\n";
static const char sockstat6[] = "TCP6: inuse 10\nUDP6: inuse 20\nUDPLITE6: inuse 0\n";

static void texts_of_sockstat(void)
{
    struct host_sockets s;
    CHECK_EQ(host_parse_sockets(sockstat, strlen(sockstat), 4096, &s), 0);
    CHECK_EQ(s.used, 17);
    CHECK_EQ(s.tcp, 3);
    CHECK_EQ(s.tcp_orphan, 1);
    CHECK_EQ(s.tcp_time_wait, 2);
    CHECK_EQ(s.udp, 5);
    CHECK_EQ(s.tcp_memory_bytes, 227 * 4096);
    CHECK_EQ(host_parse_sockets6(sockstat6, strlen(sockstat6), &s), 0);
    CHECK_EQ(s.tcp, 13);
    CHECK_EQ(s.udp, 25);
    size_t needed = (size_t)(strstr(sockstat, " mem 0") - sockstat);
    for (size_t length = 0; length < needed; length++)
        CHECK_EQ(host_parse_sockets(sockstat, length, 4096, &s), VAGUS_EPARSE);
    const char *many = "TCP6: inuse 18446744073709551615\nUDP6: inuse 0\n";
    CHECK_EQ(host_parse_sockets6(many, strlen(many), &s), VAGUS_EPARSE);
    CHECK_EQ(s.tcp, 13);
    const char *great = "sockets: used 1\nTCP: inuse 3 orphan 1 tw 2 alloc 4 mem "
                        "18446744073709551615\nUDP: inuse 5 mem 0\n";
    CHECK_EQ(host_parse_sockets(great, strlen(great), 4096, &s), VAGUS_EPARSE);
}

/* --- The sense. --- */

static struct host *host;

static void begin(void)
{
    CHECK_EQ(host_open(&(struct host_options){.root = root_dir}, &host), 0);
    fake_begin(&vagus__collector_network, host);
}

static void end(void)
{
    fake_end();
    host_unref(host);
    root_end();
}

/* Interfaces as "name received sent", each with a packet for 100 bytes. */
struct made {
    const char *name;
    uint64_t received, sent;
};

static void write_interfaces(const struct made *made, size_t count)
{
    static char text[256 * 1024];
    int length = snprintf(text, sizeof(text), HEADING);
    for (size_t i = 0; i < count; i++)
        length += snprintf(
            text + length, sizeof(text) - (size_t)length,
            "%6s: %llu %llu 0 0 0 0 0 0 %llu %llu 0 0 0 0 0 0\n", made[i].name,
            (unsigned long long)made[i].received, (unsigned long long)made[i].received / 100,
            (unsigned long long)made[i].sent, (unsigned long long)made[i].sent / 100);
    root_write_bytes("proc/net/dev", text, (size_t)length);
}

#define WRITE(...)                                                                                 \
    write_interfaces((const struct made[]){__VA_ARGS__},                                           \
                     sizeof((const struct made[]){__VA_ARGS__}) / sizeof(struct made))

static int sample(void)
{
    for (size_t metric = 0; metric < FAKE_METRICS; metric++)
        for (int i = 0; i < FAKE_INSTANCES; i++)
            fake.put[metric][i].puts = 0;
    return fake_sample_after(10 * VAGUS_SECOND_NS, 1u << VAGUS_TIER_10S);
}

enum { RECEIVED = INTERFACE_FIRST + HOST_RECEIVED_BYTES, SENT = INTERFACE_FIRST + HOST_SENT_BYTES };

static void interfaces_come_and_go(void)
{
    CHECK(root_begin());
    WRITE({"lo", 5000, 5000}, {"eth0", 100000, 2000});
    begin();
    CHECK_EQ(sample(), 0);
    CHECK_EQ(fake.instances, 2);
    CHECK_PUT_AT(RECEIVED, 1, 100000);
    CHECK_PUT_AT(SENT, 1, 2000);
    CHECK_PUT(INTERFACES, 2);
    CHECK_PUT(SURPLUS, 0);

    WRITE({"lo", 6000, 6000}, {"eth0", 150000, 2500}, {"tun0", 10, 0});
    sample();
    CHECK_EQ(fake_instance("tun0"), 2);
    CHECK_PUT_AT(RECEIVED, 1, 150000);
    CHECK_PUT_AT(RECEIVED, 2, 10);

    WRITE({"lo", 6000, 6000}); /* gone: nothing is put, so that it grows stale */
    sample();
    CHECK_EQ(fake.put[RECEIVED][1].puts, 0);
    CHECK_EQ(fake.put[RECEIVED][1].error, 0);
    CHECK_PUT(INTERFACES, 1);

    WRITE({"eth0", 400, 300}, {"lo", 6000, 6000}); /* back, and counting from nothing */
    sample();
    CHECK_PUT_AT(RECEIVED, 1, 150400);
    CHECK_PUT_AT(SENT, 1, 2800);
    CHECK_PUT_AT(RECEIVED, 0, 6000);

    WRITE({"lan0", 500, 300}, {"lo", 6000, 6000}); /* renamed */
    sample();
    CHECK_EQ(fake_instance("lan0"), 3);
    CHECK_PUT_AT(RECEIVED, 3, 500);
    CHECK_EQ(fake.put[RECEIVED][1].puts, 0);
    end();
}

/* A driver of 32 bits on a fast line: both directions wrap between the same two samples. */
static void bytes_of_32_bits_wrap(void)
{
    CHECK(root_begin());
    root_write("proc/net/dev",
               HEADING "eth0: 4294967000 9000 0 0 0 0 0 0 4294967200 8000 0 0 0 0 0 0\n");
    begin();
    sample();
    root_write("proc/net/dev", HEADING "eth0: 704 9010 0 0 0 0 0 0 1904 8010 0 0 0 0 0 0\n");
    sample();
    CHECK_PUT(RECEIVED, 4294967000.0 + 1000);
    CHECK_PUT(SENT, 4294967200.0 + 2000);
    end();
}

/* The one through which everything goes is listed last, as old kernels may do. */
static void five_hundred_interfaces(void)
{
    static struct made made[501];
    static char names[500][16];
    for (int i = 0; i < 500; i++) {
        snprintf(names[i], sizeof(names[i]), "veth%06d", i);
        made[i] = (struct made){names[i], 10000, 10000};
    }
    made[500] = (struct made){"eth0", 900000000, 100000000};
    CHECK(root_begin());
    write_interfaces(made, 501);
    begin();
    CHECK_EQ(sample(), 0);
    CHECK_EQ(fake.instances, INTERFACES_MAX);
    REQUIRE(fake_instance("eth0") >= 0);
    CHECK_PUT_AT(RECEIVED, fake_instance("eth0"), 900000000);
    CHECK_PUT(INTERFACES, 501);
    CHECK_PUT(SURPLUS, 501 - INTERFACES_MAX);
    made[500].received += 5;
    write_interfaces(made, 501);
    sample();
    CHECK_PUT_AT(RECEIVED, fake_instance("eth0"), 900000005);
    CHECK_PUT(SURPLUS, 501 - INTERFACES_MAX);
    end();
}

static void damage_is_said_and_passes(void)
{
    static const char *const bad[] = {
        "",
        "Inter-|\n",
        HEADING "  eth0: garbage\n",
        HEADING "  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13",
        HEADING "  eth0: -1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(root_begin());
        WRITE({"eth0", 100, 200});
        begin();
        sample();
        root_write("proc/net/dev", bad[i]);
        CHECK_EQ(sample(), 0);
        CHECK_EQ(fake.put[INTERFACES][0].error, VAGUS_EPARSE);
        CHECK_EQ(fake.put[RECEIVED][0].error, VAGUS_EPARSE);
        CHECK_EQ(fake.put[SENT][0].error, VAGUS_EPARSE);
        WRITE({"eth0", 150, 200});
        sample();
        CHECK_PUT(RECEIVED, 150);
        end();
    }
}

/* What stands before and after a line that is damaged is known. */
static void one_damaged_line_among_good_ones(void)
{
    CHECK(root_begin());
    root_write("proc/net/dev", HEADING "a: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\nb: ?\n"
                                       "c: 2 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
    begin();
    sample();
    CHECK_EQ(fake.instances, 2);
    CHECK_PUT_AT(RECEIVED, 1, 2);
    CHECK_EQ(fake.put[INTERFACES][0].error, VAGUS_EPARSE);
    end();
}

/* Nor do lines hurt that are longer than what they are read through. */
static void endless_lines_among_good_ones(void)
{
    static const size_t lengths[] = {16000, 16384, 16385, 40000, 65536};
    static char text[80000];
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        int length = snprintf(text, sizeof(text), HEADING "a: 1 2 3 4 5 6 7 8 9 10 11 12 13\n");
        memset(text + length, 'x', lengths[i]);
        length += (int)lengths[i];
        length += snprintf(text + length, sizeof(text) - (size_t)length,
                           "\nc: 2 2 3 4 5 6 7 8 9 10 11 12 13\n");
        CHECK(root_begin());
        root_write_bytes("proc/net/dev", text, (size_t)length);
        begin();
        sample();
        CHECK_EQ(fake.instances, 2);
        CHECK_PUT_AT(RECEIVED, 0, 1);
        CHECK_PUT_AT(RECEIVED, 1, 2);
        CHECK_EQ(fake.put[INTERFACES][0].error, VAGUS_EPARSE);
        end();
    }
}

static const char netstat[] = "TcpExt: SyncookiesSent ListenOverflows ListenDrops TCPTimeouts\n"
                              "TcpExt: 0 1 2 3\n"
                              "IpExt: InNoRoutes\nIpExt: 0\n";

static void tcp_and_sockets(void)
{
    CHECK(root_begin());
    root_write("proc/net/snmp", snmp);
    root_write("proc/net/netstat", netstat);
    root_write("proc/net/sockstat", sockstat);
    root_write("proc/net/sockstat6", sockstat6);
    begin();
    CHECK_EQ(sample(), 0);
    CHECK_PUT(TCP_FIRST + HOST_TCP_SEGMENTS_OUT, 12538);
    CHECK_PUT(TCP_FIRST + HOST_TCP_RETRANSMITS, 21);
    CHECK_PUT(TCP_FIRST + HOST_TCP_CONNECT_FAILURES, 7);
    CHECK_PUT(TCP_FIRST + HOST_TCP_RESETS, 8);
    CHECK_PUT(TCP_FIRST + HOST_TCP_TIMEOUTS, 3);
    CHECK_PUT(TCP_FIRST + HOST_TCP_LISTEN_DROPS, 2);
    CHECK_PUT(ESTABLISHED, 9);
    CHECK_PUT(TIME_WAIT, 2);
    CHECK_PUT(ORPHAN, 1);
    CHECK_PUT(SOCKETS, 17);
    CHECK_PUT(TCP_SOCKETS, 13);
    CHECK_PUT(UDP_SOCKETS, 25);
    CHECK_PUT(TCP_MEMORY, 227.0 * 4096);
    CHECK_EQ(fake.put[INTERFACES][0].error, VAGUS_EUNSUPPORTED); /* there is no such file */
    CHECK_EQ(fake.put[RETRANSMIT_RATIO][0].puts, 0);

    char later[sizeof(snmp)];
    strcpy(later, snmp);
    memcpy(strstr(later, "12538 21"), "12638 46", 8); /* 25 of 100 */
    root_write("proc/net/snmp", later);
    sample();
    CHECK_PUT(RETRANSMIT_RATIO, 0.25);
    sample(); /* nothing was sent */
    CHECK_EQ(fake.put[RETRANSMIT_RATIO][0].puts, 0);
    root_write("proc/net/snmp", "Tcp: nothing\n");
    root_write("proc/net/sockstat", "sockets: used\n");
    sample();
    for (size_t metric = TCP_FIRST; metric <= RETRANSMIT_RATIO; metric++)
        CHECK_EQ(fake.put[metric][0].error, VAGUS_EPARSE);
    CHECK_EQ(fake.put[SOCKETS][0].error, VAGUS_EPARSE);
    end();
}

/* No IPv6, and a kernel that hides netstat. */
static void a_kernel_without(void)
{
    CHECK(root_begin());
    root_write("proc/net/snmp", snmp);
    root_write("proc/net/sockstat", sockstat);
    begin();
    sample();
    CHECK_PUT(TCP_FIRST + HOST_TCP_RETRANSMITS, 21);
    CHECK_EQ(fake.put[TCP_FIRST + HOST_TCP_TIMEOUTS][0].error, VAGUS_EUNSUPPORTED);
    CHECK_PUT(TCP_SOCKETS, 3);
    end();
}

static void the_table_is_well_formed(void)
{
    check_descriptor(&vagus__collector_network);
}

int main(void)
{
    RUN(lines_of_net_dev);
    RUN(named_values);
    RUN(texts_of_sockstat);
    RUN(interfaces_come_and_go);
    RUN(bytes_of_32_bits_wrap);
    RUN(five_hundred_interfaces);
    RUN(damage_is_said_and_passes);
    RUN(one_damaged_line_among_good_ones);
    RUN(endless_lines_among_good_ones);
    RUN(tcp_and_sockets);
    RUN(a_kernel_without);
    RUN(the_table_is_well_formed);
    return check_result();
}
