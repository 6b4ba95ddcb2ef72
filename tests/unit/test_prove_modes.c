/* SPDX-License-Identifier: Apache-2.0 */
/* The proof of wiring for modes: what can never be entered or taken, and consent that nobody is
 * there to give. */
#include "check.h"
#include "monitor_fixture.h"

static struct vagus_monitor *m;
static struct vagus_fault_list faults;

#define RULES(resource, severities)                                                                \
    "rules:\n  - { name: organ, metric: organ.headroom, resource: " resource ", " severities " }"  \
    "\n"
#define THROTTLE "throttle: { below: 20%, clear: 25% }"
#define DEFER "defer: { below: 10%, clear: 15% }"

static const char modes[] = "modes: [ { name: calm }, { name: busy }, { name: worse } ]\n"
                            "transitions:\n"
                            "  - { from: calm, to: busy, when: throttle, resource: vram }\n"
                            "  - { from: calm, to: worse, when: shutdown }\n"
                            "  - { from: busy, to: worse, when: defer, resource: vram }\n"
                            "  - { from: busy, to: calm, when: clear }\n"
                            "  - { from: worse, to: calm, when: clear, for: 1s }\n";

static int open_with(const char *first, const char *second)
{
    char text[4096];
    snprintf(text, sizeof(text), "%s%s", first, second);
    struct vagus_monitor_options options = {.size = sizeof(options),
                                            .policy_text = text,
                                            .clock = &test_clock,
                                            .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS |
                                                     VAGUS_ANONYMOUS_SEGMENT,
                                            .faults = &faults};
    atomic_store(&test_now_ns, 1000 * S);
    atomic_store(&organ_value, 0.9);
    int error = vagus_monitor_open(&options, &m);
    for (uint32_t i = 0; error != 0 && i < faults.count; i++)
        fprintf(stderr, "%u: %s\n", faults.faults[i].line, faults.faults[i].text);
    return error;
}

/* Of what is said, what is about modes: the nth. */
static const char *said(unsigned number)
{
    vagus_wiring_check(m, &faults);
    for (uint32_t i = 0; i < faults.count; i++)
        if ((strncmp(faults.faults[i].text, "mode '", 6) == 0 ||
             strncmp(faults.faults[i].text, "the transition ", 15) == 0) &&
            number-- == 0)
            return faults.faults[i].text;
    return "";
}

static void what_can_be_entered_is_not_named(void)
{
    REQUIRE(open_with(RULES("vram", THROTTLE ", " DEFER ", shutdown: { below: 3%, clear: 8% }"),
                      modes) == 0);
    REQUIRE(vagus_collector_add(m, &organ) == 0);
    CHECK_STR(said(0), "");
    vagus_monitor_close(m);
}

static void a_mode_that_nothing_leads_to(void)
{
    REQUIRE(open_with(RULES("vram", THROTTLE), modes) == 0);
    REQUIRE(vagus_collector_add(m, &organ) == 0);
    CHECK_STR(said(0), "mode 'worse' can never be entered: nothing raises shutdown, and nothing "
                       "raises defer or shutdown on vram");
    CHECK_STR(said(1), "");
    vagus_monitor_close(m);

    /* The same severity about something else is no help; and what follows from it is named too. */
    REQUIRE(open_with("strict: true\n" RULES("disk", THROTTLE ", " DEFER), modes) == 0);
    REQUIRE(vagus_collector_add(m, &organ) == 0);
    CHECK_STR(said(0), "mode 'busy' can never be entered: nothing raises throttle, defer or "
                       "shutdown on vram");
    CHECK_STR(said(1), "mode 'worse' can never be entered: nothing raises shutdown");
    CHECK_STR(said(2), "");
    CHECK_EQ(vagus_monitor_start(m), VAGUS_EUNWIRED);
    vagus_monitor_close(m);
}

static void a_transition_that_is_never_taken(void)
{
    static const char shutdown_too[] =
        RULES("disk", THROTTLE
              ", " DEFER
              ", shutdown: { below: 3%, clear: 8% }") "  - { name: vram, metric: organ.headroom, "
                                                      "resource: vram, " THROTTLE " }\n";
    REQUIRE(open_with(shutdown_too, modes) == 0);
    REQUIRE(vagus_collector_add(m, &organ) == 0);
    CHECK_STR(said(0), "the transition from 'busy' to 'worse' can never be taken: nothing raises "
                       "defer or shutdown on vram");
    CHECK_STR(said(1), "");
    vagus_monitor_close(m);
}

/* Marks of budgets raise as rules do; shadow rules do not; what escalates reaches further; and what
 * cannot cross its threshold does not raise, unless it may be missing. */
static void what_can_raise(void)
{
    static const struct {
        const char *policy;
        bool enough;
    } ways[] = {
        {"budgets:\n  - { name: b, limit: 10, resource: vram, warning: { at: 80%, raise: throttle "
         "}, critical: { at: 90%, raise: shutdown } }\n",
         true},
        {RULES("vram", "shadow: true, " THROTTLE ", shutdown: { below: 3%, clear: 8% }"), false},
        {RULES("vram", THROTTLE ", relief_within: 1s"), true},
        {RULES("vram", THROTTLE ", shutdown: { below: 0%, clear: 8% }"), false},
        {RULES("vram", THROTTLE ", on_missing: raise, shutdown: { below: 0%, clear: 8% }"), true},
        {"rules:\n  - { name: gpu, metric: gpu.none, optional: true, " THROTTLE
         ", shutdown: { below: 3%, clear: 8% } }\n",
         true},
        {"rules:\n  - { name: gpu, metric: gpu.none, optional: true, " THROTTLE " }\n", false},
        {"rules:\n  - { name: gpu, metric: gpu.none, " THROTTLE
         ", shutdown: { below: 3%, clear: 8% } }\n",
         false},
    };
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        check_now = ways[i].policy;
        REQUIRE(open_with(ways[i].policy, modes) == 0);
        REQUIRE(vagus_collector_add(m, &organ) == 0);
        CHECK_EQ(said(0)[0] == '\0', ways[i].enough);
        vagus_monitor_close(m);
    }
}

/* Nobody asked for the built-in ones. */
static void builtin_modes_are_not_named(void)
{
    REQUIRE(open_with(RULES("vram", THROTTLE), "") == 0);
    REQUIRE(vagus_collector_add(m, &organ) == 0);
    CHECK_STR(said(0), "");
    vagus_monitor_close(m);
}

static const char asks[] = "modes: [ { name: calm }, { name: busy } ]\n"
                           "transitions:\n"
                           "  - { from: calm, to: busy, when: throttle }\n"
                           "  - { from: busy, to: calm, when: clear, for: 10s, consent: true }\n";
static const char waited[] =
    "the transition from 'busy' to 'calm' has waited for consent for 10 min 0 s, and nothing ever "
    "answered one: no call of vagus_mode_consent(), no brainstem with a consent hook";

static void wait_so_long(void)
{
    REQUIRE(open_with(RULES("vram", THROTTLE), asks) == 0);
    REQUIRE(vagus_collector_add(m, &organ) == 0);
    REQUIRE(vagus_monitor_start(m) == 0);
    atomic_store(&organ_value, 0.1);
    organ_run(m, S);
    atomic_store(&organ_value, 0.9);
    organ_run(m, 609 * S);
}

static bool refuses(const struct vagus_beat *beat, const char *to, void *arg)
{
    (void)beat;
    (void)to;
    (void)arg;
    return false;
}

static void does_nothing(const struct vagus_beat *beat, int decision, void *arg)
{
    (void)beat;
    (void)decision;
    (void)arg;
}

static void consent_that_nobody_gives(void)
{
    struct vagus_brainstem *stem;
    const struct vagus_brainstem_options options = {
        .size = sizeof(options), .consent = refuses, .act = does_nothing};
    wait_so_long();
    CHECK_STR(said(0), "");
    organ_run(m, 2 * S);
    CHECK_STR(said(0), waited);
    CHECK_EQ(vagus_mode_consent(m, "busy"), VAGUS_ESTATE); /* somebody is there */
    CHECK_STR(said(0), "");
    vagus_monitor_close(m);

    wait_so_long();
    organ_run(m, 2 * S);
    CHECK_STR(said(0), waited);
    REQUIRE(vagus_brainstem_create(m, &options, &stem) == 0);
    CHECK_EQ(vagus_brainstem_beat(stem, NULL), 0);
    CHECK_STR(said(0), ""); /* a refusal is an answer, too */
    vagus_brainstem_destroy(stem);
    vagus_monitor_close(m);
}

int main(void)
{
    RUN(what_can_be_entered_is_not_named);
    RUN(a_mode_that_nothing_leads_to);
    RUN(a_transition_that_is_never_taken);
    RUN(what_can_raise);
    RUN(builtin_modes_are_not_named);
    RUN(consent_that_nobody_gives);
    return check_result();
}
