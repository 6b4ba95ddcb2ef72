/* SPDX-License-Identifier: Apache-2.0 */
/* vagus demo: an agent with a brainstem at 10 Hz that meets two leaks. It survives the first, and
 * ends in order under the second. Assumes that it runs on the main thread, while it is the only
 * one. */
#include <math.h>
#include <signal.h>
#include <string.h>

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
#define PULSE_NS (500 * VAGUS_MILLISECOND_NS)

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

enum act { ACT_WAKE, ACT_CALM, ACT_LEAK, ACT_RECOVERY, ACT_REST, ACT_WORSE_LEAK, ACT_END };

/* What must have happened by when. Acts without a demand last that long. */
static const struct {
    int64_t longest_ns;
    const char *demand;
} acts[] = {
    [ACT_WAKE] = {2 * VAGUS_SECOND_NS, "the memory sense brought nothing"},
    [ACT_CALM] = {2 * VAGUS_SECOND_NS, NULL},
    [ACT_LEAK] = {8 * VAGUS_SECOND_NS, "defer was not raised"},
    [ACT_RECOVERY] = {4 * VAGUS_SECOND_NS, "the signals were not cleared"},
    [ACT_REST] = {5 * VAGUS_SECOND_NS / 2, NULL},
    [ACT_WORSE_LEAK] = {3 * VAGUS_SECOND_NS, "shutdown was not raised"},
};

struct story {
    struct demo_agent *agent;
    struct vagus_monitor *monitor;
    struct vagus_brainstem *stem;
    enum act act;
    int64_t act_began_ns, next_message_ns, next_pulse_ns;
    bool deferring;
    unsigned deferred; /* messages that wait */
    bool failed;
};

static volatile sig_atomic_t ending; /* which signal asked for it; 0: none */

static void on_ending(int number)
{
    ending = number;
}

/* --- The beat. --- */

/* Messages arrive whether a beat is late or not. While the brainstem lets things wait they wait
 * here; what the llm has accepted it answers. */
static void hand_over_messages(struct story *story, bool deferring, int64_t now_ns)
{
    struct demo_agent *agent = story->agent;
    for (; story->next_message_ns <= now_ns;
         story->next_message_ns += VAGUS_SECOND_NS / DEMO_MESSAGES_PER_S)
        story->deferred++;
    if (deferring && !story->deferring)
        demo_story_says("brainstem", "defers: new messages wait");
    else if (!deferring && story->deferring)
        demo_story_says("brainstem", "takes messages again, %u have waited", story->deferred);
    story->deferring = deferring;
    if (!deferring) {
        atomic_fetch_add(&agent->inbox, story->deferred);
        story->deferred = 0;
    }
    vagus_set(agent->waiting, story->deferred + atomic_load(&agent->inbox));
}

static void show_pulse(struct story *story, const struct vagus_beat *beat)
{
    const struct vagus_system_snapshot *self = beat->self;
    const struct vagus_snapshot_memory *memory = &self->memory;
    struct demo_pulse pulse = {
        .usage_bytes = NAN,
        .limit_bytes = NAN,
        .known = beat->verdict != VAGUS_VERDICT_UNKNOWN,
        .waiting = story->deferred + atomic_load(&story->agent->inbox),
    };
    if (beat->now_ns < story->next_pulse_ns)
        return;
    story->next_pulse_ns =
        beat->now_ns + (story->act == ACT_WORSE_LEAK ? PULSE_NS * 2 / 5 : PULSE_NS);
    if (vagus_reading_state(&memory->usage, beat->now_ns) == VAGUS_STATE_OK)
        pulse.usage_bytes = memory->usage.value;
    if (memory->limit.taken_ns != 0)
        pulse.limit_bytes = memory->limit.value;
    if (self->signal_count > 0) {
        pulse.kind = self->signals[0].kind; /* the worst first */
        pulse.level = (double)self->signals[0].level;
    }
    vagus_counter_total(story->agent->messages, &pulse.messages);
    vagus_counter_total(story->agent->tokens, &pulse.tokens);
    demo_story_pulse(&pulse);
}

/* --- The plot. --- */

/* Sees that there is room for the story, and lets the workers begin. The agent's allowance follows
 * from what the process uses already. */
static bool wake_up(struct story *story, const struct vagus_snapshot_memory *memory)
{
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
    demo_story_says("brainstem", "awake at 10 Hz; llm, cache and lifecycle listen");
    demo_story_columns(memory->limit.value);
    if (demo_agent_start(story->agent, (size_t)memory->headroom.value - SPARE_BYTES) == 0)
        return true;
    cli_error(&cli_verb_demo, "no thread for a worker");
    return false;
}

static void enter_act(struct story *story, enum act act, const struct vagus_beat *beat)
{
    story->act = act;
    story->act_began_ns = beat->now_ns;
    if (act == ACT_CALM) {
        story->next_message_ns = beat->now_ns;
        story->next_pulse_ns = beat->now_ns + PULSE_NS;
        story->failed = !wake_up(story, &beat->self->memory);
    } else if (act == ACT_LEAK) {
        demo_story_says("cache", "has a bug: it forgets to evict, and leaks %zu MiB/s",
                        DEMO_MESSAGES_PER_S * DEMO_ANSWER_BYTES / MIB);
        demo_agent_forget_to_evict(story->agent);
    } else if (act == ACT_REST) {
        demo_story_says("brainstem", "recovered: no signal is raised, no service holds back");
    } else if (act == ACT_WORSE_LEAK) {
        demo_story_says("browser", "a worse leak: this tool keeps every page, %d MiB/s",
                        DEMO_BROWSER_MIB_PER_S);
        story->failed = demo_agent_open_browser(story->agent) != 0;
    }
}

/* True once what the act waits for has come; acts without a demand wait for nothing. */
static bool act_is_met(const struct story *story, const struct vagus_beat *beat)
{
    const struct vagus_snapshot_memory *memory = &beat->self->memory;
    switch (story->act) {
    case ACT_WAKE:
        return memory->limit.taken_ns != 0 && memory->headroom.taken_ns != 0;
    case ACT_LEAK:
        return !atomic_load(&story->agent->forgets); /* the cache heard defer */
    case ACT_RECOVERY:
        return beat->kinds == 0 && demo_agent_is_at_ease(story->agent);
    case ACT_WORSE_LEAK:
        return atomic_load(&story->agent->ending);
    default:
        return false;
    }
}

static void follow_plot(struct story *story, const struct vagus_beat *beat)
{
    bool over = beat->now_ns - story->act_began_ns >= acts[story->act].longest_ns;
    if (act_is_met(story, beat) || (over && acts[story->act].demand == NULL)) {
        enter_act(story, story->act + 1, beat);
    } else if (over) {
        demo_story_says("brainstem", "%s within %d s: stops here, rather than be killed",
                        acts[story->act].demand,
                        (int)(acts[story->act].longest_ns / VAGUS_SECOND_NS));
        story->failed = true;
    } else if (atomic_load(&story->agent->ending)) {
        demo_story_says("brainstem", "this is not how the story goes");
        story->failed = true;
    }
}

static void act_upon(const struct vagus_beat *beat, int decision, void *arg)
{
    struct story *story = arg;
    if (beat->number == 1)
        story->act_began_ns = beat->now_ns;
    if (story->act != ACT_WAKE) {
        hand_over_messages(story, decision >= VAGUS_DECISION_WAIT, beat->now_ns);
        show_pulse(story, beat);
    }
    if (ending == 0)
        follow_plot(story, beat);
    if (ending != 0 || story->act == ACT_END || story->failed)
        vagus_brainstem_stop(story->stem);
}

/* --- Before and after. --- */

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

/* The services listen, then the brainstem, which itself acts upon defer alone. Strict start refuses
 * while a chain from sensor to service is open; this names it. */
static int wire(struct story *story)
{
    static struct vagus_fault_list faults;
    int error = demo_agent_init(story->agent, story->monitor);
    if (error == 0)
        error = vagus_brainstem_create(story->monitor,
                                       &(struct vagus_brainstem_options){
                                           .size = sizeof(struct vagus_brainstem_options),
                                           .kinds = VAGUS_DEFER,
                                           .act = act_upon,
                                           .arg = story,
                                       },
                                       &story->stem);
    if (error == 0)
        error = vagus_monitor_start(story->monitor);
    if (error == VAGUS_EUNWIRED)
        vagus_wiring_check(story->monitor, &faults);
    for (uint32_t i = 0; i < faults.count; i++)
        cli_error(&cli_verb_demo, "wiring: %s", faults.faults[i].text);
    return error;
}

static int tell(struct story *story)
{
    int error = wire(story);
    if (error == 0)
        error = vagus_brainstem_run(story->stem);
    if (error != 0)
        return cli_error(&cli_verb_demo, "%s", vagus_error_message(error));
    if (ending != 0)
        demo_story_says("brainstem", "%s: leaves in order", strsignal(ending));
    demo_agent_end(story->agent);
    demo_story_says("brainstem", "all ended in order after %.1f s; messages left to answer: %u",
                    (double)demo_story_elapsed_ns() / (double)VAGUS_SECOND_NS,
                    story->deferred + atomic_load(&story->agent->inbox));
    if (ending != 0)
        return CLI_FAILED;
    putchar('\n');
    error = vagus_health_print(story->monitor, stdout);
    if (error != 0)
        return cli_error(&cli_verb_demo, "health: %s", vagus_error_message(error));
    return story->failed ? CLI_FAILED : CLI_OK;
}

/* The brainstem sees it at its next beat. One that is ignored, as under nohup, stays so. A reader
 * of our output that went away ends us too. */
static void take_endings(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    const struct sigaction action = {.sa_handler = on_ending, .sa_flags = SA_RESTART};
    struct sigaction former;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (sigaction(numbers[i], NULL, &former) == 0 && former.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
}

static int run(int argc, char **argv)
{
    static struct demo_agent agent;
    struct story story = {.agent = &agent};
    struct demo_cgroup cgroup = {.why_not = "--declared asks for it"};
    int status = CLI_FAILED;
    struct demo_options options = {0};
    if (cli_parse(&cli_verb_demo, argc, argv, &options) != CLI_OK)
        return CLI_USAGE;

    take_endings();
    demo_story_begin(cli_colour(stdout));
    if (!options.declared && demo_cgroup_enter(&cgroup, LIMIT_BYTES)) {
        demo_story_says("body", "moved into a memory cgroup of 256 MiB of its own:");
        demo_story_says("body", "%s", cgroup.path);
    } else {
        demo_story_says("body", "uses a declared limit of 256 MiB instead of a cgroup:");
        demo_story_says("body", "%s", cgroup.why_not);
    }

    int error = open_monitor(cgroup.inside, &story.monitor);
    if (error == 0)
        status = tell(&story);
    else
        cli_error(&cli_verb_demo, "%s", vagus_error_message(error));

    demo_agent_end(&agent);
    vagus_brainstem_destroy(story.stem);
    error = vagus_monitor_close(story.monitor);
    demo_agent_finish(&agent);
    if (error != 0)
        status = cli_error(&cli_verb_demo, "close: %s", vagus_error_message(error));
    if (!demo_cgroup_leave(&cgroup))
        status = cli_error(&cli_verb_demo, "the cgroup stays behind: %s", cgroup.why_not);
    if (ending != 0) { /* all is in order: now what was asked for, so that a shell sees it */
        signal(ending, SIG_DFL);
        raise(ending);
    }
    return status;
}
