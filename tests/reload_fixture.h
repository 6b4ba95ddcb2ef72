/* SPDX-License-Identifier: Apache-2.0 */
/* A monitor with the test's organ under a policy file that the test writes. */
#ifndef TESTS_RELOAD_FIXTURE_H
#define TESTS_RELOAD_FIXTURE_H

#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "monitor_fixture.h"

static char policy_folder[] = "/tmp/vagus-reload-XXXXXX";
static char policy_file[64], policy_new[64];
static struct vagus_fault_list faults;

static inline void policy_begin(void)
{
    if (mkdtemp(policy_folder) == NULL)
        exit(1);
    snprintf(policy_file, sizeof(policy_file), "%s/p.yaml", policy_folder);
    snprintf(policy_new, sizeof(policy_new), "%s/p.new", policy_folder);
}

static inline void policy_end(void)
{
    unlink(policy_file);
    rmdir(policy_folder);
}

static inline void policy_put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0 || chmod(path, 0600) != 0)
        CHECK_FAIL_("%s cannot be written", path);
}

static inline struct vagus_monitor *policy_open(uint32_t flags, const char *text)
{
    struct vagus_monitor *monitor = NULL;
    atomic_store(&test_now_ns, 1000 * S);
    atomic_store(&organ_value, 0.9);
    atomic_store(&organ_error, 0);
    policy_put(policy_file, text);
    int error = vagus_monitor_open(
        &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                        .policy_path = policy_file,
                                        .clock = flags & VAGUS_STEPPED ? &test_clock : NULL,
                                        .flags =
                                            flags | VAGUS_NO_COLLECTORS | VAGUS_ANONYMOUS_SEGMENT,
                                        .faults = &faults},
        &monitor);
    if (error != 0 || vagus_collector_add(monitor, &organ) != 0) {
        fprintf(stderr, "%s: %s\n", vagus_error_message(error), faults.faults[0].text);
        exit(1);
    }
    return monitor;
}

#endif
