/* SPDX-License-Identifier: Apache-2.0 */
/* A machine as large as one wants, as a folder on tmpfs: the files of this one, with as many CPUs
 * and disks in them. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench_sense.h"

static FILE *create(const char *root, const char *name)
{
    char path[512];
    int length = snprintf(path, sizeof(path), "%s/%s", root, name);
    if (length < 0 || (size_t)length >= sizeof(path))
        return NULL;
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    return fopen(path, "w");
}

/* What this machine does not have stays absent there, too. */
static void copy(const char *root, const char *name)
{
    char path[256], buffer[4096];
    size_t count;
    snprintf(path, sizeof(path), "/%s", name);
    FILE *from = fopen(path, "r"), *to = from != NULL ? create(root, name) : NULL;
    while (to != NULL && (count = fread(buffer, 1, sizeof(buffer), from)) > 0)
        fwrite(buffer, 1, count, to);
    if (to != NULL)
        fclose(to);
    if (from != NULL)
        fclose(from);
}

static bool write_stat(const char *root, unsigned cpus)
{
    FILE *stat = create(root, "proc/stat");
    if (stat == NULL)
        return false;
    fprintf(stat, "cpu  1234567 1234 234567 98765432 12345 0 1234 123 0 0\n");
    for (unsigned i = 0; i < cpus; i++)
        fprintf(stat, "cpu%u 1234567 1234 234567 98765432 12345 0 1234 123 0 0\n", i);
    fprintf(stat, "intr 123456789");
    for (unsigned i = 0; i < 8 * cpus; i++)
        fprintf(stat, " %u", i % 7 == 0 ? 12345 : 0);
    fprintf(stat, "\nctxt 123456789\nbtime 1700000000\nprocesses 12345\nprocs_running 1\n"
                  "procs_blocked 0\nsoftirq 123 1 2 3 4 5 6 7 8 9 10\n");
    return fclose(stat) == 0;
}

static bool write_disks(const char *root, unsigned disks)
{
    FILE *diskstats = create(root, "proc/diskstats");
    if (diskstats == NULL)
        return false;
    for (unsigned i = 0; i < disks; i++)
        fprintf(diskstats,
                " 259 %7u nvme%un1 12345 67 1234567 8901 23456 78 2345678 9012 0 12345 17913 0 0 0 "
                "0 0 0\n",
                i, i);
    return fclose(diskstats) == 0;
}

bool sense_machine_make(char *root, size_t capacity, unsigned cpus, unsigned disks)
{
    static const char *const files[] = {
        "proc/meminfo",        "proc/loadavg",           "proc/uptime",
        "proc/vmstat",         "proc/cpuinfo",           "proc/net/dev",
        "proc/net/snmp",       "proc/net/netstat",       "proc/net/sockstat",
        "proc/net/sockstat6",  "proc/pressure/cpu",      "proc/pressure/memory",
        "proc/pressure/io",    "proc/pressure/irq",      "proc/self/stat",
        "proc/self/statm",     "proc/self/limits",       "proc/self/status",
        "proc/self/cgroup",    "proc/self/mountinfo",    "proc/self/io",
        "proc/self/schedstat", "proc/self/smaps_rollup", "proc/self/oom_score",
        "proc/swaps"};
    snprintf(root, capacity, "/dev/shm/vagus-machine-XXXXXX");
    if (mkdtemp(root) == NULL)
        return false;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        copy(root, files[i]);
    return write_stat(root, cpus) && write_disks(root, disks);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

void sense_machine_remove(const char *root)
{
    nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}
