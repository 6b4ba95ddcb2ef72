/* SPDX-License-Identifier: Apache-2.0 */
/* What a histogram held over time, by bucket: quantiles in all and for each column. */
#include <math.h>
#include <stdlib.h>

#include "cli/show.h"
#include "report/spark.h"

static void on_record(const struct spread_record *record, void *arg)
{
    struct show_spread *spread = arg;
    int64_t back_ns = spread->end_ns - record->to_ns;
    int64_t column = (int64_t)spread->columns - 1 - back_ns / spread->step_ns;
    spread_add(&spread->all, record);
    if (back_ns >= 0 && column >= 0)
        spread_add(&spread->each[column], record);
}

int show_spread_read(const struct segment_reader *reader, struct shown *shown, int64_t from_ns,
                     int64_t to_ns)
{
    struct histogram_shape shape;
    if (!spread_shape(&shown->metric, &shape))
        return 0;
    struct show_spread *spread = calloc(1, sizeof(*spread));
    struct outside_block *blocks = calloc((size_t)outside_blocks_max(reader) + 1, sizeof(*blocks));
    shown->spread = spread;
    if (spread == NULL || blocks == NULL) {
        free(blocks);
        return VAGUS_ENOMEM;
    }
    uint32_t count = outside_list_spread(reader, shown->index, blocks);
    histogram_empty(&shape, &spread->all);
    for (unsigned i = 0; i < SHOW_COLUMNS_MAX; i++)
        histogram_empty(&shape, &spread->each[i]);
    if (count > 0) {
        unsigned level = blocks[outside_level_for(blocks, count, from_ns)].level;
        int64_t period_ns = segment_level_ns(level), span_ns = shown->last_wanted_ns;
        int64_t periods = span_ns / period_ns + (span_ns % period_ns != 0);
        int64_t each = periods / SHOW_COLUMNS_MAX + (periods % SHOW_COLUMNS_MAX != 0);
        spread->step_ns = each * period_ns;
        spread->columns = (unsigned)((periods + each - 1) / each);
        spread->end_ns = to_ns;
        spread->walk = (struct outside_spread){.on_record = on_record, .arg = spread};
        outside_walk_spread(reader, shown->index, &shape, blocks, count, level, from_ns, to_ns,
                            &spread->walk);
        spread->known = spread->all.count > 0;
    }
    free(blocks);
    return 0;
}

static double quantile(const struct vagus_distribution *distribution, double q)
{
    double value = NAN;
    return vagus_distribution_quantile(distribution, q, &value) == 0 ? value : NAN;
}

static double mean(const struct vagus_distribution *all)
{
    return all->count > 0 ? all->sum / (double)all->count : NAN;
}

void show_spread_text(const struct shown *shown, struct text *text)
{
    const struct vagus_distribution *all = &shown->spread->all;
    if (!shown->spread->known)
        return;
    const char *unit = shown->metric.unit;
    text_addf(text, "\nof %llu values", (unsigned long long)all->count);
    show_figure(text, "\nmean  ", mean(all), unit);
    show_figure(text, "\np50   ", quantile(all, 0.5), unit);
    show_figure(text, "\np90   ", quantile(all, 0.9), unit);
    show_figure(text, "\np99   ", quantile(all, 0.99), unit);
    show_figure(text, "\nmax   ", quantile(all, 1), unit);
    text_add(text, ", to ");
    text_add_value(text, vagus_distribution_error(all), "1");
}

static void add_quantiles(const struct show_spread *spread, const char *label, double q,
                          struct text *text)
{
    double values[SHOW_COLUMNS_MAX];
    unsigned first = 0;
    for (unsigned i = 0; i < spread->columns; i++)
        values[i] = quantile(&spread->each[i], q);
    while (first < spread->columns && spread->each[first].count == 0)
        first++;
    text_add(text, label);
    spark_draw(values + first, spread->columns - first, NAN, NAN, text);
    text_add(text, "\n");
}

void show_spread_lines(const struct shown *shown, struct text *text)
{
    if (!shown->spread->known)
        return;
    add_quantiles(shown->spread, "p50   ", 0.5, text);
    add_quantiles(shown->spread, "p99   ", 0.99, text);
}

static void add_value(struct text *text, const char *key, double value)
{
    text_addf(text, ",\"%s\":", key);
    text_add_json_number(text, value);
}

void show_spread_json(const struct shown *shown, struct text *text)
{
    const struct show_spread *spread = shown->spread;
    const struct vagus_distribution *all = &spread->all;
    text_addf(text, ",\"values\":{\"count\":%llu", (unsigned long long)all->count);
    add_value(text, "sum", spread->known ? all->sum : NAN);
    add_value(text, "mean", spread->known ? mean(all) : NAN);
    add_value(text, "p50", quantile(all, 0.5));
    add_value(text, "p90", quantile(all, 0.9));
    add_value(text, "p99", quantile(all, 0.99));
    add_value(text, "max", quantile(all, 1));
    add_value(text, "error_ratio", spread->known ? vagus_distribution_error(all) : NAN);
    add_value(text, "covered_s", (double)(spread->walk.to_ns - spread->walk.from_ns) / 1e9);
    add_value(text, "step_s", (double)spread->step_ns / 1e9);
    text_add(text, ",\"steps\":[");
    const char *comma = "";
    for (unsigned i = 0; i < spread->columns; i++) {
        const struct vagus_distribution *each = &spread->each[i];
        int64_t age_ns =
            shown->now_ns - spread->end_ns + (int64_t)(spread->columns - i) * spread->step_ns;
        text_addf(text, "%s{\"age_s\":", comma);
        text_add_json_number(text, (double)age_ns / 1e9);
        text_addf(text, ",\"count\":%llu", (unsigned long long)each->count);
        add_value(text, "p50", quantile(each, 0.5));
        add_value(text, "p99", quantile(each, 0.99));
        text_add(text, "}");
        comma = ",";
    }
    text_add(text, "]}");
}
