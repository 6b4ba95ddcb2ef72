/* SPDX-License-Identifier: Apache-2.0 */
/* vagus demo: an agent with a brainstem at 10 Hz that meets two leaks. It survives the first, and
 * ends in order under the second. Assumes that it runs on the main thread, while it is the only
 * one. */
#include <math.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/demo_agent.h"
#include "cli/demo_cgroup.h"
#include "cli/demo_story.h"

struct demo_options {
    bool declared;
};

static int run(int argc, char **argv);

static const struct cli_argument takes[] = {
    {.name = "declared",
     .kind = CLI_FLAG,
     .help = "do not even try to make a cgroup",
     CLI_AT(struct demo_options, declared)},
    {0},
};

static const struct cli_exit exits[] = {
    {0, "the end of the story was reached"},
    {1, "it could not be told to its end"},
    {0},
};

const struct cli_verb cli_verb_demo = {
    .name = "demo",
    .summary = "run an agent that feels two leaks, and survives the first",
    .arguments = takes,
    .about =
        "Runs an agent of three services for about 13 seconds and tells what happens. Its cache "
        "leaks: the agent is throttled, defers, sheds its load and recovers. Then a tool leaks "
        "faster, and the agent ends in order, with its health summary.\n"
        "\n"
        "The memory is real. Where it may, the process moves into a memory cgroup of 256 MiB of "
        "its own, and removes it at the end; else it declares that limit to the monitor. Ctrl-C, "
        "SIGTERM and SIGHUP end it in order too; then it dies of that signal.",
    .exits = exits,
    .examples = "vagus demo\n"
                "vagus demo & sleep 6; vagus health -p demo\n",
    .run = run,
};

#define MIB ((uint64_t)1 << 20)
#define LIMIT_BYTES (256 * MIB)
/* What the agent never takes, whatever happens, so that the kernel has no reason to kill it. */
#define SPARE_BYTES (20 * MIB)
/* Less headroom than this at the start, and the story would begin in the middle. */
#define ROOM_NEEDED_BYTES (192 * MIB)
#define BEAT_NS (100 * VAGUS_MILLISECOND_NS)

/* Thresholds are in bytes, so that the story is the same on a machine that is nearly full. A sample
 * is taken each 100 ms; the second leak takes 15 MiB in that time. */
#define POLICY_RULES                                                                               \
    "rules:\n"                                                                                     \
    "  - name: memory-headroom\n"                                                                  \
    "    metric: memory.headroom\n"                                                                \
    "    throttle: { below: 128MiB, clear: 176MiB }\n"                                             \
    "    defer:    { below: 80MiB,  clear: 128MiB }\n"                                             \
    "    shutdown: { below: 48MiB,  clear: 96MiB }\n"                                              \
    "    min_hold: 500ms\n"
static const char policy_in_cgroup[] = "agent: demo\n" POLICY_RULES;
static const char policy_declared[] = "agent: demo\nlimits: { memory: 256MiB }\n" POLICY_RULES;

enum act { ACT_CALM, ACT_LEAK, ACT_RECOVERY, ACT_REST, ACT_WORSE_LEAK, ACT_END };

/* What must have happened by when. Acts without a demand last that long. */
static const struct {
    int64_t longest_ns;
    const char *demand;
} acts[] = {
    [ACT_CALM] = {2 * VAGUS_SECOND_NS, NULL},
    [ACT_LEAK] = {8 * VAGUS_SECOND_NS, "defer was not raised"},
    [ACT_RECOVERY] = {4 * VAGUS_SECOND_NS, "the signals were not cleared"},
    [ACT_REST] = {5 * VAGUS_SECOND_NS / 2, NULL},
    [ACT_WORSE_LEAK] = {3 * VAGUS_SECOND_NS, "shutdown was not raised"},
};

struct brainstem {
    struct demo_agent *agent;
    struct vagus_monitor *monitor;
    struct vagus_system_snapshot self; /* all zero until the first one is published */
    enum act act;
    int64_t act_began_ns;
    bool deferring;
    unsigned deferred; /* messages that wait */
    int64_t next_message_ns;
    bool failed;
    int signal; /* that asked the process to end; 0: none */
};

/* --- The beat. --- */

/* Messages arrive whether a beat is late or not. While defer is raised they wait here; what the llm
 * has accepted it answers. */
static void hand_over_messages(struct brainstem *stem)
{
    struct demo_agent *agent = stem->agent;
    bool deferring = vagus_signal_level(stem->monitor, VAGUS_DEFER) > 0;
    for (; stem->next_message_ns <= vagus_now_ns();
         stem->next_message_ns += VAGUS_SECOND_NS / DEMO_MESSAGES_PER_S)
        stem->deferred++;
    if (deferring && !stem->deferring)
        demo_story_says("brainstem", "defers: new messages wait");
    else if (!deferring && stem->deferring)
        demo_story_says("brainstem", "takes messages again, %u have waited", stem->deferred);
    stem->deferring = deferring;
    if (!deferring) {
        atomic_fetch_add(&agent->inbox, stem->deferred);
        stem->deferred = 0;
    }
    vagus_set(agent->waiting, stem->deferred + atomic_load(&agent->inbox));
}

static void show_pulse(struct brainstem *stem)
{
    const struct vagus_system_snapshot *self = &stem->self;
    const struct vagus_snapshot_memory *memory = &self->memory;
    int64_t now_ns = vagus_now_ns();
    struct demo_pulse pulse = {
        .usage_bytes = NAN,
        .limit_bytes = NAN,
        .known = vagus_snapshot_verdict(self, now_ns) != VAGUS_VERDICT_UNKNOWN,
        .waiting = stem->deferred + atomic_load(&stem->agent->inbox),
    };
    if (vagus_reading_state(&memory->usage, now_ns) == VAGUS_STATE_OK)
        pulse.usage_bytes = memory->usage.value;
    if (memory->limit.taken_ns != 0)
        pulse.limit_bytes = memory->limit.value;
    if (self->signal_count > 0) {
        pulse.kind = self->signals[0].kind; /* the worst first */
        pulse.level = (double)self->signals[0].level;
    }
    vagus_counter_total(stem->agent->messages, &pulse.messages);
    vagus_counter_total(stem->agent->tokens, &pulse.tokens);
    demo_story_pulse(&pulse);
}

/* --- The plot. --- */

static void enter_act(struct brainstem *stem, enum act act)
{
    stem->act = act;
    stem->act_began_ns = vagus_now_ns();
    if (act == ACT_LEAK) {
        demo_story_says("cache", "has a bug: it forgets to evict, and leaks %zu MiB/s",
                        DEMO_MESSAGES_PER_S * DEMO_ANSWER_BYTES / MIB);
        demo_agent_forget_to_evict(stem->agent);
    } else if (act == ACT_REST) {
        demo_story_says("brainstem", "recovered: no signal is raised, no service holds back");
    } else if (act == ACT_WORSE_LEAK) {
        demo_story_says("browser", "a worse leak: this tool keeps every page, %d MiB/s",
                        DEMO_BROWSER_MIB_PER_S);
        stem->failed = demo_agent_open_browser(stem->agent) != 0;
    }
}

/* True once what the act waits for has come; acts without a demand wait for nothing. */
static bool act_is_met(const struct brainstem *stem)
{
    switch (stem->act) {
    case ACT_LEAK:
        return !atomic_load(&stem->agent->forgets); /* the cache heard defer */
    case ACT_RECOVERY:
        return vagus_signal_level(stem->monitor, VAGUS_SIGNAL_ANY) <= 0 &&
               demo_agent_is_at_ease(stem->agent);
    case ACT_WORSE_LEAK:
        return atomic_load(&stem->agent->ending);
    default:
        return false;
    }
}

static void follow_plot(struct brainstem *stem)
{
    bool over = vagus_now_ns() - stem->act_began_ns >= acts[stem->act].longest_ns;
    if (act_is_met(stem) || (over && acts[stem->act].demand == NULL)) {
        enter_act(stem, stem->act + 1);
    } else if (over) {
        demo_story_says("brainstem", "%s within %d s: stops here, rather than be killed",
                        acts[stem->act].demand,
                        (int)(acts[stem->act].longest_ns / VAGUS_SECOND_NS));
        stem->failed = true;
    } else if (atomic_load(&stem->agent->ending)) {
        demo_story_says("brainstem", "this is not how the story goes");
        stem->failed = true;
    }
}

/* Sleeps until the next beat; signals that would end the process cut it short. A beat that is late
 * is not made up for. */
static void wait_for_beat(struct brainstem *stem, const sigset_t *endings, int64_t *next_ns)
{
    int64_t now_ns = vagus_now_ns();
    *next_ns += BEAT_NS;
    if (*next_ns < now_ns)
        *next_ns = now_ns;
    int64_t wait_ns = *next_ns - now_ns;
    struct timespec wait = {.tv_sec = (time_t)(wait_ns / VAGUS_SECOND_NS),
                            .tv_nsec = (long)(wait_ns % VAGUS_SECOND_NS)};
    int number = sigtimedwait(endings, NULL, &wait);
    if (number > 0)
        stem->signal = number;
}

static void live(struct brainstem *stem, const sigset_t *endings)
{
    int64_t next_ns = vagus_now_ns();
    stem->next_message_ns = next_ns;
    enter_act(stem, ACT_CALM);
    for (unsigned beat = 1; stem->act != ACT_END && !stem->failed; beat++) {
        wait_for_beat(stem, endings, &next_ns);
        if (stem->signal != 0) {
            demo_story_says("brainstem", "%s: leaves in order", strsignal(stem->signal));
            break;
        }
        vagus_snapshot_read(stem->monitor, &stem->self);
        hand_over_messages(stem);
        if (beat % (stem->act == ACT_WORSE_LEAK ? 2 : 5) == 0)
            show_pulse(stem);
        follow_plot(stem);
    }
}

/* --- Before and after. --- */

/* Waits for the first snapshot and sees that there is room for the story. The allowance follows
 * from what the process uses already. */
static bool wake_up(struct brainstem *stem, const sigset_t *endings, size_t *most_bytes)
{
    const struct vagus_snapshot_memory *memory = &stem->self.memory;
    int64_t next_ns = vagus_now_ns();
    for (int beat = 0; memory->limit.taken_ns == 0 || memory->headroom.taken_ns == 0; beat++) {
        if (beat == 20) {
            cli_error(&cli_verb_demo, "the memory sense brought nothing within 2 s");
            return false;
        }
        wait_for_beat(stem, endings, &next_ns);
        vagus_snapshot_read(stem->monitor, &stem->self);
    }
    if (memory->limit.value > LIMIT_BYTES) {
        cli_error(&cli_verb_demo, "the limit of 256 MiB is not felt: memory.limit is %.0f MiB",
                  memory->limit.value / MIB);
        return false;
    }
    if (memory->headroom.value < ROOM_NEEDED_BYTES) {
        cli_error(&cli_verb_demo, "only %.0f MiB of memory are left here; the story needs %u",
                  memory->headroom.value / MIB, (unsigned)(ROOM_NEEDED_BYTES / MIB));
        return false;
    }
    *most_bytes = (size_t)memory->headroom.value - SPARE_BYTES;
    return true;
}

static int open_monitor(bool in_cgroup, struct vagus_monitor **monitor)
{
    static struct vagus_fault_list faults;
    int error = vagus_monitor_open(
        &(struct vagus_monitor_options){
            .size = sizeof(struct vagus_monitor_options),
            .policy_text = in_cgroup ? policy_in_cgroup : policy_declared,
            .flags = VAGUS_STRICT,
            .faults = &faults,
        },
        monitor);
    for (uint32_t i = 0; error != 0 && i < faults.count; i++)
        cli_error(&cli_verb_demo, "policy, line %u: %s", faults.faults[i].line,
                  faults.faults[i].text);
    return error;
}

/* Strict start refuses while a chain from sensor to service is open; this names it. */
static int start_monitor(struct vagus_monitor *monitor)
{
    static struct vagus_fault_list faults;
    int error = vagus_monitor_start(monitor);
    if (error == VAGUS_EUNWIRED)
        vagus_wiring_check(monitor, &faults);
    for (uint32_t i = 0; i < faults.count; i++)
        cli_error(&cli_verb_demo, "wiring: %s", faults.faults[i].text);
    return error;
}

static int tell(struct brainstem *stem, const sigset_t *endings)
{
    size_t most_bytes = 0;
    int error = demo_agent_init(stem->agent, stem->monitor);
    if (error == 0)
        error = start_monitor(stem->monitor);
    if (error != 0)
        return cli_error(&cli_verb_demo, "%s", vagus_error_message(error));
    if (!wake_up(stem, endings, &most_bytes))
        return CLI_FAILED;
    demo_story_says("brainstem", "awake at 10 Hz; llm, cache and lifecycle listen");
    demo_story_columns(stem->self.memory.limit.value);
    if (demo_agent_start(stem->agent, most_bytes) != 0)
        return cli_error(&cli_verb_demo, "no thread for a worker");

    live(stem, endings);
    demo_agent_end(stem->agent);
    demo_story_says("brainstem", "all ended in order after %.1f s; messages left to answer: %u",
                    (double)demo_story_elapsed_ns() / (double)VAGUS_SECOND_NS,
                    stem->deferred + atomic_load(&stem->agent->inbox));
    if (stem->signal != 0)
        return CLI_FAILED;
    putchar('\n');
    error = vagus_health_print(stem->monitor, stdout);
    if (error != 0)
        return cli_error(&cli_verb_demo, "health: %s", vagus_error_message(error));
    return stem->failed ? CLI_FAILED : CLI_OK;
}

/* Blocked here and in all threads to come; the brainstem takes them between two beats. One that is
 * ignored, as under nohup, stays so. A reader of our output that went away ends us too. */
static void take_endings(sigset_t *endings)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    sigemptyset(endings);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sigaction action;
        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(endings, numbers[i]);
    }
    pthread_sigmask(SIG_BLOCK, endings, NULL);
}

static int run(int argc, char **argv)
{
    static struct demo_agent agent;
    struct brainstem stem = {.agent = &agent};
    struct demo_cgroup cgroup = {.why_not = "--declared asks for it"};
    sigset_t endings;
    int status = CLI_FAILED;
    struct demo_options options = {0};
    if (cli_parse(&cli_verb_demo, argc, argv, &options) != CLI_OK)
        return CLI_USAGE;

    take_endings(&endings);
    demo_story_begin(cli_colour(stdout));
    if (!options.declared && demo_cgroup_enter(&cgroup, LIMIT_BYTES)) {
        demo_story_says("body", "moved into a memory cgroup of 256 MiB of its own:");
        demo_story_says("body", "%s", cgroup.path);
    } else {
        demo_story_says("body", "uses a declared limit of 256 MiB instead of a cgroup:");
        demo_story_says("body", "%s", cgroup.why_not);
    }

    int error = open_monitor(cgroup.inside, &stem.monitor);
    if (error == 0)
        status = tell(&stem, &endings);
    else
        cli_error(&cli_verb_demo, "%s", vagus_error_message(error));

    demo_agent_end(&agent);
    error = vagus_monitor_close(stem.monitor);
    demo_agent_finish(&agent);
    if (error != 0)
        status = cli_error(&cli_verb_demo, "close: %s", vagus_error_message(error));
    if (!demo_cgroup_leave(&cgroup))
        status = cli_error(&cli_verb_demo, "the cgroup stays behind: %s", cgroup.why_not);
    if (stem.signal != 0) {
        /* All is in order: now what was asked for, so that a shell sees it. */
        raise(stem.signal);
        pthread_sigmask(SIG_UNBLOCK, &endings, NULL);
    }
    return status;
}
