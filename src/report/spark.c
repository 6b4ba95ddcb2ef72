/* SPDX-License-Identifier: Apache-2.0 */
/* Sparklines: what the blocks of a metric tell, put into columns. All of it is a stranger's. */
#include "report/spark.h"

#include <math.h>
#include <string.h>

#include "metrics/outside.h"

/* Enough for what a line of columns can show; of more, the finest and oldest are left out. */
#define SPARK_BLOCKS 128
#define GOOD_MAX_NS (3600 * VAGUS_SECOND_NS)

struct spark {
    int64_t from_ns, end_ns, step_ns;
    unsigned columns;
    double sums[SPARK_COLUMNS_MAX], weights[SPARK_COLUMNS_MAX];
    /* Of a gauge: the newest value, and until when it stands for what comes after it. */
    double held;
    int64_t held_from_ns, held_until_ns;
    int64_t good_ns;
    /* Of a counter: where it grows from. */
    bool based;
    double base;
    int64_t base_ns;
};

/* The column in which a time lies: after its beginning, up to its end. */
static int64_t column_of(const struct spark *spark, int64_t at_ns)
{
    if (at_ns <= spark->from_ns)
        return -1;
    return at_ns > spark->end_ns ? spark->columns : (at_ns - spark->from_ns - 1) / spark->step_ns;
}

static void put(struct spark *spark, int64_t column, double value, double weight)
{
    if (column < 0 || column >= spark->columns)
        return;
    spark->sums[column] += value * weight;
    spark->weights[column] += weight;
}

/* Lets the held value stand for the columns after its own and before another, as long as it is
 * good. */
static void hold(struct spark *spark, int64_t before)
{
    if (isnan(spark->held))
        return;
    int64_t column = column_of(spark, spark->held_from_ns) + 1;
    int64_t last = column_of(spark, spark->held_until_ns);
    for (; column < before && column <= last && column < spark->columns; column++)
        put(spark, column, spark->held, 1);
    spark->held = NAN;
}

static int64_t later_ns(int64_t at_ns, int64_t span_ns)
{
    int64_t sum;
    return __builtin_add_overflow(at_ns, span_ns, &sum) ? INT64_MAX : sum;
}

static void on_value(const struct block_entry *entry, int64_t width_ns, void *arg)
{
    struct spark *spark = arg;
    double value = entry->count > 0 ? entry->sum / entry->count : NAN;
    int64_t end_ns = later_ns(entry->at_ns, width_ns);
    int64_t first = column_of(spark, entry->at_ns + (width_ns > 0));
    hold(spark, first);
    if (!isfinite(value))
        return;
    int64_t last = column_of(spark, end_ns);
    for (int64_t column = first < 0 ? 0 : first; column <= last; column++)
        put(spark, column, value, 1);
    spark->held = value;
    spark->held_from_ns = end_ns;
    spark->held_until_ns = later_ns(end_ns, spark->good_ns);
}

/* The growth since the entry before, shared out to the columns that lie between. */
static void on_count(const struct block_entry *entry, int64_t width_ns, void *arg)
{
    struct spark *spark = arg;
    int64_t end_ns = later_ns(entry->at_ns, width_ns), begin_ns = spark->base_ns, column;
    double rate = (entry->last - spark->base) / ((double)(end_ns - begin_ns) / 1e9);
    bool grown = spark->based && entry->count > 0 && end_ns > begin_ns && rate >= 0;
    spark->based = entry->count > 0 && isfinite(entry->last);
    spark->base = entry->last;
    spark->base_ns = end_ns;
    if (!grown || !isfinite(rate))
        return;
    if (begin_ns < spark->from_ns)
        begin_ns = spark->from_ns;
    while (begin_ns < end_ns && (column = column_of(spark, begin_ns + 1)) < spark->columns) {
        int64_t next_ns = spark->from_ns + (column + 1) * spark->step_ns;
        if (next_ns > end_ns)
            next_ns = end_ns;
        put(spark, column, rate, (double)(next_ns - begin_ns));
        begin_ns = next_ns;
    }
}

int spark_read(const struct segment_reader *reader, uint32_t index,
               const struct segment_metric *metric, int64_t end_ns, int64_t step_ns, double *values,
               unsigned columns)
{
    struct outside_block blocks[SPARK_BLOCKS];
    struct spark spark = {
        .end_ns = end_ns, .step_ns = step_ns, .columns = columns, .held = NAN, .based = false};
    int64_t span_ns, walk_ns;
    if (step_ns <= 0 || columns > SPARK_COLUMNS_MAX ||
        __builtin_mul_overflow(step_ns, (int64_t)columns, &span_ns) ||
        __builtin_sub_overflow(end_ns, span_ns, &spark.from_ns))
        return VAGUS_EINVAL;
    int64_t period_ns = segment_level_ns(metric->tier);
    spark.good_ns = metric->good_for_ns > period_ns ? metric->good_for_ns : period_ns;
    if (spark.good_ns > GOOD_MAX_NS)
        spark.good_ns = GOOD_MAX_NS;
    /* Earlier ones matter too: what was read then is still good, or grows from there. */
    if (__builtin_sub_overflow(spark.from_ns, spark.good_ns, &walk_ns))
        walk_ns = INT64_MIN;
    uint32_t count = outside_list_since(reader, index, walk_ns, blocks, SPARK_BLOCKS);
    outside_walk(reader, index, metric->resolution, blocks, count, walk_ns, end_ns,
                 metric->kind == VAGUS_GAUGE ? on_value : on_count, &spark);
    hold(&spark, columns);
    for (unsigned i = 0; i < columns; i++)
        values[i] = spark.weights[i] > 0 ? spark.sums[i] / spark.weights[i] : NAN;
    return 0;
}

void spark_draw(const double *values, unsigned count, double low, double high, struct text *text)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double least = INFINITY, greatest = -INFINITY;
    for (unsigned i = 0; i < count; i++)
        if (isfinite(values[i])) {
            least = fmin(least, values[i]);
            greatest = fmax(greatest, values[i]);
        }
    low = isnan(low) ? least : low;
    high = isnan(high) ? greatest : high;
    for (unsigned i = 0; i < count; i++) {
        double share = high > low ? (values[i] - low) / (high - low) : 0;
        int eighth = share >= 1 ? 7 : share > 0 ? (int)(share * 8) : 0;
        text_add(text, isfinite(values[i]) ? bars[eighth] : "·");
    }
}
