/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of histograms, and what can be asked of a distribution. */
#include "metrics/histogram.h"

#include <math.h>
#include <string.h>

#define POSITION_OF_ONE (1024u << VAGUS_SCALE_MAX) /* of index 0 at the finest scale */
#define BOUND_LEAST 0x1p-1000
#define BOUND_MOST 0x1p1000

const char *histogram_check(double min, double max, uint32_t buckets_max)
{
    if (!(min >= BOUND_LEAST && min < max && max <= BOUND_MOST))
        return "the bounds of a histogram must be positive, between 2^-1000 and 2^1000";
    if (buckets_max != 0 &&
        (buckets_max < HISTOGRAM_BUCKETS_LEAST || buckets_max > VAGUS_BUCKETS_MAX))
        return "a histogram has 8 to 320 buckets";
    return NULL;
}

struct histogram_shape histogram_fit(double min, double max, uint32_t buckets_max)
{
    uint32_t low = vagus__position(min), high = vagus__position(max), shift = 0;
    uint32_t most = buckets_max != 0 ? buckets_max : VAGUS_BUCKETS_DEFAULT;
    while ((high >> shift) - (low >> shift) + 1 > most)
        shift++;
    return (struct histogram_shape){
        .buckets = (high >> shift) - (low >> shift) + 1, .origin = low >> shift, .shift = shift};
}

void histogram_empty(const struct histogram_shape *shape, struct vagus_distribution *distribution)
{
    *distribution = (struct vagus_distribution){
        .scale = VAGUS_SCALE_MAX - (int32_t)shape->shift,
        .offset = (int32_t)shape->origin - (int32_t)(POSITION_OF_ONE >> shape->shift),
        .buckets = shape->buckets};
}

void histogram_add(struct vagus_distribution *distribution, const uint64_t *run)
{
    uint64_t bits = __atomic_load_n(&run[VAGUS__SUM], __ATOMIC_RELAXED);
    uint64_t below = __atomic_load_n(&run[VAGUS__BELOW], __ATOMIC_RELAXED);
    uint64_t above = __atomic_load_n(&run[VAGUS__ABOVE], __ATOMIC_RELAXED);
    double sum;
    memcpy(&sum, &bits, sizeof(sum));
    distribution->sum += sum;
    distribution->below += below;
    distribution->above += above;
    distribution->count += below + above;
    for (uint32_t i = 0; i < distribution->buckets; i++) {
        uint64_t count = __atomic_load_n(&run[VAGUS__BUCKETS + i], __ATOMIC_RELAXED);
        distribution->counts[i] += count;
        distribution->count += count;
    }
}

/* --- Distributions. They may come from anywhere: their numbers are looked at before use. --- */

static bool is_sound(const struct vagus_distribution *d)
{
    return d->buckets > 0 && d->buckets <= VAGUS_BUCKETS_MAX && d->scale <= VAGUS_SCALE_MAX &&
           d->scale >= VAGUS_SCALE_MAX - 17 && d->offset >= -(int32_t)POSITION_OF_ONE &&
           d->offset <= (int32_t)POSITION_OF_ONE;
}

/* Halves the resolution `by` times; the counts move down in place, since no target lies beyond its
 * source. */
static void coarsen(struct vagus_distribution *d, int by)
{
    int32_t first = d->offset >> by;
    uint32_t buckets = (uint32_t)(((d->offset + (int32_t)d->buckets - 1) >> by) - first) + 1;
    for (uint32_t i = 0; i < d->buckets; i++) {
        uint64_t count = d->counts[i];
        d->counts[i] = 0;
        d->counts[((d->offset + (int32_t)i) >> by) - first] += count;
    }
    d->scale -= by;
    d->offset = first;
    d->buckets = buckets;
}

/* Widens to [first, first + buckets) at the same scale. */
static void widen(struct vagus_distribution *d, int32_t first, uint32_t buckets)
{
    uint32_t ahead = (uint32_t)(d->offset - first);
    memmove(d->counts + ahead, d->counts, d->buckets * sizeof(*d->counts));
    memset(d->counts, 0, ahead * sizeof(*d->counts));
    memset(d->counts + ahead + d->buckets, 0, (buckets - ahead - d->buckets) * sizeof(*d->counts));
    d->offset = first;
    d->buckets = buckets;
}

int vagus_distribution_merge(struct vagus_distribution *into, const struct vagus_distribution *from)
{
    if (into == NULL || from == NULL || !is_sound(into) || !is_sound(from))
        return VAGUS_EINVAL;
    struct vagus_distribution other = *from;
    int32_t scale = into->scale < other.scale ? into->scale : other.scale, first, last;
    for (;; scale--) {
        int down = into->scale - scale, other_down = other.scale - scale;
        int32_t a = into->offset >> down, b = other.offset >> other_down;
        int32_t a_last = (into->offset + (int32_t)into->buckets - 1) >> down;
        int32_t b_last = (other.offset + (int32_t)other.buckets - 1) >> other_down;
        first = a < b ? a : b;
        last = a_last > b_last ? a_last : b_last;
        if (last - first < VAGUS_BUCKETS_MAX)
            break;
    }
    coarsen(into, into->scale - scale);
    coarsen(&other, other.scale - scale);
    widen(into, first, (uint32_t)(last - first) + 1);
    for (uint32_t i = 0; i < other.buckets; i++)
        into->counts[(uint32_t)(other.offset - first) + i] += other.counts[i];
    into->count += other.count;
    into->sum += other.sum;
    into->below += other.below;
    into->above += other.above;
    return 0;
}

/* 2^(index / 2^scale). */
static double bound(const struct vagus_distribution *d, int32_t index)
{
    return exp2(ldexp(index, -d->scale));
}

double vagus_distribution_error(const struct vagus_distribution *d)
{
    if (d == NULL || !is_sound(d))
        return NAN;
    double base = exp2(ldexp(1, -d->scale));
    return isinf(base) ? 1 : (base - 1) / (base + 1);
}

int vagus_distribution_quantile(const struct vagus_distribution *d, double q, double *value)
{
    if (d == NULL || value == NULL || !is_sound(d) || !(q >= 0 && q <= 1))
        return VAGUS_EINVAL;
    if (d->count == 0)
        return VAGUS_ENOENT;
    double exact = ceil(q * (double)d->count);
    uint64_t rank = exact < 1 ? 1 : exact >= (double)d->count ? d->count : (uint64_t)exact;
    uint64_t before = d->below;
    uint32_t i = 0;
    if (rank <= before) {
        *value = bound(d, d->offset);
        return 0;
    }
    for (; i < d->buckets; i++) {
        before += d->counts[i];
        if (rank <= before)
            break;
    }
    double low = bound(d, d->offset + (int32_t)i);
    /* Equally far, relatively, from both ends of the bucket. */
    *value = i == d->buckets ? low : low * (1 + vagus_distribution_error(d));
    return 0;
}

int vagus_distribution_range(const struct vagus_distribution *d, double *least, double *most)
{
    if (d == NULL || least == NULL || most == NULL || !is_sound(d))
        return VAGUS_EINVAL;
    uint32_t first = 0, last = d->buckets;
    while (first < d->buckets && d->counts[first] == 0)
        first++;
    if (first == d->buckets)
        return VAGUS_ENOENT;
    while (d->counts[last - 1] == 0)
        last--;
    *least = bound(d, d->offset + (int32_t)first);
    *most = bound(d, d->offset + (int32_t)last);
    return 0;
}
