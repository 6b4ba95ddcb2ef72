/* SPDX-License-Identifier: Apache-2.0 */
/* A policy as plain data. What stands here was validated: every name is well formed, every number
 * finite, every threshold possible. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>

#include "vagus/base.h"

struct vagus_collector_desc;
struct vagus_metric_desc;

enum config_missing { CONFIG_MISSING_HOLD = 0, CONFIG_MISSING_RAISE = 1, CONFIG_MISSING_CLEAR = 2 };

/* One severity of a rule. Absent ones have present = false. */
struct config_threshold {
    bool present;
    bool below;           /* true: raised below enter; false: raised above it */
    double enter;         /* in the unit of the metric */
    double clear;         /* on the other side of enter */
    double full;          /* where the level reaches 1; NaN: not given */
    int64_t for_ns;       /* how long beyond enter before it is raised */
    int64_t clear_for_ns; /* how long back at clear before it is cleared */
};

struct config_rule {
    char *name;
    char *metric;
    char *instance; /* NULL: every instance */
    char *kind;     /* of policies.def */
    char *resource; /* NULL: the metric's */
    int stat;       /* enum vagus_stat */
    char **of;      /* of `all` and `any`: names of rules; metric is NULL then */
    uint32_t of_count;
    double exhausted_at;
    uint32_t samples;
    int missing;   /* enum config_missing */
    bool shadow;   /* judged and recorded, never delivered */
    bool optional; /* that its metric is not there is no fault */
    int64_t window_ns;
    int64_t min_hold_ns;
    int64_t cooldown_ns;       /* how long after a clear it is not raised again */
    int64_t escalate_after_ns; /* raised for so long: the next severity; 0: never */
    int64_t relief_within_ns;  /* no better by then: the next severity; 0: never */
    int64_t max_age_ns;        /* 0: as long as the value is good */
    struct config_threshold throttle, defer, shutdown;
    uint32_t form;    /* enum dimension of the thresholds as written, plus 1; 0: bare numbers */
    uint32_t line;    /* where the rule stands, for the proof of wiring */
    uint64_t content; /* a hash of all that is said of it but its name and line; 0: nothing */
};

/* What is sensed on another tier than its own: a collector, or one of its metrics. */
struct config_tier {
    char *name;
    int tier; /* enum vagus_tier, less 1 */
    uint32_t line;
};
#define CONFIG_TIERS_MAX 64
#define CONFIG_FILTERS_MAX 64

/* A metric that the agent records. */
struct config_metric {
    char *name;
    int kind;       /* enum vagus_metric_kind, less 1 */
    char *unit;     /* NULL: as the kind has it */
    char *help;     /* NULL: none */
    char *resource; /* NULL: the name up to the first dot */
    int tier;       /* enum vagus_tier, less 1 */
    bool tier_given;
    double min, max, resolution; /* 0: not given */
    char *label;                 /* NULL: there is one of it */
    uint32_t line;
};
#define CONFIG_METRICS_MAX 256

/* Who must be there. */
struct config_listener {
    char *name;
    char **kinds; /* none: any */
    uint32_t kind_count;
    char **resources; /* none: any */
    uint32_t resource_count;
    uint32_t line;
};
#define CONFIG_LISTENERS_MAX 32
#define CONFIG_LISTENER_RESOURCES_MAX 16

/* How a derived metric is made of others. */
enum config_how {
    CONFIG_DERIVED_RATIO = 0, /* the first over the second */
    CONFIG_DERIVED_SUM = 1,
    CONFIG_DERIVED_DIFFERENCE = 2, /* the first less the second */
    CONFIG_DERIVED_RATE = 3,       /* of one, for each second */
    CONFIG_DERIVED_AGE = 4,        /* of one: seconds since it last changed */
};
#define CONFIG_DERIVED_MAX 64
#define CONFIG_DERIVED_INPUTS_MAX 8

struct config_derived {
    char *name;
    int how; /* enum config_how */
    char **of;
    uint32_t of_count;
    int tier;       /* enum vagus_tier, less 1 */
    char *unit;     /* NULL: "1" */
    char *resource; /* NULL: the name up to the first dot */
};

/* A share of a budget's limit, and what is raised there. */
struct config_mark {
    bool present;
    double at_ratio;
    int raises; /* 0 throttle, 1 defer, 2 shutdown */
};

struct config_budget {
    char *name;
    uint64_t limit;    /* 0: `live` */
    int64_t window_ns; /* 0: a standing amount */
    char *unit;        /* NULL: "{count}" */
    char *resource;    /* NULL: "budget" */
    char *counts;      /* NULL, or a counter */
    char *live;        /* NULL, or a gauge */
    int unknown;       /* enum vagus_unknown */
    struct config_mark warning, critical;
    uint32_t line;
};
#define CONFIG_BUDGETS_MAX 64

/* What is done after a shutdown signal that brought no relief. */
enum config_last_resort { CONFIG_LAST_NONE = 0, CONFIG_LAST_SIGTERM = 1 };

/* What a mode allows of something: at most so many. */
struct config_cap {
    char *name;
    uint64_t most;
};

#define CONFIG_MODES_MAX 16
#define CONFIG_MODE_CAPS_MAX 16 /* of one mode */
#define CONFIG_CAPS_MAX 32      /* different names of a policy */
#define CONFIG_TRANSITIONS_MAX 64

struct config_mode {
    char *name;
    struct config_cap *caps;
    uint32_t cap_count;
};

enum config_when {
    CONFIG_WHEN_CLEAR = 0,
    CONFIG_WHEN_THROTTLE = 1,
    CONFIG_WHEN_DEFER = 2,
    CONFIG_WHEN_SHUTDOWN = 3,
};

struct config_transition {
    char *from;
    char *to;
    int when;       /* enum config_when */
    char *resource; /* NULL: any */
    int64_t for_ns;
    bool consent; /* it waits until somebody agrees */
};

/* When the file is read again. */
enum config_reload { CONFIG_RELOAD_ON_CALL = 0, CONFIG_RELOAD_ON_CHANGE = 1 };
#define CONFIG_DISABLED_MAX 64

/* What cannot change while a monitor runs: keys of the file, by name. */
#define CONFIG_FIXED_MAX 24
extern const char *const config_fixed_keys[]; /* NULL-terminated */

/* What one of them said, and where. */
struct config_fixed {
    uint64_t content; /* a hash; of the default too */
    uint32_t line, column;
};

struct vagus_config {
    char *extends; /* NULL: nothing */
    char **disabled;
    uint32_t disabled_count;
    int reload;  /* enum config_reload */
    char *agent; /* NULL: not given */
    bool strict;
    int last_resort;             /* enum config_last_resort */
    char *segment_dir;           /* NULL: not given */
    char *state_dir;             /* NULL: not given */
    uint64_t segment_bytes;      /* 0: not given */
    uint32_t segment_keep;       /* dead segments kept for each agent name */
    int64_t segment_keep_for_ns; /* and how long; 0: for ever */
    uint64_t memory_limit_bytes; /* declared; 0: none */
    bool per_core;               /* sense each core by itself */
    uint64_t max_rate_memory;    /* what can go in a second at most; 0: not given */
    uint64_t max_rate_disk;
    uint64_t max_rate_vram;
    uint32_t max_rate_descriptors;
    bool kernel_wake;        /* the kernel's wake-ups are used where there are any */
    bool set_memory_high;    /* cgroup v2: its memory.high may be set */
    double cpu_budget_ratio; /* of the monitor itself, as a share of one core; 0: none */
    char **watch_paths;
    uint32_t watch_path_count;
    bool watch_probe;
    char **first_use_counters; /* prefixes of names that recording by name may define */
    uint32_t first_use_counter_count;
    char **first_use_gauges;
    uint32_t first_use_gauge_count;
    uint32_t first_use_max; /* of them in all */
    char **keep_day;        /* names of metrics of which 24 h are kept at 1 s */
    uint32_t keep_day_count;
    bool keep_day_given;     /* by the policy, not by default */
    char **snapshot_metrics; /* that the snapshot shows besides */
    uint32_t snapshot_metric_count;
    struct config_tier *tiers;
    uint32_t tier_count;
    char **without; /* names of collectors */
    uint32_t without_count;
    char **left_out; /* patterns of metrics and instances */
    uint32_t left_out_count;
    struct config_metric *metrics;
    uint32_t metric_count;
    struct config_listener *listeners;
    uint32_t listener_count;
    struct config_derived *derived;
    uint32_t derived_count;
    struct config_budget *budgets;
    uint32_t budget_count;
    struct config_mode *modes; /* none: the built-in ones */
    uint32_t mode_count;
    struct config_transition *transitions;
    uint32_t transition_count;
    struct config_rule *rules;
    uint32_t rule_count;
    struct config_fixed fixed[CONFIG_FIXED_MAX]; /* no key: config_load() notes it */
};

#define CONFIG_PARTS_MAX 8 /* of a rule about rules */
#define CONFIG_RULES_MAX 1024
#define CONFIG_WATCH_PATHS_MAX 8
#define CONFIG_PREFIXES_MAX 16
#define CONFIG_KEEP_DAY_MAX 64
#define CONFIG_SNAPSHOT_METRICS_MAX 12 /* VAGUS_SNAPSHOT_METRICS */
#define CONFIG_FILE_BYTES_MAX (1024 * 1024)

/* What a policy is checked against: kinds from policies.def. Metrics are checked at start, when it
 * is known which ones exist. */
struct config_vocabulary {
    const char *const *kinds;          /* NULL-terminated */
    int (*measures)(const char *kind); /* enum vagus_measure; NULL: all VAGUS_MEASURES_METRIC */
    /* The unit of a metric, or NULL if it is not known here: thresholds are then plain numbers,
     * or take the dimension that they are written in. */
    const char *(*unit_of_metric)(const char *name);
    /* The name of a metric known here that is near to one that is not, or NULL. May be NULL. */
    const char *(*near_metric)(const char *name);
    /* How a sense of vagus describes a metric, or NULL. May be NULL. */
    const struct vagus_metric_desc *(*metric)(const char *name);
    /* The collectors of vagus, NULL-terminated, and one by name, or NULL. May both be NULL. */
    const char *const *collectors;
    const struct vagus_collector_desc *(*collector)(const char *name);
};

/* Exactly one of path and text, or neither: the built-in default. A file must be a regular one of
 * at most 1 MiB, owned by root or this user and writable by nobody else. All faults land in
 * `faults` (may be NULL) with line and column; *config is untouched unless 0 is returned.
 * 0, VAGUS_EPOLICY, VAGUS_EIO, VAGUS_EPERM, VAGUS_ENOENT, VAGUS_ENOMEM. */
int config_load(const char *path, const char *text, const struct config_vocabulary *vocabulary,
                struct vagus_fault_list *faults, struct vagus_config **config);

/* NULL is fine. */
void config_free(struct vagus_config *config);

#endif
