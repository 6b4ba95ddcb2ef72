/* SPDX-License-Identifier: Apache-2.0 */
/* What is made of a histogram's values in a span. */
#include <math.h>

#include "metrics/spreads.h"
#include "vagus/query.h"

bool spread_answers(unsigned aggregation)
{
    switch (aggregation) {
    case VAGUS_QUERY_MEAN:
    case VAGUS_QUERY_SUM:
    case VAGUS_QUERY_MIN:
    case VAGUS_QUERY_MAX:
    case VAGUS_QUERY_COUNT:
    case VAGUS_QUERY_STDDEV:
    case VAGUS_QUERY_QUANTILE:
        return true;
    default:
        return false;
    }
}

/* Each value is taken to be in the middle of its bucket; one beyond the buckets, at their bound. */
static double deviation(const struct vagus_distribution *values)
{
    double base = exp2(ldexp(1, -values->scale)), middle = 2 * base / (1 + base);
    double weight = 0, mean = 0, spread = 0;
    for (uint32_t i = 0; i < values->buckets + 2; i++) {
        uint64_t count = i == 0                 ? values->below
                         : i <= values->buckets ? values->counts[i - 1]
                                                : values->above;
        int32_t index = values->offset + (int32_t)(i > 0 ? i - 1 : 0);
        double value = exp2(ldexp(index, -values->scale));
        if (i > 0 && i <= values->buckets)
            value *= middle;
        if (count == 0)
            continue;
        double off = value - mean;
        weight += (double)count;
        mean += off * (double)count / weight;
        spread += (double)count * off * (value - mean);
    }
    return sqrt(spread / weight);
}

int spread_number(const struct vagus_distribution *values, unsigned aggregation, double quantile,
                  double *number)
{
    if (values->count == 0 && aggregation != VAGUS_QUERY_COUNT)
        return VAGUS_ENOENT;
    switch (aggregation) {
    case VAGUS_QUERY_COUNT:
        *number = (double)values->count;
        return 0;
    case VAGUS_QUERY_SUM:
        *number = values->sum;
        return 0;
    case VAGUS_QUERY_MEAN:
        *number = values->sum / (double)values->count;
        return 0;
    case VAGUS_QUERY_STDDEV:
        *number = deviation(values);
        return 0;
    case VAGUS_QUERY_MIN:
        return vagus_distribution_quantile(values, 0, number);
    case VAGUS_QUERY_MAX:
        return vagus_distribution_quantile(values, 1, number);
    default:
        return vagus_distribution_quantile(values, quantile, number);
    }
}
