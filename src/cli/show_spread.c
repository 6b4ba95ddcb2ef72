/* SPDX-License-Identifier: Apache-2.0 */
/* What a histogram held over time, by bucket: quantiles in all and for each column. */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/show.h"

static void on_record(const struct spread_record *record, void *arg)
{
    struct show_spread *spread = arg;
    const struct grid *grid = spread->grid;
    int64_t into_ns;
    spread_add(&spread->all, record);
    /* A stretch begins after its first nanosecond. */
    if (!__builtin_sub_overflow(record->from_ns, grid->first_ns, &into_ns) && into_ns >= 0 &&
        into_ns / grid->step_ns < grid->count)
        spread_add(&spread->each[into_ns / grid->step_ns], record);
}

int show_spread_read(const struct segment_reader *reader, struct shown *shown, int64_t from_ns,
                     int64_t to_ns)
{
    struct histogram_shape shape;
    if (!spread_shape(&shown->metric, &shape) || shown->grid.count > SHOW_SPREADS_MAX)
        return 0;
    struct show_spread *spread = calloc(1, sizeof(*spread));
    struct outside_block *blocks = calloc((size_t)outside_blocks_max(reader) + 1, sizeof(*blocks));
    shown->spread = spread;
    if (spread != NULL)
        spread->each = calloc(shown->grid.count, sizeof(*spread->each));
    if (spread == NULL || spread->each == NULL || blocks == NULL) {
        free(blocks);
        return VAGUS_ENOMEM;
    }
    spread->grid = &shown->grid;
    uint32_t count = outside_list_spread(reader, shown->index, blocks);
    histogram_empty(&shape, &spread->all);
    for (unsigned i = 0; i < shown->grid.count; i++)
        histogram_empty(&shape, &spread->each[i]);
    if (count > 0) {
        unsigned level = blocks[outside_level_for(blocks, count, from_ns)].level;
        spread->walk = (struct outside_spread){.on_record = on_record, .arg = spread};
        outside_walk_spread(reader, shown->index, &shape, blocks, count, level, from_ns, to_ns,
                            &spread->walk);
        spread->known = spread->all.count > 0;
    }
    free(blocks);
    return 0;
}

double show_quantile(const struct vagus_distribution *distribution, double q)
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
    show_figure(text, "\np50   ", show_quantile(all, 0.5), unit);
    show_figure(text, "\np90   ", show_quantile(all, 0.9), unit);
    show_figure(text, "\np99   ", show_quantile(all, 0.99), unit);
    show_figure(text, "\nmax   ", show_quantile(all, 1), unit);
    text_add(text, ", to ");
    text_add_value(text, vagus_distribution_error(all), "1");
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
    add_value(text, "p50", show_quantile(all, 0.5));
    add_value(text, "p90", show_quantile(all, 0.9));
    add_value(text, "p99", show_quantile(all, 0.99));
    add_value(text, "max", show_quantile(all, 1));
    add_value(text, "error_ratio", spread->known ? vagus_distribution_error(all) : NAN);
    add_value(text, "covered_s",
              (double)clock_span_ns(spread->walk.from_ns, spread->walk.to_ns) / 1e9);
    const struct grid *grid = spread->grid;
    add_value(text, "step_s", (double)grid->step_ns / 1e9);
    text_add(text, ",\"steps\":[");
    const char *comma = "";
    for (unsigned i = 0; i < grid->count; i++) {
        const struct vagus_distribution *each = &spread->each[i];
        int64_t at_ns = grid->first_ns + (int64_t)i * grid->step_ns;
        text_addf(text, "%s{\"age_s\":", comma);
        text_add_json_number(text, (double)clock_span_ns(at_ns, shown->now_ns) / 1e9);
        text_addf(text, ",\"count\":%llu", (unsigned long long)each->count);
        add_value(text, "p50", show_quantile(each, 0.5));
        add_value(text, "p99", show_quantile(each, 0.99));
        text_add(text, "}");
        comma = ",";
    }
    text_add(text, "]}");
}
