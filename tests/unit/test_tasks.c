/* SPDX-License-Identifier: Apache-2.0 */
/* Threads and processes of the machine: what files say, however long or damaged; and that the
 * senses host and topology bring it as metrics. */
#include "check.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/host.h"
#include "host/tasks.h"
#include "vagus/vagus.h"

/* A root with a file proc/stat of so many CPUs and interrupts, or with the text given. */
static char folder[64];

static struct host *host_with(const char *text, unsigned cpus, unsigned interrupts)
{
    char path[128];
    struct host *host = NULL;
    strcpy(folder, "/tmp/vagus-tasks-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return NULL;
    snprintf(path, sizeof(path), "%s/proc", folder);
    mkdir(path, 0755);
    snprintf(path, sizeof(path), "%s/proc/stat", folder);
    FILE *file = fopen(path, "w");
    if (file != NULL && text != NULL) {
        fputs(text, file);
    } else if (file != NULL) {
        fputs("cpu  9 9 9 9 9 9 9 9 0 0\n", file);
        for (unsigned i = 0; i < cpus; i++)
            fprintf(file, "cpu%u 1342000 10 1357000 290549000 289000 5 17 8 0 0\n", i);
        fputs("intr 12345678", file);
        for (unsigned i = 0; i < interrupts; i++)
            fprintf(file, " %u", i * 7919);
        fputs("\nctxt 88\nbtime 1700000000\nprocesses 31415\nprocs_running 3\n"
              "procs_blocked 2\nsoftirq 1 2 3\n",
              file);
    }
    if (file != NULL)
        fclose(file);
    host_open(&(struct host_options){.root = folder}, &host);
    return host;
}

static void end(struct host *host)
{
    char path[128];
    host_unref(host);
    snprintf(path, sizeof(path), "%s/proc/stat", folder);
    unlink(path);
    snprintf(path, sizeof(path), "%s/proc", folder);
    rmdir(path);
    rmdir(folder);
}

static void births_of_machines_of_any_size(void)
{
    static const unsigned sizes[][2] = {{1, 10}, {64, 1000}, {512, 20000}};
    for (size_t i = 0; i < 3; i++) {
        struct host_births births;
        struct host *host = host_with(NULL, sizes[i][0], sizes[i][1]);
        REQUIRE(host != NULL);
        CHECK_EQ(host_births(host, &births), 0);
        CHECK_EQ(births.created, 31415);
        CHECK_EQ(births.blocked, 2);
        end(host);
    }
}

static void damaged_births(void)
{
    static const char *const texts[] = {"",
                                        "cpu 1 2\n",
                                        "processes 7\n",
                                        "processes 7\nprocs_blocked 1",
                                        "processes -7\nprocs_blocked 1\n",
                                        "processes 99999999999999999999\nprocs_blocked 1\n",
                                        "processes x\nprocs_blocked 1\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct host_births births = {.created = 42};
        struct host *host = host_with(texts[i], 0, 0);
        REQUIRE(host != NULL);
        CHECK_EQ(host_births(host, &births), VAGUS_EPARSE);
        CHECK_EQ(births.created, 42);
        end(host);
    }
    struct host_births births;
    struct host *host;
    REQUIRE(host_open(&(struct host_options){.root = FIXTURES "/traces"}, &host) == 0);
    CHECK_EQ(host_births(host, &births), VAGUS_EUNSUPPORTED);
    host_unref(host);
}

static void tasks_of_loadavg(void)
{
    static const char good[] = "0.48 0.11 0.04 3/58 144\n";
    static const char *const broken[] = {"",
                                         "\n",
                                         "0.48 0.11 0.04\n",
                                         "0.48 0.11 0.04 3\n",
                                         "0.48 0.11 0.04 -3/58 1\n",
                                         "0.48 0.11 0.04 3/99999999999999999999 1\n",
                                         "nan nan nan"};
    struct host_tasks tasks = {0};
    CHECK_EQ(host_parse_tasks(good, sizeof(good) - 1, &tasks), 0);
    CHECK_EQ(tasks.runnable, 3);
    CHECK_EQ(tasks.threads, 58);
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        CHECK_EQ(host_parse_tasks(broken[i], strlen(broken[i]), &tasks), VAGUS_EPARSE);
    for (size_t cut = 0; cut < 19; cut++)
        CHECK_EQ(host_parse_tasks(good, cut, &tasks), VAGUS_EPARSE);
}

static int64_t fixed_ns(void *arg)
{
    (void)arg;
    return 1000 * VAGUS_SECOND_NS;
}
static const struct vagus_clock fixed = {fixed_ns, fixed_ns, NULL};

static struct vagus_monitor *begin(const char *root)
{
    struct vagus_monitor *monitor = NULL;
    struct vagus_monitor_options options = {.size = sizeof(options),
                                            .host_root = root,
                                            .clock = &fixed,
                                            .flags = VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT};
    if (vagus_monitor_open(&options, &monitor) == 0)
        CHECK_EQ(vagus_monitor_start(monitor), 0);
    return monitor;
}

static void as_metrics(void)
{
    struct vagus_reading reading = {0};
    struct vagus_monitor *monitor = begin(FIXTURES "/v2-guest");
    REQUIRE(monitor != NULL);
    CHECK_EQ(vagus_reading_get(monitor, "system.linux.thread.count", NULL, &reading), 0);
    CHECK_NEAR(reading.value, 58, 0);
    CHECK_EQ(vagus_reading_get(monitor, "system.linux.thread.blocked", NULL, &reading), 0);
    CHECK_NEAR(reading.value, 0, 0);
    CHECK_EQ(vagus_reading_get(monitor, "topology.cpus", NULL, &reading), 0);
    CHECK_EQ(reading.error, VAGUS_EUNSUPPORTED); /* hwloc knows this machine alone */
    vagus_monitor_close(monitor);

    monitor = begin(NULL);
    REQUIRE(monitor != NULL);
    CHECK_EQ(vagus_reading_get(monitor, "topology.cpus", NULL, &reading), 0);
    CHECK_EQ(reading.error, 0);
    CHECK(reading.value >= 1 && reading.value <= sysconf(_SC_NPROCESSORS_CONF));
    CHECK_EQ(vagus_reading_get(monitor, "system.linux.thread.count", NULL, &reading), 0);
    CHECK(reading.error == 0 && reading.value >= 1);
    vagus_monitor_close(monitor);
}

int main(void)
{
    RUN(births_of_machines_of_any_size);
    RUN(damaged_births);
    RUN(tasks_of_loadavg);
    RUN(as_metrics);
    return check_result();
}
