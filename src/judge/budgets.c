/* SPDX-License-Identifier: Apache-2.0 */
/* The budgets of one monitor: windows that roll, gauges that say what is left, tickets that
 * expire. Whatever is uncertain makes an allowance come back late, never early. */
#include "judge/budgets.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

/* A mark is cleared this much below where it is raised. */
#define CLEAR_BELOW_RATIO 0.05

static const struct vagus_metric_desc shown[BUDGET_METRICS] = {
    [BUDGET_USED] = {.name = "budget.used", .help = "spent in the window, or taken and kept"},
    [BUDGET_RESERVED] = {.name = "budget.reserved", .help = "set aside by open tickets"},
    [BUDGET_REMAINING] = {.name = "budget.remaining", .help = "what may still be taken"},
    [BUDGET_USED_RATIO] = {.name = "budget.used.ratio",
                           .unit = "1",
                           .help = "used and reserved, as a share of the limit",
                           .resolution = 0.001},
};

void budgets_init(struct budgets *budgets, struct metrics *metrics, struct wake *wake,
                  uint32_t generation)
{
    *budgets = (struct budgets){.metrics = metrics, .wake = wake, .generation = generation};
}

void budgets_finish(struct budgets *budgets)
{
    for (uint32_t i = 0; i < budgets->count; i++)
        allowance_shut(budgets->entries[i].allowance, budgets->entries[i].handle.index);
    budgets->count = 0;
}

/* --- Defining. --- */

static bool mark_valid(const struct vagus_budget_mark *mark)
{
    return mark->at_ratio == 0 || (mark->at_ratio > 0 && mark->at_ratio <= 10 &&
                                   (mark->raises == VAGUS_THROTTLE || mark->raises == VAGUS_DEFER ||
                                    mark->raises == VAGUS_SHUTDOWN));
}

static bool desc_valid(const struct vagus_budget_desc *desc)
{
    bool live = desc->live != NULL;
    return text_is_name(desc->name, VAGUS_NAME_MAX - 1) && live == (desc->limit == 0) &&
           desc->limit <= VAGUS_AMOUNT_MAX && desc->window_ns >= 0 &&
           (desc->window_ns == 0 || desc->window_ns >= VAGUS_BUDGET_BUCKETS) &&
           !(live && (desc->window_ns != 0 || desc->counts != NULL)) &&
           (desc->unit == NULL || (desc->unit[0] != '\0' && strlen(desc->unit) < VAGUS_UNIT_MAX)) &&
           (desc->resource == NULL || text_is_name(desc->resource, VAGUS_RESOURCE_MAX - 1)) &&
           (desc->counts == NULL || text_is_name(desc->counts, VAGUS_NAME_MAX - 1)) &&
           (!live || text_is_name(desc->live, VAGUS_NAME_MAX - 1)) &&
           (desc->unknown == VAGUS_UNKNOWN_ALLOWS || desc->unknown == VAGUS_UNKNOWN_REFUSES) &&
           mark_valid(&desc->warning) && mark_valid(&desc->critical) &&
           !(live && (desc->warning.at_ratio > 0 || desc->critical.at_ratio > 0));
}

static void define_metrics(struct budgets *budgets, struct budget *budget)
{
    for (int i = 0; i < BUDGET_METRICS; i++) {
        const char *why;
        struct vagus_metric_desc desc = shown[i];
        desc.kind = VAGUS_GAUGE;
        desc.tier = VAGUS_TIER_1S;
        desc.resource = budget->resource;
        desc.instance = budget->allowance->name;
        desc.label = "budget";
        if (desc.unit == NULL) {
            desc.unit = budget->allowance->unit;
            desc.resolution = 1;
        }
        budget->metrics[i] =
            i == BUDGET_USED_RATIO && budget->allowance->live
                ? VAGUS_EUNSUPPORTED
                : metrics_define_of(budgets->metrics, &desc, VAGUS_SOURCE_BUDGET, &why);
    }
}

/* A hash of the marks, by which a rule is known to be the same after a reload. */
static uint64_t content_of(const struct vagus_budget_mark marks[2])
{
    uint64_t content = UINT64_C(0xcbf29ce484222325);
    for (int i = 0; i < 2; i++) {
        uint64_t bits;
        memcpy(&bits, &marks[i].at_ratio, sizeof(bits));
        content = (content ^ bits ^ marks[i].raises) * UINT64_C(0x100000001b3);
    }
    return content | 1;
}

/* One rule on the share that is used; a mark is a severity of it. */
void budget_rule(const char *name, const char *resource, const struct vagus_budget_mark marks[2],
                 struct config_rule *rule)
{
    *rule = (struct config_rule){.metric = (char *)shown[BUDGET_USED_RATIO].name,
                                 .instance = (char *)name,
                                 .kind = (char *)"level",
                                 .resource = (char *)resource,
                                 .content = content_of(marks)};
    for (int i = 0; i < 2; i++) {
        const struct vagus_budget_mark *mark = &marks[i];
        struct config_threshold *threshold = mark->raises == VAGUS_THROTTLE ? &rule->throttle
                                             : mark->raises == VAGUS_DEFER  ? &rule->defer
                                                                            : &rule->shutdown;
        if (mark->at_ratio == 0)
            continue;
        /* Used up to the mark is beyond it; the judge asks for more than `enter`. */
        *threshold = (struct config_threshold){
            .present = true,
            .enter = nextafter(mark->at_ratio, 0),
            .clear = fmax(mark->at_ratio - CLEAR_BELOW_RATIO, mark->at_ratio / 2),
            .full = NAN};
        rule->name = (char *)name;
    }
}

int budgets_make(struct budgets *budgets, const struct vagus_budget_desc *desc, int64_t now_ns,
                 struct budget *budget)
{
    uint32_t index;
    if (!desc_valid(desc))
        return VAGUS_EINVAL;
    struct allowance *allowance = allowance_claim(&index);
    if (allowance == NULL)
        return VAGUS_EFULL;

    *budget = (struct budget){.allowance = allowance,
                              .handle = {budgets->generation, index},
                              .marks = {desc->warning, desc->critical},
                              .counts_metric = VAGUS_ENOENT,
                              .live_metric = VAGUS_ENOENT,
                              .unknown = desc->unknown,
                              .shown_left = INT64_MIN};
    int64_t word = allowance->word;
    *allowance = (struct allowance){.word = word,
                                    .trip = INT64_MIN,
                                    .limit = desc->limit,
                                    .window_ns = desc->window_ns,
                                    .live = desc->live != NULL,
                                    .wake = budgets->wake,
                                    .now_ns = now_ns,
                                    .known = desc->live == NULL};
    if (desc->window_ns > 0)
        allowance->newest = now_ns / (desc->window_ns / VAGUS_BUDGET_BUCKETS);
    text_copy(allowance->name, sizeof(allowance->name), desc->name);
    text_copy(allowance->unit, sizeof(allowance->unit),
              desc->unit != NULL ? desc->unit : "{count}");
    text_copy(budget->resource, sizeof(budget->resource),
              desc->resource != NULL ? desc->resource : "budget");
    text_copy(budget->counts, sizeof(budget->counts), desc->counts);
    text_copy(budget->live, sizeof(budget->live), desc->live);
    budget->granted = !allowance->live                        ? (int64_t)desc->limit
                      : desc->unknown == VAGUS_UNKNOWN_ALLOWS ? (int64_t)VAGUS_AMOUNT_MAX
                                                              : 0;
    define_metrics(budgets, budget);
    allowance_open(allowance, budgets->generation, budget->granted);
    return 0;
}

int budgets_append(struct budgets *budgets, const struct budget *budget)
{
    if (budgets->count == VAGUS_BUDGETS_MAX) {
        allowance_shut(budget->allowance, budget->handle.index);
        return VAGUS_EFULL;
    }
    struct budget *entry = &budgets->entries[budgets->count];
    *entry = *budget;
    budget_rule(entry->allowance->name, entry->resource, entry->marks, &entry->rule);
    __atomic_store_n(&budgets->count, budgets->count + 1, __ATOMIC_RELEASE);
    return 0;
}

int budgets_define(struct budgets *budgets, const struct vagus_budget_desc *desc, int64_t now_ns,
                   struct budget **result)
{
    struct vagus_budget there;
    struct budget budget;
    if (desc_valid(desc) && budgets_find(budgets, desc->name, &there) == 0)
        return VAGUS_EEXIST;
    int error = budgets_make(budgets, desc, now_ns, &budget);
    if (error == 0)
        error = budgets_append(budgets, &budget);
    if (error == 0)
        *result = &budgets->entries[budgets->count - 1];
    return error;
}

void budgets_change(struct budgets *budgets, const struct budget_change *change)
{
    struct budget *budget = &budgets->entries[change->entry];
    struct allowance *a = budget->allowance;
    memcpy(budget->marks, change->marks, sizeof(budget->marks));
    budget->unknown = change->unknown;
    budget->shown_left = INT64_MIN;
    if (a->live || change->limit == 0 || change->limit == a->limit)
        return;
    allowance_add(a, budget->handle.generation, (int64_t)change->limit - (int64_t)a->limit);
    budget->granted = (int64_t)change->limit;
    __atomic_store_n(&a->limit, change->limit, __ATOMIC_RELAXED);
}

int budgets_find(const struct budgets *budgets, const char *name, struct vagus_budget *handle)
{
    uint32_t count = __atomic_load_n(&budgets->count, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count; i++) {
        const struct budget *budget = &budgets->entries[i];
        if (strcmp(budget->allowance->name, name) != 0)
            continue;
        *handle = budget->handle;
        return 0;
    }
    return VAGUS_ENOENT;
}

void budgets_hand_out(struct budgets *budgets, struct vagus_budget handle)
{
    uint32_t count = __atomic_load_n(&budgets->count, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count; i++)
        if (budgets->entries[i].handle.index == handle.index)
            __atomic_store_n(&budgets->entries[i].held, true, __ATOMIC_RELAXED);
}

/* --- The step. --- */

/* Buckets that left the window come back; what was spent since the last step lies in the newest,
 * since nobody knows better when it was. */
static void roll(struct budget *budget, int64_t now_ns)
{
    struct allowance *a = budget->allowance;
    int64_t n = now_ns / (a->window_ns / VAGUS_BUDGET_BUCKETS);
    int64_t from = n - a->newest > ALLOWANCE_BUCKETS ? n - ALLOWANCE_BUCKETS : a->newest;
    for (int64_t i = from + 1; i <= n; i++) {
        uint64_t *bucket = &a->buckets[allowance_place(i)];
        uint64_t forgotten = *bucket;
        __atomic_store_n(bucket, 0, __ATOMIC_RELAXED);
        if (forgotten > 0)
            allowance_add(a, budget->handle.generation, (int64_t)forgotten);
    }
    if (n > a->newest)
        __atomic_store_n(&a->newest, n, __ATOMIC_RELAXED);
    uint64_t spent = __atomic_load_n(&a->spent, __ATOMIC_ACQUIRE);
    if (spent != a->in_buckets) {
        uint64_t *bucket = &a->buckets[allowance_place(a->newest)];
        __atomic_store_n(bucket, *bucket + (spent - a->in_buckets), __ATOMIC_RELAXED);
        __atomic_store_n(&a->in_buckets, spent, __ATOMIC_RELAXED);
    }
}

static void count_on(struct budgets *budgets, struct budget *budget)
{
    struct metrics *metrics = budgets->metrics;
    if (budget->counts_metric < 0) {
        budget->counts_metric = metrics_find(metrics, budget->counts, NULL);
        if (budget->counts_metric < 0 ||
            metrics->entries[budget->counts_metric].kind != VAGUS_COUNTER)
            return;
    }
    uint64_t total = metrics->entries[budget->counts_metric].total;
    if (total <= budget->seen_total)
        return;
    uint64_t gained = total - budget->seen_total;
    budget->seen_total = total;
    if (gained > VAGUS_AMOUNT_MAX)
        gained = VAGUS_AMOUNT_MAX;
    if (allowance_add(budget->allowance, budget->handle.generation, -(int64_t)gained))
        __atomic_fetch_add(&budget->allowance->spent, gained, __ATOMIC_RELEASE);
}

/* What the gauge says is left, less what is set aside. What was committed stays set aside until a
 * reading that is younger than the one after it: then the gauge shows it for certain. */
static void follow(struct budgets *budgets, struct budget *budget, int64_t now_ns)
{
    struct allowance *a = budget->allowance;
    if (budget->live_metric < 0)
        budget->live_metric = metrics_find(budgets->metrics, budget->live, NULL);
    const struct vagus_reading *reading =
        budget->live_metric >= 0 ? &budgets->metrics->readings[budget->live_metric] : NULL;
    bool known = reading != NULL && vagus_reading_state(reading, now_ns) == VAGUS_STATE_OK;
    int64_t grant = budget->unknown == VAGUS_UNKNOWN_ALLOWS ? (int64_t)VAGUS_AMOUNT_MAX : 0;
    int64_t back = 0;
    if (known)
        grant = (int64_t)fmin(fmax(reading->value, 0), (double)VAGUS_AMOUNT_MAX);
    if (known && reading->taken_ns != budget->taken_ns) {
        back = (int64_t)budget->settling;
        budget->settling = __atomic_exchange_n(&a->settled, 0, __ATOMIC_ACQ_REL);
        budget->taken_ns = reading->taken_ns;
    }
    __atomic_store_n(&a->known, known, __ATOMIC_RELAXED);
    if (grant - budget->granted + back != 0)
        allowance_add(a, budget->handle.generation, grant - budget->granted + back);
    budget->granted = grant;
    __atomic_store_n(&a->limit, (uint64_t)grant, __ATOMIC_RELAXED);
}

double budget_lasts_s(const struct budget *budget, double per_s, int64_t now_ns)
{
    const struct allowance *a = budget->allowance;
    double left = (double)allowance_left(a), at_s = 0;
    int64_t width_ns = a->window_ns / VAGUS_BUDGET_BUCKETS;
    if (left <= 0)
        return 0;
    if (!(per_s > 0))
        return INFINITY;
    if (width_ns == 0)
        return left / per_s;
    /* From one bucket that comes back to the next. After the newest what is being spent comes back
     * as fast as it goes. */
    for (int64_t n = a->newest - VAGUS_BUDGET_BUCKETS; n <= a->newest; n++) {
        double next_s = (double)((n + ALLOWANCE_BUCKETS) * width_ns - now_ns) / 1e9;
        double goes = per_s * fmax(next_s - at_s, 0);
        if (goes >= left)
            return at_s + left / per_s;
        left += (double)a->buckets[allowance_place(n)] - goes;
        at_s = fmax(next_s, at_s);
    }
    return INFINITY;
}

static bool was_asked(const struct budget *budget)
{
    const struct allowance *a = budget->allowance;
    return allowance_left(a) != budget->granted ||
           __atomic_load_n(&a->spent, __ATOMIC_RELAXED) > 0 ||
           __atomic_load_n(&a->refused, __ATOMIC_RELAXED) > 0;
}

static void put(struct budgets *budgets, const struct budget *budget, enum budget_metric metric,
                int64_t now_ns, double value)
{
    if (budget->metrics[metric] >= 0)
        metrics_put(budgets->metrics, (uint32_t)budget->metrics[metric], now_ns, value);
}

static void show(struct budgets *budgets, struct budget *budget, bool second, int64_t now_ns)
{
    struct allowance *a = budget->allowance;
    int64_t left = allowance_left(a);
    if (left == budget->shown_left && !second)
        return;
    budget->shown_left = left;
    if (second)
        put(budgets, budget, BUDGET_RESERVED, now_ns,
            (double)ticket_look(a, budget->handle, now_ns));
    if (a->known)
        put(budgets, budget, BUDGET_REMAINING, now_ns, (double)left);
    else if (budget->metrics[BUDGET_REMAINING] >= 0)
        metrics_put_missing(budgets->metrics, (uint32_t)budget->metrics[BUDGET_REMAINING], now_ns,
                            VAGUS_EAGAIN);
    if (a->live)
        return;
    put(budgets, budget, BUDGET_USED, now_ns, (double)allowance_used(a));
    put(budgets, budget, BUDGET_USED_RATIO, now_ns,
        (double)((int64_t)a->limit - left) / (double)a->limit);
}

/* The sampler is woken when the next mark is reached. */
static void set_trip(const struct budget *budget)
{
    struct allowance *a = budget->allowance;
    int64_t left = allowance_left(a), trip = INT64_MIN;
    for (int i = 0; i < 2; i++) {
        double ratio = budget->marks[i].at_ratio;
        int64_t at = (int64_t)floor((double)a->limit * (1 - ratio));
        if (ratio > 0 && left > at && at > trip)
            trip = at;
    }
    if (trip != a->trip)
        __atomic_store_n(&a->trip, trip, __ATOMIC_RELAXED);
}

void budgets_step(struct budgets *budgets, unsigned due, int64_t now_ns)
{
    bool second = (due & (1u << VAGUS_TIER_1S)) != 0;
    for (uint32_t i = 0; i < budgets->count; i++) {
        struct budget *budget = &budgets->entries[i];
        struct allowance *a = budget->allowance;
        __atomic_store_n(&a->now_ns, now_ns, __ATOMIC_RELAXED);
        if (budget->counts[0] != '\0')
            count_on(budgets, budget);
        if (a->window_ns > 0)
            roll(budget, now_ns);
        if (a->live)
            follow(budgets, budget, now_ns);
        if (!budget->asked)
            budget->asked = was_asked(budget);
        show(budgets, budget, second, now_ns);
        set_trip(budget);
    }
}
