/* SPDX-License-Identifier: Apache-2.0 */
/* tiers, filters, metrics and listeners of a policy: each fault with its place and its words, and
 * the neighbour that is none. */
#include "check.h"
#include "config/filter.h"
#include "monitor/monitor.h"

static struct vagus_fault_list faults;

#define RULES "rules: [{name: a, metric: organ.x, throttle: {below: 1, clear: 2}}]\n"

static const struct expectation {
    const char *text;
    uint32_t line, column;
    const char *words; /* NULL: no fault and no warning */
} expectations[] = {
    /* tiers */
    {"tiers: [{name: disk, tier: 60s}, {name: memory.limit, tier: 60s}]\n" RULES, 0, 0, NULL},
    {"tiers: [{name: disk, tier: 1s}]\n" RULES, 0, 0, NULL},
    {"tiers: [{name: disk, tier: 100ms}]\n" RULES, 1, 28,
     "tier: \"disk\" cannot be had at 100ms; expected 1s, 10s or 60s"},
    {"tiers: [{name: memory, tier: instant}]\n" RULES, 1, 30, "expected 100ms, 1s, 10s or 60s"},
    {"tiers: [{name: memory.headroom, tier: 10s}]\n" RULES, 1, 16,
     "name the collector, \"memory\""},
    {"tiers: [{name: disk.writable, tier: 10s}]\n" RULES, 1, 37, "expected 60s"},
    {"tiers: [{name: dsik, tier: 10s}]\n" RULES, 1, 16, "is \"disk\" meant?"},
    {"tiers: [{name: my_own, tier: 10s}]\n" RULES, 0, 0, NULL},
    {"tiers: [{name: disk, tier: 10s}, {name: disk, tier: 60s}]\n" RULES, 1, 41,
     "taken by the tier in line 1"},
    {"tiers: [{name: disk, tier: 2s}]\n" RULES, 1, 28, "\"2s\" is not known, did you mean \"1s\"?"},
    {"tiers: [{name: disk}]\n" RULES, 1, 9, "needs \"tier\""},
    {"metrics: [{name: own.x, kind: gauge}]\ntiers: [{name: own.x, tier: 10s}]\n" RULES, 2, 16,
     "its tier stands where it is defined"},
    /* filters */
    {"filters: {without_collectors: [gpu_amd, host]}\n" RULES, 0, 0, NULL},
    {"filters: {without_collectors: [gpu_adm]}\n" RULES, 1, 32, "did you mean \"gpu_amd\"?"},
    {"filters: {without_metrics: [\"A b\"]}\n" RULES, 1, 29, "is no pattern of metrics"},
    {"filters: {without_metrics: [disk.fre]}\n" RULES, 1, 29, "is \"disk.free\" meant?"},
    {"filters: {without_metrics: [\"zork.*\"]}\n" RULES, 1, 29, "no sense of vagus fills any"},
    {"filters: {without_metrics: [\"network.*{interface=veth*}\"]}\n" RULES, 0, 0, NULL},
    {"filters: {without: [disk]}\n" RULES, 1, 11, "is no key of the filters"},
    {"filters: {without_metrics: [\"disk.*\"]}\n"
     "rules: [{name: a, metric: disk.free, throttle: {below: 1GiB, clear: 2GiB}}]\n",
     2, 27, "\"disk.free\" is left out by filters, as \"disk.*\" in line 1"},
    {"filters: {without_metrics: [\"disk.free{path=/mnt/*}\"]}\n"
     "rules: [{name: a, metric: disk.free, instance: /mnt/b, throttle: {below: 1GiB, clear: "
     "2GiB}}]\n",
     2, 27, "as \"disk.free{path=/mnt/*}\" in line 1"},
    {"filters: {without_metrics: [\"disk.free{path=/mnt/*}\"]}\n"
     "rules: [{name: a, metric: disk.free, instance: /var, throttle: {below: 1GiB, clear: "
     "2GiB}}]\n",
     0, 0, NULL},
    {"filters: {without_collectors: [disk]}\n"
     "rules: [{name: a, metric: disk.free, throttle: {below: 1GiB, clear: 2GiB}}]\n",
     2, 27, "as \"disk\" in line 1"},
    {"filters: {without_collectors: [disk]}\nrules: [{name: a, metric: disk.free, optional: true, "
     "throttle: {below: 1GiB, clear: 2GiB}}]\n",
     0, 0, NULL},
    /* Two more collectors fill it. */
    {"filters: {without_collectors: [gpu_amd]}\nrules: [{name: a, metric: "
     "hw.gpu.memory.utilization, "
     "throttle: {above: 90%, clear: 80%}}]\n",
     0, 0, NULL},
    {"filters: {without_metrics: [\"disk.*\"]}\nderived: [{name: d, kind: rate, of: "
     "[disk.free]}]\n" RULES,
     2, 38, "of: \"disk.free\" is left out"},
    {"filters: {without_metrics: [\"disk.*\"]}\nretention: {day: [disk.free]}\n" RULES, 2, 19,
     "day: \"disk.free\" is left out"},
    {"filters: {without_metrics: [\"hw.gpu.*\"]}\nbudgets: [{name: vram, live: "
     "hw.gpu.memory.free}]\n" RULES,
     2, 30, "live: \"hw.gpu.memory.free\" is left out"},
    {"filters: {without_metrics: [\"disk.*\"]}\nsnapshot: {metrics: [\"disk.free{/}\"]}\n" RULES, 2,
     22, "metrics: \"disk.free\" is left out"},
    {"extends: default\nfilters: {without_collectors: [memory]}\n", 1, 10,
     "the preset needs \"memory.headroom.ratio\""},
    {"extends: default\nfilters: {without_collectors: [memory]}\ndisable: [memory-headroom]\n", 0,
     0, NULL},
    /* metrics */
    {"metrics: [{name: own.x, kind: gauge, unit: By, max: 2GiB, resolution: 4KiB, label: tool}]\n"
     "rules: [{name: a, metric: own.x, throttle: {above: 1GiB, clear: 512MiB}}]\n",
     0, 0, NULL},
    {"metrics: [{name: own.x, kind: gauge, unit: By}]\n"
     "rules: [{name: a, metric: own.x, throttle: {above: 10%, clear: 5}}]\n",
     2, 52, "\"10%\" is no size"},
    /* Wherever it stands. */
    {"rules: [{name: a, metric: own.x, throttle: {above: 10%, clear: 5}}]\n"
     "metrics: [{name: own.x, kind: gauge, unit: By}]\n",
     1, 52, "\"10%\" is no size"},
    {"metrics: [{name: own.x, kind: guage}]\n" RULES, 1, 31, "did you mean \"gauge\"?"},
    {"metrics: [{name: own.x, kind: gauge, min: -20, max: 50, unit: Cel}]\n" RULES, 0, 0, NULL},
    {"metrics: [{name: own.x, kind: gauge, min: 20%}]\n" RULES, 1, 38, "\"min\" goes with \"max\""},
    {"metrics: [{name: own.x, kind: gauge, min: 90%, max: 80%}]\n" RULES, 1, 53,
     "max: \"80%\" is not above min, which is 90%"},
    {"metrics: [{name: own.x, kind: histogram, unit: s, max: 5s}]\n" RULES, 1, 56,
     "begins above 0"},
    {"metrics: [{name: own.x, kind: gauge}, {name: own.x, kind: counter}]\n" RULES, 1, 46,
     "taken by the metric in line 1"},
    {"metrics: [{name: memory.usage, kind: gauge}]\n" RULES, 1, 18, "what a sense of vagus fills"},
    {"metrics: [{name: own.x, kind: gauge}]\nderived: [{name: own.x, kind: rate, of: "
     "[a.b]}]\n" RULES,
     1, 18, "is derived in line 2"},
    {"metrics: [{name: own.x, kind: gauge, resolution: 1%}]\n"
     "rules: [{name: a, metric: own.x, throttle: {above: 10.5%, clear: 10%}}]\n",
     2, 66, "own.x is kept to 1 %"},
    {"metrics: [{name: own.x, kind: counter, tier: 10s}]\nrules: [{name: a, metric: own.x, stat: "
     "rate, window: 20s, throttle: {above: 10, clear: 5, for: 5s}}]\n",
     2, 96, "for: own.x has a value each 10 s"},
    /* The tier that the policy sets is the one that counts. */
    {"tiers: [{name: pressure, tier: 60s}]\nrules: [{name: a, metric: system.pressure.cpu.some, "
     "throttle: "
     "{above: 50%, clear: 40%, for: 30s}}]\n",
     2, 93, "has a value each 1 min"},
    /* listeners */
    {"listeners: [{name: llm, kinds: [throttle, defer], resources: [gpu]}, {name: any}]\n" RULES, 0,
     0, NULL},
    {"listeners: [{name: llm, kinds: [throtle]}]\n" RULES, 1, 33,
     "did you mean \"throttle\"? expected throttle, defer or shutdown"},
    {"listeners: [{name: llm, kinds: [defer, defer]}]\n" RULES, 1, 40, "is given twice"},
    {"listeners: [{name: llm, kinds: []}]\n" RULES, 1, 32, "0 entries; expected 1 to 3"},
    {"listeners: [{name: llm}, {name: llm}]\n" RULES, 1, 33, "taken by the listener in line 1"},
    {"listeners: [{kinds: [defer]}]\n" RULES, 1, 13, "needs \"name\""},
};

static void each_at_its_place(void)
{
    for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
        const struct expectation *wanted = &expectations[i];
        struct vagus_config *config = NULL;
        const struct vagus_fault *first = &faults.faults[0];
        int error = config_load(NULL, wanted->text, &monitor_vocabulary, &faults, &config);
        if (error == 0)
            config_free(config);
        if ((wanted->words == NULL) != (faults.total == 0))
            CHECK_FAIL_("%s: %u: %u:%u: %s", wanted->text, faults.total, first->line, first->column,
                        faults.total > 0 ? first->text : "nothing");
        else if (wanted->words != NULL &&
                 (first->line != wanted->line || first->column != wanted->column ||
                  strstr(first->text, wanted->words) == NULL))
            CHECK_FAIL_("%s: %u:%u: %s", wanted->text, first->line, first->column, first->text);
    }
}

/* One of the file takes the place of the preset's of its name; what is disabled is gone. */
static void presets_are_overridden_by_name(void)
{
    struct vagus_config *config = NULL;
    int error = config_load(NULL,
                            "extends: robot\n"
                            "disable: [hw.temperature]\n"
                            "metrics: [{name: hw.battery.charge, kind: gauge}, {name: own.x, kind: "
                            "gauge}]\n",
                            &monitor_vocabulary, &faults, &config);
    if (error != 0)
        CHECK_FAIL_("%s", faults.faults[0].text);
    REQUIRE(error == 0);
    CHECK_EQ(config->metric_count, 2);
    CHECK_STR(config->metrics[0].name, "hw.battery.charge");
    CHECK_EQ(config->metrics[0].kind + 1, VAGUS_GAUGE);
    CHECK(config->metrics[0].help == NULL); /* as a whole */
    CHECK_STR(config->metrics[1].name, "own.x");
    config_free(config);
}

static void patterns_match(void)
{
    CHECK(filter_matches("a.*", "a.b", "", NULL));
    CHECK(!filter_matches("a.*", "ab", "", NULL));
    CHECK(filter_matches("*", "anything", "", "x"));
    CHECK(filter_matches("a?c*e", "abcde", "", NULL));
    CHECK(!filter_matches("a?c*e", "abcdef", "", NULL));
    CHECK(filter_matches("a*b*c", "aXbXbXc", "", NULL));
    CHECK(filter_matches("n.*{interface=veth*}", "n.io", "interface", "veth12"));
    CHECK(filter_matches("n.*{veth*}", "n.io", "interface", "veth12"));
    CHECK(!filter_matches("n.*{interface=veth*}", "n.io", "interface", "eth0"));
    CHECK(!filter_matches("n.*{device=veth*}", "n.io", "interface", "veth12"));
    CHECK(!filter_matches("n.*{veth*}", "n.io", "interface", NULL)); /* not the whole of it */
    CHECK(!filter_is_pattern(""));
    CHECK(!filter_is_pattern("{x}"));
    CHECK(!filter_is_pattern("a{"));
    CHECK(!filter_is_pattern("a{}"));
    CHECK(!filter_is_pattern("a b"));
    CHECK(filter_is_pattern("*"));
    CHECK(filter_is_pattern("a.b{any text}"));
}

int main(void)
{
    RUN(each_at_its_place);
    RUN(presets_are_overridden_by_name);
    RUN(patterns_match);
    return check_result();
}
