/* SPDX-License-Identifier: Apache-2.0 */
/* ./dev survive memory: each attack against each watcher, some trials each; a table on the terminal
 * and the same as JSON. Exits with 1 if an agent that vagus watched died, or most of a control that
 * should have died did not; 77 where no such cgroup can be had. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "survive.h"
#include "vagus/vagus.h"

#define TRIALS_MAX 100
#define CONTROL_TRIALS 5

static const struct attack attacks[] = {
    {"100 MB/s", 100000000, 1},     {"400 MB/s", 400000000, 1},      {"1000 MB/s", 1000000000, 1},
    {"1 thread, huge pages", 0, 1}, {"2 threads, huge pages", 0, 2},
};
#define ATTACKS (sizeof(attacks) / sizeof(attacks[0]))

static const struct {
    const char *name;
    bool control;
    unsigned dies; /* attacks that kill it, bit 1 << index */
} watchers[] = {
    [WATCHER_KERNEL] = {"vagus, woken by the kernel", false, 0},
    [WATCHER_READS] = {"vagus, by adaptive reads", false, 0},
    [WATCHER_NONE] = {"nobody", true, 0x1f},
    [WATCHER_POLL_1S] = {"a poll each second", true, 0x1f},
    [WATCHER_POLL_100MS] = {"a poll each 100 ms", true, 1u << 2},
};
#define WATCHERS (sizeof(watchers) / sizeof(watchers[0]))

struct row {
    unsigned trials, survived;
    double relief_ms[TRIALS_MAX];
    unsigned reliefs;
    uint64_t peak_bytes;
};

static struct trial *trial;

static void remove_cgroup(void)
{
    for (int attempt = 0; trial->cgroup[0] != '\0' && attempt < 100; attempt++) {
        if (rmdir(trial->cgroup) == 0 || errno != EBUSY)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

/* False if there was no trial: no cgroup, or the agent failed before the attack. */
static bool run_trial(unsigned attack, unsigned watcher, struct row *row)
{
    int status = 0;
    memset(trial, 0, sizeof(*trial));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        agent_run(&attacks[attack], (enum watcher)watcher, trial);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return false;
    remove_cgroup();
    if (!atomic_load(&trial->attacked))
        return false;
    row->trials++;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return true;
    row->survived++;
    int64_t beyond = atomic_load(&trial->beyond), relieved = atomic_load(&trial->relieved);
    /* Relieved before the last page of the chunk that passes the rule: at once. */
    row->relief_ms[row->reliefs++] =
        beyond != 0 && relieved > beyond ? (double)(relieved - beyond) / 1e6 : 0;
    uint64_t peak = atomic_load(&trial->peak_bytes);
    row->peak_bytes = peak > row->peak_bytes ? peak : row->peak_bytes;
    return true;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void print_row(unsigned attack, const struct row *row)
{
    printf("  %-24s %3u of %-3u", attacks[attack].name, row->survived, row->trials);
    if (row->reliefs > 0)
        printf(" %12.2f %12.2f %14.1f", row->relief_ms[row->reliefs / 2],
               row->relief_ms[row->reliefs - 1],
               row->peak_bytes < LIMIT_BYTES ? (double)(LIMIT_BYTES - row->peak_bytes) / MIB : 0);
    printf("\n");
}

static void write_row(FILE *json, unsigned attack, unsigned watcher, const struct row *row)
{
    static bool more;
    if (json == NULL)
        return;
    fprintf(json, "%s\n  {\"attack\": \"%s\", \"rate\": ", more ? "," : "", attacks[attack].name);
    if (attacks[attack].bytes_per_s != 0)
        fprintf(json, "%llu", (unsigned long long)attacks[attack].bytes_per_s);
    else
        fputs("null", json);
    fprintf(json, ", \"monitor\": \"%s\", \"trials\": %u, \"survived\": %u", watchers[watcher].name,
            row->trials, row->survived);
    if (row->reliefs > 0)
        fprintf(json,
                ", \"relief_ms_p50\": %.3f, \"relief_ms_max\": %.3f, \"headroom_min_bytes\": %llu",
                row->relief_ms[row->reliefs / 2], row->relief_ms[row->reliefs - 1],
                (unsigned long long)(row->peak_bytes < LIMIT_BYTES ? LIMIT_BYTES - row->peak_bytes
                                                                   : 0));
    fputs("}", json);
    more = true;
}

/* How many may survive an attack that kills. A poll may fall into the few moments in which it can
 * still help: that happens, but not to most. */
static unsigned luck(unsigned watcher, unsigned trials)
{
    return watcher == WATCHER_NONE ? 0 : (trials - 1) / 2;
}

/* True if it went as it should. */
static bool run_row(unsigned attack, unsigned watcher, unsigned trials, FILE *json)
{
    static struct row row;
    bool terminal = isatty(STDERR_FILENO) == 1;
    row = (struct row){0};
    for (unsigned i = 0; i < trials; i++) {
        if (terminal)
            fprintf(stderr, "  %-24s %3u of %u\r", attacks[attack].name, i, trials);
        if (!run_trial(attack, watcher, &row)) {
            fprintf(stderr, "survive: no trial: %s\n",
                    trial->why_not[0] != '\0' ? trial->why_not : "the agent did not start");
            return false;
        }
    }
    qsort(row.relief_ms, row.reliefs, sizeof(row.relief_ms[0]), by_size);
    print_row(attack, &row);
    fflush(stdout);
    write_row(json, attack, watcher, &row);
    if (!watchers[watcher].control ? row.survived == row.trials
                                   : (watchers[watcher].dies >> attack & 1) == 0 ||
                                         row.survived <= luck(watcher, row.trials))
        return true;
    fprintf(stderr, "survive: %s, %s: %u of %u survived, and %s should\n", watchers[watcher].name,
            attacks[attack].name, row.survived, row.trials,
            watchers[watcher].control ? "fewer" : "all");
    return false;
}

static int usage(void)
{
    fputs("usage: vagus-survive [--trials N] [--controls N] [--json FILE] memory\n", stderr);
    return 64;
}

int main(int argc, char **argv)
{
    unsigned trials = 20, controls = CONTROL_TRIALS;
    const char *path = NULL;
    bool well = true, memory = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trials") == 0 && i + 1 < argc)
            trials = (unsigned)atoi(argv[++i]);
        else if (strcmp(argv[i], "--controls") == 0 && i + 1 < argc)
            controls = (unsigned)atoi(argv[++i]);
        else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc)
            path = argv[++i];
        else if (strcmp(argv[i], "memory") == 0)
            memory = true;
        else
            return usage();
    }
    if (!memory || trials == 0 || trials > TRIALS_MAX || controls > TRIALS_MAX)
        return usage();
    trial = mmap(NULL, sizeof(*trial), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (trial == MAP_FAILED)
        return 1;
    struct row probe = {0};
    if (!run_trial(0, WATCHER_READS, &probe) && trial->why_not[0] != '\0') {
        fprintf(stderr, "survive: no memory cgroup can be had here: %s\n", trial->why_not);
        return 77;
    }
    FILE *json = path != NULL ? fopen(path, "w") : NULL;
    if (path != NULL && json == NULL) {
        fprintf(stderr, "survive: %s: %s\n", path, strerror(errno));
        return 1;
    }
    if (json != NULL)
        fputs("{\"results\": [", json);
    for (unsigned watcher = 0; watcher < WATCHERS; watcher++) {
        unsigned count = watchers[watcher].control ? controls : trials;
        if (count == 0)
            continue;
        printf("%-28s %-10s %12s %12s %14s\n", watchers[watcher].name, "survived", "relief p50 ms",
               "max ms", "headroom MiB");
        for (unsigned attack = 0; attack < ATTACKS; attack++)
            well &= run_row(attack, watcher, count, json);
    }
    if (json != NULL) {
        fputs("\n]}\n", json);
        well &= fclose(json) == 0;
    }
    return well ? 0 : 1;
}
