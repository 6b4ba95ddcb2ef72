/* SPDX-License-Identifier: Apache-2.0 */
/* process: size, threads, descriptors, faults, switches and age of the process that carries the
 * monitor, and how it stands with the OOM killer. */
#include "host/status.h"
#include "vagus/collector.h"

enum {
    RESIDENT,
    VIRTUAL_SIZE,
    THREADS,
    DESCRIPTORS,
    DESCRIPTORS_LIMIT,
    DESCRIPTORS_UTILIZATION,
    UPTIME,
    MAJOR_FAULTS,
    MAJOR_FAULTS_RATE,
    SWITCHES_VOLUNTARY,
    SWITCHES_INVOLUNTARY,
    OOM_SCORE,
    OOM_SCORE_ADJ,
    STARTED,
    METRIC_COUNT,
};

static const struct vagus_metric_desc table[METRIC_COUNT] = {
    [RESIDENT] = {.name = "process.memory.usage",
                  .unit = "By",
                  .help = "resident size",
                  .resource = "memory",
                  .kind = VAGUS_GAUGE,
                  .tier = VAGUS_TIER_1S,
                  .resolution = 4096},
    [VIRTUAL_SIZE] = {.name = "process.memory.virtual",
                      .unit = "By",
                      .help = "virtual size",
                      .resource = "memory",
                      .kind = VAGUS_GAUGE,
                      .tier = VAGUS_TIER_1S,
                      .resolution = 4096},
    [THREADS] = {.name = "process.thread.count",
                 .unit = "{thread}",
                 .help = "threads",
                 .kind = VAGUS_GAUGE,
                 .tier = VAGUS_TIER_1S,
                 .resolution = 1},
    [DESCRIPTORS] = {.name = "process.unix.file_descriptor.count",
                     .unit = "{count}",
                     .help = "open descriptors",
                     .kind = VAGUS_GAUGE,
                     .tier = VAGUS_TIER_1S,
                     .resolution = 1},
    [DESCRIPTORS_LIMIT] = {.name = "process.unix.file_descriptor.limit",
                           .unit = "{count}",
                           .help = "RLIMIT_NOFILE",
                           .kind = VAGUS_GAUGE,
                           .tier = VAGUS_TIER_10S,
                           .resolution = 1},
    [DESCRIPTORS_UTILIZATION] = {.name = "process.unix.file_descriptor.utilization",
                                 .unit = "1",
                                 .help = "open descriptors as a share of their limit",
                                 .kind = VAGUS_GAUGE,
                                 .tier = VAGUS_TIER_1S,
                                 .resolution = 0.001},
    [UPTIME] = {.name = "process.uptime",
                .unit = "s",
                .help = "since the process was started",
                .kind = VAGUS_GAUGE,
                .tier = VAGUS_TIER_1S,
                .resolution = 0.001},
    [MAJOR_FAULTS] = {.name = "process.paging.faults.major",
                      .unit = "{fault}",
                      .help = "page faults that waited for a disk, all threads",
                      .resource = "memory",
                      .kind = VAGUS_COUNTER,
                      .tier = VAGUS_TIER_1S,
                      .resolution = 1},
    [MAJOR_FAULTS_RATE] = {.name = "process.paging.faults.major.rate",
                           .unit = "{fault}/s",
                           .help = "page faults that waited for a disk since the sample before",
                           .resource = "memory",
                           .kind = VAGUS_GAUGE,
                           .tier = VAGUS_TIER_1S,
                           .resolution = 0.01},
    [SWITCHES_VOLUNTARY] = {.name = "process.context_switches.voluntary",
                            .unit = "{count}",
                            .help = "times that a thread gave the CPU away to wait, all threads",
                            .kind = VAGUS_COUNTER,
                            .tier = VAGUS_TIER_10S,
                            .resolution = 1},
    [SWITCHES_INVOLUNTARY] = {.name = "process.context_switches.involuntary",
                              .unit = "{count}",
                              .help = "times that a thread was made to give the CPU away",
                              .kind = VAGUS_COUNTER,
                              .tier = VAGUS_TIER_10S,
                              .resolution = 1},
    [OOM_SCORE] = {.name = "process.linux.oom_score",
                   .unit = "1",
                   .help = "how readily the OOM killer takes this process",
                   .kind = VAGUS_GAUGE,
                   .tier = VAGUS_TIER_10S,
                   .resolution = 1},
    [OOM_SCORE_ADJ] = {.name = "process.linux.oom_score_adj",
                       .unit = "1",
                       .help = "what the OOM killer was told about this process, -1000 to 1000",
                       .kind = VAGUS_GAUGE,
                       .tier = VAGUS_TIER_10S,
                       .resolution = 1},
    [STARTED] = {.name = "process.start_time",
                 .unit = "s",
                 .help = "when the process was started, since 1970",
                 .kind = VAGUS_GAUGE,
                 .tier = VAGUS_TIER_60S,
                 .resolution = 0.01},
};

struct state {
    bool faults_known;
    uint64_t faults;
    int64_t faults_ns;
    bool limits_read;
    int limits_error;
    struct host_limits limits;
};

/* A rate only across a span in which the count did not run backward. */
static void sample_faults(struct vagus_collector *collector, int error, uint64_t faults)
{
    struct state *state = vagus_collector_state(collector);
    int64_t now_ns = vagus_collector_now_ns(collector);
    vagus_put_result(collector, MAJOR_FAULTS, 0, error, (double)faults);
    if (error != 0)
        vagus_put_result(collector, MAJOR_FAULTS_RATE, 0, error, 0);
    else if (state->faults_known && now_ns > state->faults_ns && faults >= state->faults)
        vagus_put_result(collector, MAJOR_FAULTS_RATE, 0, 0,
                         (double)(faults - state->faults) /
                             ((double)(now_ns - state->faults_ns) / 1e9));
    state->faults_known = error == 0;
    state->faults = faults;
    state->faults_ns = now_ns;
}

static void sample_process(struct vagus_collector *collector, struct host *host, unsigned due)
{
    struct host_process process = {0};
    struct host_process_size size = {0};
    uint64_t uptime_ns = 0, boot_ns = 0;
    int error = host_process_size(host, &size);
    vagus_put_result(collector, RESIDENT, 0, error, (double)size.resident_bytes);
    vagus_put_result(collector, VIRTUAL_SIZE, 0, error, (double)size.virtual_bytes);
    error = host_process(host, &process);
    vagus_put_result(collector, THREADS, 0, error, (double)process.threads);
    sample_faults(collector, error, process.major_faults);
    int uptime_error = error != 0 ? error : host_uptime_ns(host, &uptime_ns);
    /* The start is rounded to a clock tick, so a newborn may seem to come from the future. */
    uint64_t age_ns = uptime_ns > process.started_ns ? uptime_ns - process.started_ns : 0;
    vagus_put_result(collector, UPTIME, 0, uptime_error, (double)age_ns / 1e9);
    if ((due & 1u << VAGUS_TIER_60S) != 0) {
        error = error != 0 ? error : host_boot_wall_ns(host, &boot_ns);
        vagus_put_result(collector, STARTED, 0, error,
                         (double)boot_ns / 1e9 + (double)process.started_ns / 1e9);
    }
}

static void sample_standing(struct vagus_collector *collector, struct host *host)
{
    struct host_switches switches = {0};
    uint64_t score = 0;
    int64_t adjustment = 0;
    int error = host_switches(host, &switches);
    vagus_put_result(collector, SWITCHES_VOLUNTARY, 0, error, (double)switches.voluntary);
    vagus_put_result(collector, SWITCHES_INVOLUNTARY, 0, error, (double)switches.involuntary);
    error = host_oom_score(host, &score);
    vagus_put_result(collector, OOM_SCORE, 0, error, (double)score);
    error = host_oom_score_adj(host, &adjustment);
    vagus_put_result(collector, OOM_SCORE_ADJ, 0, error, (double)adjustment);
}

static void sample_descriptors(struct vagus_collector *collector, struct host *host,
                               const struct state *state)
{
    uint64_t count = 0, limit = state->limits.descriptors;
    int error = host_descriptor_count(host, &count);
    vagus_put_result(collector, DESCRIPTORS, 0, error, (double)count);
    if (error == 0)
        error = state->limits_error;
    if (error == 0 && limit == HOST_UNLIMITED)
        vagus_put_result(collector, DESCRIPTORS_UTILIZATION, 0, 0, 0);
    else /* a limit of 0 or 1 leaves none to be opened */
        vagus_put_result(collector, DESCRIPTORS_UTILIZATION, 0, error,
                         limit > 0 ? (double)count / (double)limit : 1);
}

static int take_sample(struct vagus_collector *collector, unsigned due)
{
    struct host *host = vagus_collector_arg(collector);
    struct state *state = vagus_collector_state(collector);
    if (!state->limits_read || (due & 1u << VAGUS_TIER_10S) != 0) {
        state->limits_error = host_limits(host, &state->limits);
        state->limits_read = true;
    }
    if ((due & 1u << VAGUS_TIER_10S) != 0) {
        /* "unlimited" is no number; it happens on BSD alone, as Linux caps it at nr_open. */
        bool none = state->limits_error == 0 && state->limits.descriptors == HOST_UNLIMITED;
        vagus_put_result(collector, DESCRIPTORS_LIMIT, 0,
                         none ? VAGUS_EUNSUPPORTED : state->limits_error,
                         (double)state->limits.descriptors);
        sample_standing(collector, host);
    }
    if ((due & 1u << VAGUS_TIER_1S) != 0) {
        sample_process(collector, host, due);
        sample_descriptors(collector, host, state);
    }
    return 0;
}

static int count_descriptors(struct vagus_collector *collector, size_t instance)
{
    (void)instance;
    sample_descriptors(collector, vagus_collector_arg(collector), vagus_collector_state(collector));
    return 0;
}

/* An agent that opens a thousand descriptors in a second is broken already. */
static const struct vagus_limited descriptors = {
    .name = "descriptors",
    .metrics = (const struct vagus_limited_metric[]){{DESCRIPTORS, VAGUS_NO_WHOLE},
                                                     {DESCRIPTORS_UTILIZATION, DESCRIPTORS_LIMIT}},
    .metric_count = 2,
    .max_rate = 1000,
    .sample = count_descriptors,
};

extern const struct vagus_collector_desc vagus__collector_process;
const struct vagus_collector_desc vagus__collector_process = {
    .size = sizeof(struct vagus_collector_desc),
    .name = "process",
    .help = "size, threads, descriptors, faults, switches and age of this process",
    .metrics = table,
    .metric_count = METRIC_COUNT,
    .state_size = sizeof(struct state),
    .sample = take_sample,
    .limited = &descriptors,
    .limited_count = 1,
};
