/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor: where the modules are wired together, and nowhere else. The four monitors of a
 * process lie in static memory, so a pointer to a closed one still points at something that says
 * so; what is read without any lock (snapshot, levels) lies there too. */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include <limits.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/thread.h"
#include "base/wake.h"
#include "config/config.h"
#include "host/host.h"
#include "judge/budgets.h"
#include "judge/judge.h"
#include "judge/modes.h"
#include "metrics/derive.h"
#include "monitor/continuity.h"
#include "monitor/state.h"
#include "report/assemble.h"
#include "report/report.h"
#include "sense/lane.h"
#include "sense/pace.h"
#include "sense/schedule.h"
#include "sense/sense.h"
#include "vagus/health.h"
#include "vagus/monitor.h"

#define MONITOR_HEALTH_TEXT_BYTES 16384
#define MONITOR_CLOSE_NS (100 * VAGUS_MILLISECOND_NS)
/* Of a snapshot that is of any use: up to its verdict. */
#define SNAPSHOT_BYTES_MIN offsetof(struct vagus_system_snapshot, signals)

struct policy;
struct watch_file;

enum monitor_life {
    MONITOR_FREE = 0,
    MONITOR_OPENING,
    MONITOR_OPEN,
    MONITOR_STARTED,
    MONITOR_CLOSING,
    MONITOR_LOST, /* closed with its sampler left behind: the place is never used again */
};

/* What was gone of a budget each 10 s, over the last five minutes: how fast it goes. */
#define BUDGET_MARKS 30
struct budget_marks {
    uint32_t count; /* ever */
    int64_t at_ns[BUDGET_MARKS];
    int64_t gone[BUDGET_MARKS];
};

struct vagus_monitor {
    uint32_t life; /* enum monitor_life */
    uint32_t generation;
    uint32_t flags;                    /* enum vagus_monitor_flags */
    int borrowed;                      /* a thread is inside start, step or vagus_collector_add() */
    const struct vagus_monitor *outer; /* that its borrower is inside of, too */
    struct wake wake;                  /* the sampler */
    uint64_t levels;                   /* of the raised signals, packed by the bus */
    uint32_t mode;                     /* its index */
    struct segment_slots published;

    struct vagus_clock clock;
    struct vagus_config *config;
    struct host *host;
    struct segment segment;
    struct metrics metrics;
    struct derive derive;
    struct sense *sense;
    struct bus *bus;
    struct judge *judge;
    struct watcher *watcher; /* of the kernel's wake-ups; NULL: none */
    uint64_t orders_done;    /* of those that it has, as last seen */
    struct budgets budgets;
    struct state state;
    struct continuity continuity;
    struct modes modes;

    /* The sampler's own. */
    struct schedule schedule;
    struct assembly assembly;
    struct budget_marks budget_marks[VAGUS_SNAPSHOT_BUDGETS];
    struct vagus_system_snapshot snapshot;
    uint64_t publications;
    int64_t started_ns, last_tick_ns;
    int64_t (*cpu_clock)(void);       /* what the sampler's thread used; NULL: it has none */
    int64_t cpu_ns, cpu_at_ns;        /* used until when */
    int64_t cpu_mark_ns, near_cpu_ns; /* before reads near a limit; used for these */
    bool near_counted;                /* such reads are under way */
    struct pace pace;
    int32_t cpu_index, stretch_index, near_index, missed_index;
    uint32_t listeners, hung;                  /* as last mirrored */
    uint32_t proved_metrics, proved_listeners; /* when the wiring was last proved */
    uint64_t dropped_before;
    int quit;
    bool has_sampler;
    void *stack_locked; /* the sampler's; NULL: not */
    struct latch sampler_ready, sampler_ended;
    pthread_mutex_t step_lock; /* held during a step; who proves the wiring takes it too */

    /* Notes for health. */
    pthread_mutex_t note_lock;
    uint32_t note_count;
    uint32_t unwired;
    struct segment_note notes[SEGMENT_NOTES_MAX];
    struct vagus_fault_list wiring; /* under step_lock */

    /* The health summary: one at a time, in memory of its own. */
    pthread_mutex_t report_lock;
    struct report *report;
    char *report_text;
    int health_fd;
    int health_signal;
    struct lane *health_lane;
    struct sigaction health_before;

    /* Recording by name: names met that nobody defined, by hash, and how many were defined so. */
    uint64_t unknown[32];
    uint32_t first_used;

    /* Another policy than the one it was opened with. */
    pthread_mutex_t reload_lock; /* held by who reloads; the sampler does without */
    struct policy *policy;       /* in force; NULL: `config` */
    struct policy *next_policy;  /* waits for the sampler */
    uint64_t reloads;            /* how many came into force */
    char policy_path[PATH_MAX];  /* "": opened without a file */
    struct stat policy_stat;     /* of that file, before it was read */
    struct watch_file *watch_file;

    bool notes_fatal;   /* it asked for handlers */
    bool unstored_told; /* that history has no room left for what comes */
};

/* --- pool.c: the four places, and fork. --- */

/* A free place, in life OPENING, or NULL. */
struct vagus_monitor *monitor_take(void);
/* Gives the place back, or marks it lost. */
void monitor_give_back(struct vagus_monitor *monitor, enum monitor_life life);
/* Between these two the monitor stays whole: true if it is open. Never held while a host's code or
 * slow input and output runs. */
bool monitor_enter(const struct vagus_monitor *monitor);
struct vagus_monitor *monitor_enter_generation(uint32_t generation);
void monitor_leave(void);
/* No fork comes between this and monitor_leave(): for making and letting go of a segment, whose
 * descriptor a child must find. */
void monitor_hold_forks(void);
/* From OPEN or STARTED to CLOSING, once, waiting for those inside; false if it was not open. */
bool monitor_begin_close(struct vagus_monitor *monitor);
struct vagus_monitor *monitor_at(unsigned place);

/* Start, step and adding a collector run a host's code: they borrow the monitor, one thread at a
 * time, and hold no lock. 0, VAGUS_ESTATE if it is borrowed already, VAGUS_ECLOSED. */
int monitor_borrow(struct vagus_monitor *monitor);
void monitor_return(struct vagus_monitor *monitor);
bool monitor_wait_returned(struct vagus_monitor *monitor, int64_t deadline_ns);
/* The sampler's thread is inside its monitor for good: nobody may close a monitor from there. */
void monitor_set_inside(struct vagus_monitor *monitor);
bool monitor_is_inside(const struct vagus_monitor *monitor);

/* --- api_budget.c --- */

int monitor_budget_define(struct vagus_monitor *monitor, const struct vagus_budget_desc *desc,
                          struct vagus_budget *handle);

/* What a policy says of a budget, as code would. */
struct vagus_budget_desc monitor_budget_desc(const struct config_budget *budget);

/* --- reload.c --- */

/* At the beginning of a look: true if another policy is in force from here on; then the second call
 * after the judge's step. The sampler alone. */
bool reload_take_over(struct vagus_monitor *monitor, int64_t now_ns);
void reload_taken_over(struct vagus_monitor *monitor);
/* The policy in force; that it was opened with says what cannot change. The sampler alone. */
const struct vagus_config *reload_config(const struct vagus_monitor *monitor);
/* Everything but the judge in force. */
void reload_finish(struct vagus_monitor *monitor);

/* --- watch_file.c --- */

/* Where the policy asks for it: a thread that reads the file again when it changes. What hinders it
 * is told in health. */
void watch_file_start(struct vagus_monitor *monitor);
/* The path is another one. NULL is fine. */
void watch_file_ring(struct watch_file *watch);
/* False if the thread did not come back by the deadline; it ends by itself then. NULL is fine. */
bool watch_file_stop(struct vagus_monitor *monitor, int64_t deadline_ns);
void watch_file_after_fork_in_child(struct vagus_monitor *monitor);

/* --- senses.c --- */

/* The paths to watch, at most HOST_PATHS_MAX; how many. They live as long as the configuration. */
size_t monitor_watch_paths(struct vagus_monitor *monitor, const char *paths[]);
/* Adds what stands in collectors.def. */
int monitor_add_senses(struct vagus_monitor *monitor);
/* Of a program's own collector: names in health what the policy cannot have of it. */
void monitor_note_tiers(struct vagus_monitor *monitor, const struct vagus_collector_desc *desc);

/* --- vocabulary.c: what policies are checked against --- */

extern const struct config_vocabulary monitor_vocabulary;

/* --- recorded.c: the agent's metrics that the policy defines --- */

/* At open: whoever defines one gets what the policy says. At the start: those that nobody defined
 * yet are there, too; what is refused is a note. */
void recorded_know(struct vagus_monitor *monitor);
void recorded_define(struct vagus_monitor *monitor);
/* Of another policy: faults for what contradicts what there is, warnings for what has to wait;
 * changes nothing. 0, VAGUS_EEXIST, VAGUS_EFULL. Then the second one takes on what is new. */
int recorded_check(struct vagus_monitor *monitor, const struct vagus_config *config,
                   struct vagus_fault_list *faults);
void recorded_take(struct vagus_monitor *monitor, const struct vagus_config *config);

/* --- prove.c --- */

/* The whole proof of wiring; how many chains are not closed. Under step_lock, or before the start.
 */
unsigned monitor_prove(struct vagus_monitor *monitor, int64_t now_ns, int64_t since_ns,
                       struct vagus_fault_list *faults);

/* --- notes.c --- */

void monitor_note(struct vagus_monitor *monitor, enum segment_note_kind kind, const char *format,
                  ...) __attribute__((format(printf, 3, 4)));
/* In place of the note that begins with the same key_length characters, if there is one. */
void monitor_note_again(struct vagus_monitor *monitor, enum segment_note_kind kind,
                        const char *text, size_t key_length);
/* Takes the wiring faults of monitor->wiring over as notes, in place of the former ones. */
void monitor_note_wiring(struct vagus_monitor *monitor);
/* Takes back all notes of a kind. */
void monitor_note_drop(struct vagus_monitor *monitor, enum segment_note_kind kind);

/* --- sampler.c --- */

/* Starts time: the first tick of all tiers, with nothing judged yet, then the proof of wiring. The
 * number of chains that are not closed. */
unsigned sampler_begin(struct vagus_monitor *monitor);
/* Judges and publishes what sampler_begin() sensed. */
void sampler_first(struct vagus_monitor *monitor);
/* One step: whatever is due. */
void sampler_step(struct vagus_monitor *monitor);
/* The part of it that is due between two ticks, near a limit. */
void sampler_near_step(struct vagus_monitor *monitor);
/* When there is something to do next. */
int64_t sampler_next_ns(const struct vagus_monitor *monitor);
int sampler_start_thread(struct vagus_monitor *monitor);
/* False if the thread did not come back by the deadline. */
bool sampler_stop_thread(struct vagus_monitor *monitor, int64_t deadline_ns);

/* --- publish.c: the snapshot. The sampler alone --- */

void publish_begin(struct vagus_monitor *monitor, int64_t now_ns);
/* Another policy is in force, which may name other metrics. */
void publish_bind(struct vagus_monitor *monitor);
/* Mirrors the newest values, too. due: tiers; 0 between two ticks. */
void publish(struct vagus_monitor *monitor, unsigned due, int64_t now_ns);

/* --- kernel_wake.c: the kernel's wake-ups for memory --- */

/* Asks for them, where the policy lets it and a rule has use for them. Without them there are the
 * reads, so what fails is a note and no failure. */
void kernel_wake_start(struct vagus_monitor *monitor);
/* The sampler's, at another policy: its thresholds. They are asked for within a second. */
void kernel_wake_renew(struct vagus_monitor *monitor);
/* The sampler's: asks again when limits changed, and takes note of what was granted. */
void kernel_wake_step(struct vagus_monitor *monitor, unsigned due);
/* True once after the kernel woke us. */
bool kernel_wake_take(struct vagus_monitor *monitor);
/* False if its thread was left behind. */
bool kernel_wake_finish(struct vagus_monitor *monitor, int64_t deadline_ns);

/* --- cost.c: what the monitor itself costs --- */

/* Puts it, and slows the tiers down or lets them go by the policy's budget. */
void cost_step(struct vagus_monitor *monitor, int64_t now_ns);
/* The CPU that the calling thread used; negative: it cannot be told. */
int64_t cost_thread_cpu_ns(void);
/* Before a read near a limit, and before the next step: what is used in between is used for such
 * reads. */
void cost_near_begin(struct vagus_monitor *monitor);
void cost_near_end(struct vagus_monitor *monitor);

/* --- fatal.c: the number of a fatal signal --- */

/* Once there is a segment, and before it goes; no fork comes between the latter and that. */
void fatal_begin(struct vagus_monitor *monitor);
void fatal_end(struct vagus_monitor *monitor);
/* The former handlers are back there. */
void fatal_after_fork_in_child(void);

/* --- health.c --- */

int health_init(struct vagus_monitor *monitor, const struct vagus_monitor_options *options);
/* False if a summary being written could not be waited for. */
bool health_finish(struct vagus_monitor *monitor, int64_t deadline_ns);
/* In a forked child, where nobody answers the signal. */
void health_after_fork_in_child(struct vagus_monitor *monitor);

#endif
