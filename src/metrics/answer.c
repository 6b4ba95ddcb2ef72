/* SPDX-License-Identifier: Apache-2.0 */
/* The aggregations: what is made of a span in one walk, or in a few, none of which keeps more than
 * a bounded number of values. */
#include <math.h>
#include <string.h>

#include "metrics/query.h"

#define PICK_ROOM 2048 /* values that are ranked at once */
#define PICK_BINS 256
#define PICK_PASSES 64

/* --- Sums, extremes, ends: whole blocks by their heads. --- */

struct totals {
    struct query_sink sink;
    uint64_t count;
    double sum, min, max;
    double last;
    int64_t first_ns, last_ns; /* covered: the last one's end */
};

static void totals_take(struct totals *totals, double min, double max, double sum, uint64_t count)
{
    totals->min = totals->count == 0 || min < totals->min ? min : totals->min;
    totals->max = totals->count == 0 || max > totals->max ? max : totals->max;
    totals->sum += sum;
    totals->count += count;
}

static bool totals_head(struct query_sink *sink, const struct segment_block_head *head,
                        int64_t width_ns)
{
    struct totals *totals = (struct totals *)sink;
    int64_t end_ns = segment_block_last_ns(head) + width_ns;
    if (head->count == 0)
        return true;
    if (sink->wants_base && head->gaps > 0)
        return false; /* its first or newest entry may be one: values' own times are wanted */
    if (totals->count == 0 || end_ns >= totals->last_ns) {
        totals->last = head->last;
        totals->last_ns = end_ns;
    }
    if (totals->count == 0 || head->first_ns < totals->first_ns)
        totals->first_ns = head->first_ns;
    totals_take(totals, head->min, head->max, head->sum, head->count);
    return true;
}

static void totals_entry(struct query_sink *sink, const struct block_entry *entry, int64_t width_ns)
{
    struct totals *totals = (struct totals *)sink;
    int64_t end_ns = entry->at_ns + width_ns;
    if (totals->count == 0 || end_ns >= totals->last_ns) {
        totals->last = entry->last;
        totals->last_ns = end_ns;
    }
    if (totals->count == 0 || entry->at_ns < totals->first_ns)
        totals->first_ns = entry->at_ns;
    totals_take(totals, entry->min, entry->max, entry->sum, entry->count);
}

static void totals_init(struct totals *totals, bool wants_base)
{
    *totals = (struct totals){
        .sink = {.head = totals_head, .entry = totals_entry, .wants_base = wants_base}};
}

/* --- Spread and slope, by means of buckets. --- */

struct moments {
    struct query_sink sink;
    int64_t origin_ns;
    double weight, mean, spread;     /* of the values: sum of squared differences */
    double mean_s, spread_s, common; /* of the times, and of both */
};

static void moments_entry(struct query_sink *sink, const struct block_entry *entry,
                          int64_t width_ns)
{
    struct moments *m = (struct moments *)sink;
    double weight = entry->count, value = entry->sum / weight;
    double at_s = (double)(entry->at_ns + width_ns / 2 - m->origin_ns) / (double)VAGUS_SECOND_NS;
    m->weight += weight;
    double off = value - m->mean, off_s = at_s - m->mean_s, share = weight / m->weight;
    m->mean += off * share;
    m->mean_s += off_s * share;
    m->spread += weight * off * (value - m->mean);
    m->spread_s += weight * off_s * (at_s - m->mean_s);
    m->common += weight * off_s * (value - m->mean);
}

static int moments_answer(const struct query_span *span, unsigned aggregation, double *value)
{
    struct moments m = {.sink = {.entry = moments_entry}, .origin_ns = span->to_ns};
    int error = query_walk(span, &m.sink);
    if (error != 0)
        return error;
    if (!(m.weight > 0) || (aggregation == VAGUS_QUERY_SLOPE && !(m.spread_s > 0)))
        return VAGUS_ENOENT;
    *value = aggregation == VAGUS_QUERY_SLOPE ? m.common / m.spread_s : sqrt(m.spread / m.weight);
    return 0;
}

/* --- Time since the last change. --- */

struct change {
    struct query_sink sink;
    double value;
    bool found;
    int64_t differed_ns; /* the newest time at which it was another value */
};

static bool change_head(struct query_sink *sink, const struct segment_block_head *head,
                        int64_t width_ns)
{
    struct change *change = (struct change *)sink;
    bool same = head->min == change->value && head->max == change->value;
    return head->count == 0 || same ||
           (change->found && segment_block_last_ns(head) + width_ns <= change->differed_ns);
}

static void change_entry(struct query_sink *sink, const struct block_entry *entry, int64_t width_ns)
{
    struct change *change = (struct change *)sink;
    int64_t end_ns = entry->at_ns + width_ns;
    if ((entry->min == change->value && entry->max == change->value) ||
        (change->found && end_ns <= change->differed_ns))
        return;
    change->found = true;
    change->differed_ns = end_ns;
}

/* The first value after the newest other one is where it changed. */
static int unchanged_answer(const struct query_span *span, const struct totals *totals,
                            double *value)
{
    struct change change = {.sink = {.head = change_head, .entry = change_entry},
                            .value = totals->last};
    int64_t since_ns = totals->first_ns;
    int error = query_walk(span, &change.sink);
    if (error == 0 && change.found) {
        struct totals after;
        struct query_span rest = *span;
        rest.from_ns = since_ns = change.differed_ns;
        totals_init(&after, false);
        error = query_walk(&rest, &after.sink);
        if (error == 0 && after.count > 0)
            since_ns = after.first_ns;
    }
    *value = (double)(span->to_ns - since_ns) / (double)VAGUS_SECOND_NS;
    return error;
}

/* --- Quantiles: exact, in bounded room. Each pass narrows the range in which the rank lies until
 * what is left in it can be looked at all at once. --- */

struct pick {
    struct query_sink sink;
    double lo, hi; /* both included */
    bool ranged;   /* these are bounds of what there is, and bins are counted */
    uint64_t below, inside;
    uint64_t bins[PICK_BINS];
    unsigned held;
    struct picked {
        double value;
        uint64_t weight;
    } picked[PICK_ROOM];
};

static unsigned bin_of(const struct pick *pick, double value)
{
    double share = (value / 2 - pick->lo / 2) / (pick->hi / 2 - pick->lo / 2);
    double bin = share * PICK_BINS;
    return bin >= PICK_BINS - 1 ? PICK_BINS - 1 : bin > 0 ? (unsigned)bin : 0;
}

static void pick_entry(struct query_sink *sink, const struct block_entry *entry, int64_t width_ns)
{
    struct pick *pick = (struct pick *)sink;
    double value = width_ns == 0 ? entry->last : entry->sum / entry->count;
    if (value < pick->lo)
        pick->below += entry->count;
    if (!(value >= pick->lo && value <= pick->hi))
        return;
    pick->inside += entry->count;
    if (pick->held < PICK_ROOM)
        pick->picked[pick->held] = (struct picked){value, entry->count};
    pick->held++;
    if (pick->ranged)
        pick->bins[bin_of(pick, value)] += entry->count;
}

/* The value at a rank, counted from 1, by their weights: Hoare's selection. */
static double select_rank(struct picked *picked, unsigned count, uint64_t rank)
{
    while (count > 1) {
        double pivot = picked[count / 2].value;
        uint64_t less = 0, equal = 0;
        unsigned low = 0, mid = 0, high = count;
        while (mid < high) {
            struct picked at = picked[mid];
            if (at.value < pivot) {
                picked[mid++] = picked[low];
                picked[low++] = at;
                less += at.weight;
            } else if (at.value > pivot) {
                picked[mid] = picked[--high];
                picked[high] = at;
            } else {
                equal += at.weight;
                mid++;
            }
        }
        if (rank <= less) {
            count = low;
        } else if (rank <= less + equal || high == count) {
            return pivot;
        } else {
            rank -= less + equal;
            picked += high;
            count -= high;
        }
    }
    return picked[0].value;
}

/* The edges of the bin in which the rank lies become the range. False: it cannot be narrowed. */
static bool narrow(struct pick *pick, uint64_t rank)
{
    uint64_t seen = pick->below;
    unsigned bin = 0;
    while (bin < PICK_BINS - 1 && seen + pick->bins[bin] < rank)
        seen += pick->bins[bin++];
    double width = pick->hi / PICK_BINS - pick->lo / PICK_BINS;
    /* A little wider than the bin, since its edges were rounded. */
    double lo = pick->lo + width * (bin - 0.001), hi = pick->lo + width * (bin + 1.001);
    lo = bin == 0 || lo < pick->lo ? pick->lo : lo;
    hi = bin == PICK_BINS - 1 || hi > pick->hi ? pick->hi : hi;
    if (!(lo > pick->lo || hi < pick->hi))
        return false;
    pick->lo = lo;
    pick->hi = hi;
    return true;
}

static int pick_walk(const struct query_span *span, struct pick *pick)
{
    pick->below = pick->inside = 0;
    pick->held = 0;
    if (pick->ranged)
        memset(pick->bins, 0, sizeof(pick->bins));
    return query_walk(span, &pick->sink);
}

static int quantile_answer(const struct query_span *span, double quantile, double *value,
                           struct vagus_query_result *result)
{
    struct pick pick;
    struct totals totals;
    pick.sink = (struct query_sink){.entry = pick_entry};
    pick.lo = -INFINITY;
    pick.hi = INFINITY;
    pick.ranged = false;
    totals_init(&totals, false);
    int error = query_walk(span, &totals.sink);
    if (error == 0)
        error = pick_walk(span, &pick);
    if (error != 0 || pick.inside == 0)
        return error != 0 ? error : VAGUS_ENOENT;
    result->samples = pick.inside;
    result->from_ns = totals.first_ns;
    result->to_ns = totals.last_ns;
    double exact = ceil(quantile * (double)pick.inside);
    uint64_t rank = exact < 1 ? 1 : (uint64_t)exact;
    if (pick.held > PICK_ROOM) {
        pick.lo = totals.min;
        pick.hi = totals.max;
        pick.ranged = true;
        for (unsigned pass = 0; pass < PICK_PASSES && pick.held > PICK_ROOM; pass++) {
            if (pass > 0 && !narrow(&pick, rank))
                break;
            if ((error = pick_walk(span, &pick)) != 0)
                return error;
        }
    }
    if (pick.held > PICK_ROOM) /* more equal values, or nearly, than there is room for */
        *value = pick.lo;
    else if (pick.held == 0 || rank <= pick.below)
        return VAGUS_EAGAIN; /* the oldest went away between the passes */
    else
        *value = select_rank(pick.picked, pick.held, rank - pick.below);
    result->step_ns = pick.sink.step_ns;
    return 0;
}

/* --- All together. --- */

int query_check(unsigned aggregation, double quantile, int64_t from_ns, int64_t to_ns)
{
    if (aggregation < VAGUS_QUERY_LAST || aggregation > VAGUS_QUERY_QUANTILE || from_ns > to_ns)
        return VAGUS_EINVAL;
    if (aggregation == VAGUS_QUERY_QUANTILE && !(quantile >= 0 && quantile <= 1))
        return VAGUS_EINVAL;
    return 0;
}

/* Where nothing is known of the time before the span, its first value stands for it: that of the
 * level that was walked, whatever was taken away since. */
static int find_base(const struct query_span *span, struct query_sink *sink, int64_t first_ns)
{
    struct query_cursor cursor = {.begun = true, .level = sink->level, .from_ns = span->from_ns};
    struct vagus_bucket bucket;
    unsigned got = 1;
    while (!sink->has_base) {
        int error = query_next(span, &cursor, &bucket, 1, &got);
        /* If the first one is not there any more, the question is asked again. */
        if (error != 0 || got == 0 || bucket.from_ns > first_ns)
            return error != 0 ? error : VAGUS_EAGAIN;
        if (bucket.count == 0)
            continue;
        sink->has_base = true;
        sink->base = bucket.last;
        sink->base_ns = bucket.to_ns;
    }
    return 0;
}

/* A counter that agent code counts begins with 0, so all that it counted before it was first read
 * is growth, as long as its first value is still known. */
static bool is_whole(const struct query_span *span, const struct totals *totals)
{
    return span->from_zero && !totals->sink.has_base &&
           totals->first_ns <= store_born_ns(span->store, span->metric);
}

static int difference(const struct query_span *span, struct totals *totals, unsigned aggregation,
                      double *value)
{
    if (aggregation == VAGUS_QUERY_SUM && is_whole(span, totals)) {
        *value = totals->last;
        return 0;
    }
    int error = find_base(span, &totals->sink, totals->first_ns);
    if (error != 0)
        return error;
    double s = (double)(totals->last_ns - totals->sink.base_ns) / (double)VAGUS_SECOND_NS;
    if (aggregation == VAGUS_QUERY_RATE && !(s > 0))
        return VAGUS_ENOENT;
    double grown = totals->last - totals->sink.base;
    *value = aggregation == VAGUS_QUERY_RATE ? grown / s : grown;
    return 0;
}

static int totals_answer(const struct query_span *span, struct totals *totals, unsigned aggregation,
                         double *value)
{
    switch (aggregation) {
    case VAGUS_QUERY_LAST:
        *value = totals->last;
        return 0;
    case VAGUS_QUERY_MEAN:
        *value = totals->sum / (double)totals->count;
        return 0;
    case VAGUS_QUERY_MIN:
        *value = totals->min;
        return 0;
    case VAGUS_QUERY_MAX:
        *value = totals->max;
        return 0;
    case VAGUS_QUERY_SUM:
        if (span->kind == VAGUS_COUNTER)
            return difference(span, totals, aggregation, value);
        *value = totals->sum;
        return 0;
    case VAGUS_QUERY_COUNT:
        *value = (double)totals->count;
        return 0;
    case VAGUS_QUERY_DELTA:
    case VAGUS_QUERY_RATE:
        return difference(span, totals, aggregation, value);
    case VAGUS_QUERY_UNCHANGED:
        return unchanged_answer(span, totals, value);
    default:
        return moments_answer(span, aggregation, value);
    }
}

int query_answer(const struct query_span *span, unsigned aggregation, double quantile,
                 struct vagus_query_result *result)
{
    struct totals totals;
    int error = query_check(aggregation, quantile, span->from_ns, span->to_ns);
    if (error != 0)
        return error;
    result->samples = 0;
    result->from_ns = result->to_ns = result->step_ns = 0;
    if (aggregation == VAGUS_QUERY_QUANTILE)
        return quantile_answer(span, quantile, &result->value, result);
    totals_init(&totals, aggregation == VAGUS_QUERY_DELTA || aggregation == VAGUS_QUERY_RATE ||
                             (aggregation == VAGUS_QUERY_SUM && span->kind == VAGUS_COUNTER));
    totals.sink.any_extremes = aggregation != VAGUS_QUERY_MIN && aggregation != VAGUS_QUERY_MAX;
    if ((error = query_walk(span, &totals.sink)) != 0)
        return error;
    result->step_ns = totals.sink.step_ns;
    if (totals.count == 0)
        return aggregation == VAGUS_QUERY_COUNT ? (result->value = 0, 0) : VAGUS_ENOENT;
    result->samples = totals.count;
    result->from_ns = totals.first_ns;
    result->to_ns = totals.last_ns;
    return totals_answer(span, &totals, aggregation, &result->value);
}
