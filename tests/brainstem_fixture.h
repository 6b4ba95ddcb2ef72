/* SPDX-License-Identifier: Apache-2.0 */
/* A monitor with two modes, and a brainstem whose hooks note what they were told. */
#ifndef TESTS_BRAINSTEM_FIXTURE_H
#define TESTS_BRAINSTEM_FIXTURE_H

#include <math.h>
#include <string.h>

#include "check.h"
#include "monitor_fixture.h"

static const char policy[] = "agent: test\n"
                             "rules:\n"
                             "  - name: organ\n"
                             "    metric: organ.headroom\n"
                             "    throttle: { below: 20%, clear: 25% }\n"
                             "    defer:    { below: 10%, clear: 15% }\n"
                             "    shutdown: { below: 3%, clear: 8% }\n"
                             "    min_hold: 0s\n"
                             "modes:\n"
                             "  - name: calm\n"
                             "    caps: [ { name: tasks, most: 8 } ]\n"
                             "  - name: busy\n"
                             "    caps: [ { name: tasks, most: 2 } ]\n"
                             "transitions:\n"
                             "  - { from: calm, to: busy, when: throttle, for: 1s }\n"
                             "  - { from: busy, to: calm, when: clear, for: 1s, consent: true }\n";

static struct vagus_monitor *m;
static struct vagus_brainstem *stem;

/* What the hooks saw, as letters in order, and the newest beat. */
static char trace[256];
static struct vagus_beat beat;
static double caps[VAGUS_BRAINSTEM_CAPS];
static struct vagus_signal signals[8];
static int decision;
static bool agrees;
static unsigned asked;
static int64_t act_takes_ns;
static _Atomic unsigned beats;
static void (*inside)(void);

static inline void add(char letter)
{
    size_t length = strlen(trace);
    if (length + 1 < sizeof(trace)) {
        trace[length] = letter;
        trace[length + 1] = '\0';
    }
}

static inline void before(const struct vagus_beat *now, void *arg)
{
    CHECK(arg == trace);
    add('b');
    beat = *now;
    for (uint32_t i = 0; i < now->cap_count; i++)
        caps[i] = now->caps[i];
    for (uint32_t i = 0; i < now->signal_count && i < 8; i++)
        signals[i] = now->signals[i];
}

static inline bool consent(const struct vagus_beat *now, const char *to, void *arg)
{
    (void)arg;
    CHECK_STR(to, now->self->mode.waits_for);
    add('c');
    asked++;
    return agrees;
}

static inline int decide(const struct vagus_beat *now, void *arg)
{
    (void)arg;
    add('d');
    return 40 + vagus_brainstem_decide(now);
}

static inline void act(const struct vagus_beat *now, int decided, void *arg)
{
    (void)arg;
    (void)now;
    add('a');
    decision = decided;
    atomic_fetch_add(&test_now_ns, act_takes_ns);
    if (inside != NULL)
        inside();
    atomic_fetch_add(&beats, 1);
}

static inline void after(const struct vagus_beat *now, void *arg)
{
    (void)arg;
    (void)now;
    add('e');
}

static const char *const cap_names[] = {"tasks", "no-such-cap", NULL};

static inline struct vagus_brainstem_options options(void)
{
    return (struct vagus_brainstem_options){.size = sizeof(struct vagus_brainstem_options),
                                            .caps = cap_names,
                                            .before = before,
                                            .consent = consent,
                                            .decide = decide,
                                            .act = act,
                                            .after = after,
                                            .arg = trace};
}

static inline void open_with(uint32_t flags)
{
    struct vagus_fault_list faults;
    atomic_store(&test_now_ns, 1000 * S);
    atomic_store(&organ_value, 0.9);
    atomic_store(&organ_error, 0);
    atomic_store(&beats, 0);
    trace[0] = '\0';
    agrees = false;
    asked = 0;
    act_takes_ns = 0;
    inside = NULL;
    m = NULL;
    stem = NULL;
    CHECK_EQ(vagus_monitor_open(
                 &(struct vagus_monitor_options){
                     .size = sizeof(struct vagus_monitor_options),
                     .policy_text = policy,
                     .clock = flags & VAGUS_STEPPED ? &test_clock : NULL,
                     .flags = flags | VAGUS_NO_COLLECTORS | VAGUS_ANONYMOUS_SEGMENT,
                     .faults = &faults},
                 &m),
             0);
    CHECK_EQ(vagus_collector_add(m, &organ), 0);
}

static inline void begin(void)
{
    struct vagus_brainstem_options given = options();
    open_with(VAGUS_STEPPED);
    CHECK_EQ(vagus_brainstem_create(m, &given, &stem), 0);
    CHECK_EQ(vagus_monitor_start(m), 0);
}

static inline void end(void)
{
    vagus_brainstem_destroy(stem);
    CHECK_EQ(vagus_monitor_close(m), 0);
}

#endif
