/* SPDX-License-Identifier: Apache-2.0 */
/* Another policy while the monitor runs: read, checked and built aside by the thread that asks for
 * it, swapped in by the sampler between two looks, and the former one freed by who asked. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fault.h"
#include "monitor/monitor.h"
#include "vagus/policy.h"

#define FORCE_WAIT_NS VAGUS_SECOND_NS /* for the sampler to take it over */

/* What another policy took the place of: until it is freed. */
struct former {
    struct policy *policy; /* NULL: the one that the monitor was opened with, which stays */
    struct judge *judge;
    struct derive derive;
};

struct policy {
    struct vagus_config *config;
    struct judge *judge;
    uint32_t change_count, fresh_count, rule_count;
    struct budget_change changes[VAGUS_BUDGETS_MAX];
    struct budget fresh[VAGUS_BUDGETS_MAX];
    struct config_rule rules[VAGUS_BUDGETS_MAX]; /* of budgets */
    struct modes modes;
    struct derive derive;
    struct former former;
};

/* --- Aside. --- */

/* One that never came into force. */
static void discard(struct policy *policy)
{
    if (policy == NULL)
        return;
    judge_free(policy->judge);
    modes_discard(&policy->modes);
    derive_finish(&policy->derive);
    for (uint32_t i = 0; i < policy->fresh_count; i++)
        allowance_shut(policy->fresh[i].allowance, policy->fresh[i].handle.index);
    config_free(policy->config);
    free(policy);
}

static void free_former(struct former *former)
{
    judge_free(former->judge);
    derive_finish(&former->derive);
    if (former->policy == NULL)
        return;
    free_former(&former->policy->former); /* it was followed before anybody looked */
    config_free(former->policy->config);
    free(former->policy);
}

static void warn(struct vagus_fault_list *faults, const struct config_fixed *at, const char *what,
                 const char *name, const char *why)
{
    struct fault_at place = {
        .code = VAGUS_EPOLICY, .line = at->line, .column = at->column, .warning = true};
    fault_add(faults, &place, "%s%s%s", what, name, why);
}

static void warn_fixed(const struct vagus_monitor *monitor, const struct vagus_config *config,
                       struct vagus_fault_list *faults)
{
    for (size_t i = 0; config_fixed_keys[i] != NULL; i++)
        if (config->fixed[i].content != monitor->config->fixed[i].content)
            warn(faults, &config->fixed[i], "", config_fixed_keys[i],
                 ": what changed here takes effect at the next start");
}

static const struct config_budget *budget_named(const struct vagus_config *config, const char *name)
{
    for (uint32_t i = 0; i < config->budget_count; i++)
        if (strcmp(config->budgets[i].name, name) == 0)
            return &config->budgets[i];
    return NULL;
}

static bool same(const char *given, const char *otherwise, const char *there)
{
    return strcmp(given != NULL ? given : otherwise, there) == 0;
}

static void change_budget(struct vagus_monitor *monitor, struct policy *policy, uint32_t entry,
                          const struct config_budget *wanted, struct vagus_fault_list *faults)
{
    const struct budget *budget = &monitor->budgets.entries[entry];
    struct vagus_budget_desc desc = monitor_budget_desc(wanted);
    if (wanted->window_ns != budget->allowance->window_ns ||
        !same(wanted->unit, "1", budget->allowance->unit) ||
        !same(wanted->resource, "budget", budget->resource) ||
        !same(wanted->counts, "", budget->counts) || !same(wanted->live, "", budget->live))
        warn(faults, &(struct config_fixed){.line = wanted->line}, "budget ", wanted->name,
             ": its limit, marks and unknown hold from now on; window, unit, resource, counts and "
             "live take effect at the next start");
    policy->changes[policy->change_count++] =
        (struct budget_change){.entry = entry,
                               .limit = budget->allowance->live ? 0 : desc.limit,
                               .marks = {desc.warning, desc.critical},
                               .unknown = desc.unknown};
}

/* The budgets that stay, with what changed of them; then those that are new. */
static int prepare_budgets(struct vagus_monitor *monitor, struct policy *policy,
                           struct vagus_fault_list *faults)
{
    const struct vagus_config *before =
        monitor->policy != NULL ? monitor->policy->config : monitor->config;
    struct budgets *budgets = &monitor->budgets;
    for (uint32_t i = 0; i < budgets->count; i++) {
        const struct budget *budget = &budgets->entries[i];
        const char *name = budget->allowance->name;
        const struct config_budget *wanted = budget_named(policy->config, name);
        const struct vagus_budget_mark *marks = budget->marks;
        if (wanted != NULL) {
            change_budget(monitor, policy, i, wanted, faults);
            marks = policy->changes[policy->change_count - 1].marks;
        } else if (budget_named(before, name) != NULL) {
            warn(faults, &(struct config_fixed){0}, "budget ", name,
                 " is no longer in the policy: it goes on as it was until the next start");
        }
        budget_rule(name, budget->resource, marks, &policy->rules[policy->rule_count++]);
    }
    for (uint32_t i = 0; i < policy->config->budget_count; i++) {
        const struct config_budget *wanted = &policy->config->budgets[i];
        struct vagus_budget there;
        struct vagus_budget_desc desc = monitor_budget_desc(wanted);
        if (budgets_find(budgets, wanted->name, &there) == 0)
            continue;
        struct budget *fresh = &policy->fresh[policy->fresh_count];
        int error = policy->rule_count < VAGUS_BUDGETS_MAX
                        ? budgets_make(budgets, &desc, clock_now_ns(&monitor->clock), fresh)
                        : VAGUS_EFULL;
        if (error != 0) {
            fault_add(faults, &(struct fault_at){.code = error, .line = wanted->line},
                      "budget %s: %s", wanted->name, vagus_error_message(error));
            return error;
        }
        policy->fresh_count++;
        budget_rule(fresh->allowance->name, fresh->resource, fresh->marks,
                    &policy->rules[policy->rule_count++]);
    }
    return 0;
}

static const struct config_derived *derived_named(const struct vagus_config *config,
                                                  const char *name)
{
    for (uint32_t i = 0; i < config->derived_count; i++)
        if (strcmp(config->derived[i].name, name) == 0)
            return &config->derived[i];
    return NULL;
}

/* What is made of others at once; what its entry in the directory says of it stays. */
static int check_derived(struct vagus_monitor *monitor, const struct vagus_config *config,
                         struct vagus_fault_list *faults)
{
    const struct vagus_config *before = reload_config(monitor);
    const char *which = "", *why = "";
    int error = derive_check(config, &monitor->metrics, &which, &why);
    if (error != 0)
        fault_add(faults, &(struct fault_at){.code = error}, "derived metric %s: %s", which, why);
    for (uint32_t i = 0; i < before->derived_count; i++) {
        const struct config_derived *was = &before->derived[i];
        const struct config_derived *is = derived_named(config, was->name);
        const struct config_fixed nowhere = {0};
        if (is == NULL)
            warn(faults, &nowhere, "derived metric ", was->name,
                 " is no longer in the policy: its value grows stale");
        else if (is->tier != was->tier ||
                 !same(is->unit, "1", was->unit != NULL ? was->unit : "1") ||
                 !same(is->resource, "", was->resource != NULL ? was->resource : ""))
            warn(faults, &nowhere, "derived metric ", was->name,
                 ": its formula changes at once; tier, unit and resource take effect at the next "
                 "start");
    }
    return error;
}

/* At the end, since metrics that are defined stay. Rules find them in their first look. */
static int define_metrics(struct vagus_monitor *monitor, struct policy *policy)
{
    const char *which = "", *why = "";
    int error = derive_init(&policy->derive, policy->config, &monitor->metrics, &which, &why);
    if (error == 0)
        recorded_take(monitor, policy->config);
    return error;
}

/* Under reload_lock, with none waiting to be taken over, so that what it is held against stays. */
static int prepare(struct vagus_monitor *monitor, struct policy *policy,
                   struct vagus_fault_list *faults)
{
    warn_fixed(monitor, policy->config, faults);
    int error = recorded_check(monitor, policy->config, faults);
    if (error == 0)
        error = check_derived(monitor, policy->config, faults);
    if (error == 0)
        error = modes_prepare(&policy->modes, &monitor->modes, policy->config);
    if (error == 0)
        error = judge_create(policy->config, &monitor->metrics, monitor->bus, &monitor->segment,
                             &policy->judge);
    if (error == 0)
        error = prepare_budgets(monitor, policy, faults);
    for (uint32_t i = 0; error == 0 && i < policy->rule_count; i++)
        if (policy->rules[i].name != NULL)
            error = judge_add_rule(policy->judge, &policy->rules[i]);
    if (error == 0)
        error = judge_prepare(policy->judge, monitor->judge);
    return error != 0 ? error : define_metrics(monitor, policy);
}

/* --- The sampler. --- */

bool reload_take_over(struct vagus_monitor *monitor, int64_t now_ns)
{
    if (VAGUS_LIKELY(__atomic_load_n(&monitor->next_policy, __ATOMIC_RELAXED) == NULL))
        return false;
    struct policy *next = __atomic_exchange_n(&monitor->next_policy, NULL, __ATOMIC_ACQUIRE);
    if (next == NULL)
        return false;
    for (uint32_t i = 0; i < next->change_count; i++)
        budgets_change(&monitor->budgets, &next->changes[i]);
    for (uint32_t i = 0; i < next->fresh_count; i++)
        budgets_append(&monitor->budgets, &next->fresh[i]);
    judge_succeed(next->judge, monitor->judge);
    next->former.judge = monitor->judge;
    next->former.policy = monitor->policy;
    modes_succeed(&monitor->modes, &next->modes, next->judge, now_ns);
    derive_succeed(&monitor->derive, &next->derive);
    next->former.derive = next->derive;
    next->derive = (struct derive){0};
    monitor->judge = next->judge;
    monitor->policy = next;
    derive_step(&monitor->derive, &monitor->metrics, 0, now_ns); /* for the rules on them */
    sense_set_thresholds(monitor->sense, &(struct sense_thresholds){judge_nearest, monitor->judge},
                         &monitor->wake);
    kernel_wake_renew(monitor);
    monitor->proved_metrics = UINT32_MAX; /* at the next second, anew */
    return true;
}

void reload_taken_over(struct vagus_monitor *monitor)
{
    __atomic_store_n(&monitor->reloads, monitor->reloads + 1, __ATOMIC_RELEASE);
}

const struct vagus_config *reload_config(const struct vagus_monitor *monitor)
{
    return monitor->policy != NULL ? monitor->policy->config : monitor->config;
}

void reload_finish(struct vagus_monitor *monitor)
{
    discard(monitor->next_policy);
    if (monitor->policy != NULL) {
        free_former(&monitor->policy->former);
        config_free(monitor->policy->config);
        free(monitor->policy);
    }
    monitor->next_policy = monitor->policy = NULL;
}

/* --- The call. --- */

/* Which file, and whose monitor it is. */
static int begin(struct vagus_monitor *monitor, const char *path, char file[PATH_MAX],
                 uint32_t *generation)
{
    if (!monitor_enter(monitor))
        return VAGUS_ECLOSED;
    *generation = monitor->generation;
    int error =
        __atomic_load_n(&monitor->life, __ATOMIC_ACQUIRE) == MONITOR_STARTED ? 0 : VAGUS_ESTATE;
    pthread_mutex_lock(&monitor->reload_lock);
    if (!text_copy(file, PATH_MAX, path != NULL ? path : monitor->policy_path))
        error = VAGUS_EINVAL;
    pthread_mutex_unlock(&monitor->reload_lock);
    monitor_leave();
    return error != 0 ? error : file[0] != '\0' ? 0 : VAGUS_ENOENT;
}

static int put_aside(uint32_t generation, struct policy *policy, const char *file,
                     struct vagus_fault_list *faults, uint64_t *awaited)
{
    struct vagus_monitor *monitor = monitor_enter_generation(generation);
    if (monitor == NULL)
        return VAGUS_ECLOSED;
    pthread_mutex_lock(&monitor->reload_lock);
    /* The sampler takes over under this lock, so after it there is nothing that could change. */
    pthread_mutex_lock(&monitor->step_lock);
    struct policy *overtaken = __atomic_exchange_n(&monitor->next_policy, NULL, __ATOMIC_ACQ_REL);
    pthread_mutex_unlock(&monitor->step_lock);
    discard(overtaken);
    int error = prepare(monitor, policy, faults);
    if (error == 0) {
        if (strcmp(monitor->policy_path, file) != 0) {
            text_copy(monitor->policy_path, sizeof(monitor->policy_path), file);
            watch_file_ring(monitor->watch_file);
        }
        *awaited = __atomic_load_n(&monitor->reloads, __ATOMIC_ACQUIRE) + 1;
        __atomic_store_n(&monitor->next_policy, policy, __ATOMIC_RELEASE);
        wake_ring(&monitor->wake);
    }
    pthread_mutex_unlock(&monitor->reload_lock);
    monitor_leave();
    return error;
}

/* True if there is nothing more to wait for; the former policy is freed then. */
static bool is_in_force(uint32_t generation, uint64_t awaited)
{
    struct vagus_monitor *monitor = monitor_enter_generation(generation);
    if (monitor == NULL)
        return true;
    bool done = __atomic_load_n(&monitor->reloads, __ATOMIC_ACQUIRE) >= awaited;
    if (done) {
        pthread_mutex_lock(&monitor->reload_lock);
        pthread_mutex_lock(&monitor->step_lock);
        struct former rest = monitor->policy->former;
        monitor->policy->former = (struct former){0};
        pthread_mutex_unlock(&monitor->step_lock);
        free_former(&rest);
        pthread_mutex_unlock(&monitor->reload_lock);
    }
    monitor_leave();
    return done;
}

/* Bounded: a sampler that hangs takes it over when it comes back. */
static void wait_in_force(const struct vagus_monitor *monitor, uint32_t generation,
                          uint64_t awaited)
{
    int64_t until_ns = vagus_now_ns() + FORCE_WAIT_NS;
    bool steps_itself = (monitor->flags & VAGUS_STEPPED) != 0 || monitor_is_inside(monitor);
    while (!is_in_force(generation, awaited) && !steps_itself && vagus_now_ns() < until_ns)
        nanosleep(&(struct timespec){.tv_nsec = VAGUS_MILLISECOND_NS}, NULL);
}

static void note(uint32_t generation, int error, const struct vagus_fault_list *faults)
{
    struct vagus_monitor *monitor = monitor_enter_generation(generation);
    if (monitor == NULL)
        return;
    const struct vagus_fault *first = NULL;
    for (uint32_t i = 0; i < faults->count && first == NULL; i++)
        first = faults->faults[i].warning ? NULL : &faults->faults[i];
    if (error == 0)
        monitor_note(monitor, SEGMENT_NOTE_INFO, "policy reloaded: %s", faults->source);
    else
        monitor_note(monitor, SEGMENT_NOTE_WARNING,
                     "policy not reloaded, the former one holds: %s:%u: %s", faults->source,
                     first != NULL ? first->line : 0,
                     first != NULL ? first->text : vagus_error_message(error));
    monitor_leave();
}

int vagus_policy_reload(struct vagus_monitor *monitor, const char *path,
                        struct vagus_fault_list *faults)
{
    struct vagus_fault_list own;
    char file[PATH_MAX];
    uint32_t generation;
    uint64_t awaited = 0;
    if (monitor == NULL)
        return VAGUS_EINVAL;
    faults = faults != NULL ? faults : &own;
    int error = begin(monitor, path, file, &generation);
    fault_list_init(faults, error == 0 ? file : "policy");
    if (error != 0) {
        fault_add(faults, &(struct fault_at){.code = error}, "%s",
                  error == VAGUS_ENOENT ? "the monitor was opened without a policy file: name one"
                                        : vagus_error_message(error));
        return error;
    }
    struct policy *policy = calloc(1, sizeof(*policy));
    error = policy == NULL ? VAGUS_ENOMEM
                           : config_load(file, NULL, &monitor_vocabulary, faults, &policy->config);
    if (error == 0)
        error = put_aside(generation, policy, file, faults, &awaited);
    if (error != 0)
        discard(policy);
    if (error != 0 && faults->errors == 0)
        fault_add(faults, &(struct fault_at){.code = error}, "%s", vagus_error_message(error));
    note(generation, error, faults);
    if (error == 0)
        wait_in_force(monitor, generation, awaited);
    return error;
}
