/* SPDX-License-Identifier: Apache-2.0 */
/* A judge over real metrics and a real bus with one polled listener, on a clock that the test sets.
 * Rules are added first, then judge_make(). */
#ifndef TESTS_JUDGE_FIXTURE_H
#define TESTS_JUDGE_FIXTURE_H

#include "judge/judge.h"
#include "vagus/collector.h"

#include "bus_fixture.h"
#include "metrics_fixture.h"

#define MS VAGUS_MILLISECOND_NS
#define ABSENT                                                                                     \
    {                                                                                              \
        .present = false, .full = NAN                                                              \
    }
#define BELOW(enter_, clear_)                                                                      \
    {                                                                                              \
        .present = true, .below = true, .enter = (enter_), .clear = (clear_), .full = NAN          \
    }
#define ABOVE(enter_, clear_)                                                                      \
    {                                                                                              \
        .present = true, .enter = (enter_), .clear = (clear_), .full = NAN                         \
    }

static char level_kind[] = "level";
static char free_metric[] = "disk.free.ratio", tokens_metric[] = "agent.tokens";
static char first_name[] = "first", second_name[] = "second";

static struct config_rule rules[4];
static struct vagus_config config;
static struct judge *judge;
static struct vagus_listener listener;

/* A rule on disk.free.ratio with nothing but a throttle. */
static inline struct config_rule *rule_add(char *name)
{
    struct config_rule *rule = &rules[config.rule_count++];
    *rule = (struct config_rule){.name = name,
                                 .metric = free_metric,
                                 .kind = level_kind,
                                 .line = 10 * config.rule_count,
                                 .throttle = BELOW(0.10, 0.15),
                                 .defer = ABSENT,
                                 .shutdown = ABSENT};
    return rule;
}

static inline void judge_begin(void)
{
    metrics_fixture_begin();
    bus_fixture_begin();
    config = (struct vagus_config){.rules = rules};
    judge = NULL;
    listener = fixture_listen(&(struct vagus_listener_desc){.name = "listener"});
}

static inline void judge_end(void)
{
    judge_free(judge);
    bus_fixture_end();
    metrics_fixture_end();
}

#define RUN_WITH_JUDGE(test) (judge_begin(), RUN(test), judge_end())

static inline void judge_make(void)
{
    CHECK_EQ(judge_create(&config, &metrics, bus, &segment, &judge), 0);
}

static inline uint32_t define(const char *name, const char *instance, enum metric_source source)
{
    const char *why;
    int index = metrics_define(
        &metrics,
        &(struct vagus_metric_desc){.name = name,
                                    .instance = instance,
                                    .label = "path",
                                    .kind = source == METRIC_SENSED ? VAGUS_GAUGE : VAGUS_COUNTER,
                                    .tier = VAGUS_TIER_100MS,
                                    .max = source == METRIC_SENSED ? 1 : 0},
        source, &why);
    CHECK(index >= 0);
    return (uint32_t)index;
}

/* One more tick of 100 ms in which the metric has this value (NaN: could not be had). */
static inline void tick(uint32_t index, double value)
{
    fixture_now_ns += 100 * MS;
    if (isnan(value))
        metrics_put_missing(&metrics, index, fixture_now_ns, VAGUS_EIO);
    else
        metrics_put(&metrics, index, fixture_now_ns, value);
    judge_step(judge, fixture_now_ns);
}

#endif
