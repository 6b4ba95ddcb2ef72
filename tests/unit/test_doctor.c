/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's findings on machines of fixtures, how they are shown, and the sockets of a process.
 * What needs another mount namespace or another user: tests/scenario/doctor.sh. */
#include "check.h"

#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/doctor.c"
#include "cli/doctor_black_box.c"
#include "cli/doctor_judge.c"
#include "cli/doctor_machine.c"
#include "cli/doctor_senses.c"
#include "cli/doctor_show.c"
#include "root_fixture.h"

static struct doctor doctor;
static char shown[DOCTOR_JSON_BYTES_MAX];

static void begin(void)
{
    doctor = (struct doctor){.cpu_ratio = NAN,
                             .tick_warm_ns = NAN,
                             .tick_cold_ns = NAN,
                             .limit_bytes = 1 << 30,
                             .headroom_bytes = 1 << 29};
}

static const struct doctor_fact *fact(enum doctor_section section, const char *name)
{
    for (unsigned i = 0; i < doctor.fact_count; i++)
        if (doctor.facts[i].section == section && strcmp(doctor.facts[i].name, name) == 0)
            return &doctor.facts[i];
    return NULL;
}

static const char *as_text(bool colour)
{
    struct text text;
    text_init(&text, shown, DOCTOR_TEXT_BYTES_MAX);
    doctor_text(&doctor, colour, &text);
    CHECK(!text_cut(&text));
    return shown;
}

static const char *as_json(void)
{
    struct text text;
    text_init(&text, shown, sizeof(shown));
    doctor_json(&doctor, &text);
    CHECK(!text_cut(&text));
    return shown;
}

/* --- Places. --- */

static void a_v2_guest(void)
{
    begin();
    doctor.limit_bytes = 128 << 20;
    doctor_look_at_machine(&doctor, FIXTURES "/v2-guest");
    const struct doctor_fact *found = fact(DOCTOR_MACHINE, "cgroup");
    REQUIRE(found != NULL);
    CHECK_STR(found->value, "memory by v2, 2 levels visible, in /sys/fs/cgroup/body/work");
    CHECK_EQ(found->gravity, DOCTOR_FINE);
    found = fact(DOCTOR_MACHINE, "memory limit");
    REQUIRE(found != NULL);
    CHECK_CONTAINS(found->value, "of 2 cgroup levels with a limit this binds");
    found = fact(DOCTOR_MACHINE, "memory wake-up");
    REQUIRE(found != NULL);
    CHECK_CONTAINS(found->value, "memory.events");
    CHECK(fact(DOCTOR_MACHINE, "pressure") == NULL); /* there it is, and no call can be tried */
    CHECK_EQ(doctor_gravity(&doctor), DOCTOR_FINE);
    CHECK(!doctor.container);
}

static void an_old_kernel_has_no_pressure(void)
{
    begin();
    doctor_look_at_machine(&doctor, FIXTURES "/old-kernel");
    const struct doctor_fact *found = fact(DOCTOR_MACHINE, "pressure");
    REQUIRE(found != NULL);
    CHECK_EQ(found->gravity, DOCTOR_CHANGE);
    CHECK_CONTAINS(found->value, "no PSI");
    CHECK_CONTAINS(found->action, "psi=1");
}

static void who_sets_the_memory_limit(void)
{
    begin();
    doctor.limit_bytes =
        1 << 24; /* below what this machine has, and none of its cgroups sets one */
    doctor_look_at_machine(&doctor, FIXTURES "/thismachine");
    CHECK_CONTAINS(fact(DOCTOR_MACHINE, "memory limit")->value, "the policy or RLIMIT_AS");
    begin();
    doctor.limit_bytes = 1e15;
    doctor_look_at_machine(&doctor, FIXTURES "/thismachine");
    CHECK_CONTAINS(fact(DOCTOR_MACHINE, "memory limit")->value, "of 1 cgroup level with a limit");
    begin();
    doctor.limit_bytes = NAN;
    doctor_look_at_machine(&doctor, FIXTURES "/thismachine");
    CHECK(fact(DOCTOR_MACHINE, "memory limit") == NULL); /* the senses' judgement says it */
}

static void an_empty_place_is_serious(void)
{
    char folder[] = "/tmp/vagus-doctor-XXXXXX";
    REQUIRE(mkdtemp(folder) != NULL);
    begin();
    doctor_look_at_machine(&doctor, folder);
    const struct doctor_fact *found = fact(DOCTOR_MACHINE, "kernel");
    REQUIRE(found != NULL);
    CHECK_EQ(found->gravity, DOCTOR_SERIOUS);
    CHECK_CONTAINS(found->action, "mount /proc");
    found = fact(DOCTOR_MACHINE, "cgroup");
    REQUIRE(found != NULL);
    CHECK_CONTAINS(found->action, "limits.memory");
    CHECK_EQ(doctor_gravity(&doctor), DOCTOR_SERIOUS);
    rmdir(folder);
}

/* --- The black box. --- */

static void anonymous_memory_is_serious(void)
{
    begin();
    text_copy(doctor.why_anonymous, sizeof(doctor.why_anonymous), "/dev/shm: is not on tmpfs");
    doctor_look_at_black_box(&doctor, NULL);
    const struct doctor_fact *found = fact(DOCTOR_BLACK_BOX, "segment");
    REQUIRE(found != NULL);
    CHECK_EQ(found->gravity, DOCTOR_SERIOUS);
    CHECK_CONTAINS(found->value, "/dev/shm: is not on tmpfs");
}

static void a_container_takes_it_along(void)
{
    begin();
    doctor.container = true;
    text_copy(doctor.segment_path, sizeof(doctor.segment_path), "/dev/shm/vagus-0/a.vagus");
    doctor_look_at_black_box(&doctor, NULL);
    CHECK_STR(fact(DOCTOR_BLACK_BOX, "segment")->value, "on tmpfs, in /dev/shm/vagus-0");
    CHECK_EQ(fact(DOCTOR_BLACK_BOX, "container")->gravity, DOCTOR_CHANGE);
    CHECK(fact(DOCTOR_BLACK_BOX, "login") == NULL);
}

static void what_was_mounted_from_outside_outlives_it(void)
{
    begin();
    REQUIRE(root_begin());
    root_write("proc/self/mountinfo", "1 0 0:1 / / rw - overlay overlay rw\n"
                                      "2 1 0:2 / /dev/shm rw - tmpfs shm rw\n"
                                      "3 1 0:3 /vagus /run/vagus rw,nosuid - tmpfs tmpfs rw\n"
                                      "4 1 0:4 / /run/vagus2 rw - tmpfs tmpfs rw\n"
                                      "damaged\n");
    doctor.container = true;
    text_copy(doctor.segment_path, sizeof(doctor.segment_path), "/run/vagus/a.vagus");
    doctor_look_at_black_box(&doctor, root_dir);
    CHECK_EQ(fact(DOCTOR_BLACK_BOX, "container")->gravity, DOCTOR_FINE);
    CHECK_CONTAINS(fact(DOCTOR_BLACK_BOX, "container")->value, "/run/vagus is a part (/vagus)");
    begin();
    doctor.container = true;
    text_copy(doctor.segment_path, sizeof(doctor.segment_path), "/run/vagus2/a.vagus");
    doctor_look_at_black_box(&doctor, root_dir);
    CHECK_CONTAINS(fact(DOCTOR_BLACK_BOX, "container")->value, "does not outlive the container");
    begin();
    doctor.container = true;
    root_write("var/run/secrets/kubernetes.io/token", "x");
    text_copy(doctor.segment_path, sizeof(doctor.segment_path), "/dev/shm/vagus-0/a.vagus");
    doctor_look_at_black_box(&doctor, root_dir);
    CHECK_CONTAINS(fact(DOCTOR_BLACK_BOX, "container")->value, "does not outlive the pod");
    root_end();
}

static void a_service_takes_it_along(void)
{
    begin();
    setenv("RUNTIME_DIRECTORY", "/run/other:/run/agent", 1);
    text_copy(doctor.segment_path, sizeof(doctor.segment_path), "/run/agent/a.vagus");
    doctor_look_at_black_box(&doctor, FIXTURES "/v2-guest");
    REQUIRE(fact(DOCTOR_BLACK_BOX, "service") != NULL);
    CHECK_CONTAINS(fact(DOCTOR_BLACK_BOX, "service")->action, "RuntimeDirectoryPreserve");
    CHECK(fact(DOCTOR_BLACK_BOX, "login") == NULL);
    begin();
    text_copy(doctor.segment_path, sizeof(doctor.segment_path), "/run/agents/a.vagus");
    doctor_look_at_black_box(&doctor, FIXTURES "/v2-guest");
    CHECK(fact(DOCTOR_BLACK_BOX, "service") == NULL);
    unsetenv("RUNTIME_DIRECTORY");
}

static void a_session_takes_it_along(void)
{
    begin();
    text_copy(doctor.segment_path, sizeof(doctor.segment_path), "/run/user/7/vagus/a.vagus");
    doctor_look_at_black_box(&doctor, FIXTURES "/v2-guest");
    const struct doctor_fact *found = fact(DOCTOR_BLACK_BOX, "login");
    REQUIRE(found != NULL);
    CHECK_EQ(found->gravity, DOCTOR_CHANGE);
    CHECK_CONTAINS(found->action, "enable-linger");
}

/* --- The senses. --- */

static void add_sense(const char *name, int32_t error, bool hung)
{
    struct doctor_sense *sense = &doctor.senses[doctor.sense_count++];
    *sense = (struct doctor_sense){.metrics = 5,
                                   .felt = error == 0 ? 5 : 0,
                                   .metric_count = 5,
                                   .hung = hung,
                                   .error = error,
                                   .warm_ns = 2500,
                                   .cold_ns = NAN};
    text_copy(sense->name, sizeof(sense->name), name);
    for (unsigned i = 0; i < 5; i++) {
        sense->metric[i] =
            (struct doctor_metric){.instances = 1,
                                   .error = error,
                                   .state = error == 0                    ? VAGUS_STATE_OK
                                            : error == VAGUS_EUNSUPPORTED ? VAGUS_STATE_UNSUPPORTED
                                                                          : VAGUS_STATE_ERROR};
        snprintf(sense->metric[i].name, VAGUS_NAME_MAX, "%s.m%u", name, i);
    }
}

static void what_is_missing_is_said_with_its_reason(void)
{
    begin();
    add_sense("fine", 0, false);
    add_sense("old", VAGUS_EUNSUPPORTED, false);
    add_sense("shut", VAGUS_EPERM, false);
    add_sense("stuck", 0, true);
    doctor_judge_senses(&doctor);
    CHECK(fact(DOCTOR_SENSES, "fine") == NULL);
    CHECK_EQ(fact(DOCTOR_SENSES, "old")->gravity, DOCTOR_FINE);
    CHECK_STR(fact(DOCTOR_SENSES, "shut")->value,
              "permission denied: shut.m0, shut.m1, shut.m2 and 2 more");
    CHECK_EQ(fact(DOCTOR_SENSES, "shut")->gravity, DOCTOR_CHANGE);
    CHECK_CONTAINS(fact(DOCTOR_SENSES, "stuck")->value, "does not answer");
    CHECK_EQ(doctor_gravity(&doctor), DOCTOR_CHANGE);
    CHECK_CONTAINS(as_text(false), "10 of 20 metrics are felt, 2 things to change");
}

static void no_memory_limit_is_serious(void)
{
    begin();
    doctor.limit_bytes = doctor.headroom_bytes = NAN;
    doctor.limit_error = VAGUS_EIO;
    doctor_judge_senses(&doctor);
    CHECK_EQ(doctor_gravity(&doctor), DOCTOR_SERIOUS);
    CHECK_CONTAINS(as_text(false), "vagus doctor: SERIOUS");
    CHECK_CONTAINS(as_json(), "{\"verdict\": \"serious\"");
    CHECK_CONTAINS(as_json(), "\"memory_limit_bytes\": null");
}

static void graver_facts_find_room(void)
{
    begin();
    for (unsigned i = 0; i < DOCTOR_FACTS_MAX + 5; i++)
        doctor_add(&doctor, DOCTOR_MACHINE, DOCTOR_FINE, "filler", "%u", i);
    doctor_add(&doctor, DOCTOR_MACHINE, DOCTOR_SERIOUS, "late", "but grave");
    CHECK_EQ(doctor.fact_count, DOCTOR_FACTS_MAX);
    CHECK_EQ(doctor_gravity(&doctor), DOCTOR_SERIOUS);
}

static void strangers_text_is_made_safe(void)
{
    begin();
    doctor_add(&doctor, DOCTOR_MACHINE, DOCTOR_CHANGE, "evil", "a\033[2Jb\"\\\xff");
    CHECK(strchr(as_text(false), '\033') == NULL);
    CHECK_CONTAINS(as_text(true), "\033[33m");
    CHECK_CONTAINS(as_text(true), "\\x1b[2J");
    CHECK(strchr(as_json(), '\033') == NULL);
}

/* --- Sockets. --- */

static void sockets_by_state(void)
{
    struct host_own_sockets before, now;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    REQUIRE(host_own_sockets(NULL, 0, &before) == 0);
    int listening = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    int datagrams = socket(AF_INET, SOCK_DGRAM, 0), pair[2];
    REQUIRE(bind(listening, (struct sockaddr *)&address, sizeof(address)) == 0);
    REQUIRE(bind(datagrams, (struct sockaddr *)&address, sizeof(address)) == 0);
    REQUIRE(listen(listening, 1) == 0);
    REQUIRE(getsockname(listening, (struct sockaddr *)&address, &length) == 0);
    REQUIRE(connect(client, (struct sockaddr *)&address, sizeof(address)) == 0);
    int served = accept(listening, NULL, NULL);
    REQUIRE(served >= 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK_EQ(host_own_sockets(NULL, getpid(), &now), 0);
    CHECK_EQ(now.all - before.all, 6);
    CHECK_EQ(now.tcp[10] - before.tcp[10], 1); /* LISTEN */
    CHECK_EQ(now.tcp[1] - before.tcp[1], 2);   /* ESTABLISHED */
    CHECK_EQ(now.udp - before.udp, 1);
    CHECK_EQ(now.local - before.local, 2);
    CHECK_EQ(now.other, before.other);
    CHECK_STR(host_tcp_state_name(10), "LISTEN");
    CHECK_STR(host_tcp_state_name(99), "UNKNOWN");
    const int all[] = {listening, client, datagrams, served, pair[0], pair[1]};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        close(all[i]);
    CHECK_EQ(host_own_sockets(NULL, 999999999, &now), VAGUS_ENOENT);
    CHECK_EQ(host_own_sockets("/nowhere", 0, &now), VAGUS_EUNSUPPORTED);
}

static void socket_lines(void)
{
    static const char tcp[] = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 "
                              "00:00000000 00000000  1000        0 4242 1 0000000000000000 100\n";
    static const char unix_line[] = "0000000000000000: 00000002 00000000 00010000 0001 01 777 /x\n";
    static const char *const broken[] = {
        "",
        "\n",
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n",
        "0: a b 0g 0 0 0 0 0 1\n",
        "0: a b 0A 0 0 0 0 0 -1\n",
        "0: a b 0A 0 0 0 0 0\n",
        "0: a b 0A 0 0 0 0 0 99999999999999999999\n"};
    struct host_socket socket;
    REQUIRE(host_parse_socket(tcp, sizeof(tcp) - 1, false, &socket));
    CHECK_EQ(socket.state, 10);
    CHECK_EQ(socket.inode, 4242);
    REQUIRE(host_parse_socket(unix_line, sizeof(unix_line) - 1, true, &socket));
    CHECK_EQ(socket.inode, 777);
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        CHECK(!host_parse_socket(broken[i], strlen(broken[i]), false, &socket));
    for (size_t cut = 0; cut < 80; cut++)
        CHECK(!host_parse_socket(tcp, cut, false, &socket));
}

int main(void)
{
    RUN(a_v2_guest);
    RUN(an_old_kernel_has_no_pressure);
    RUN(who_sets_the_memory_limit);
    RUN(an_empty_place_is_serious);
    RUN(anonymous_memory_is_serious);
    RUN(a_container_takes_it_along);
    RUN(what_was_mounted_from_outside_outlives_it);
    RUN(a_service_takes_it_along);
    RUN(a_session_takes_it_along);
    RUN(what_is_missing_is_said_with_its_reason);
    RUN(no_memory_limit_is_serious);
    RUN(graver_facts_find_room);
    RUN(strangers_text_is_made_safe);
    RUN(sockets_by_state);
    RUN(socket_lines);
    return check_result();
}
