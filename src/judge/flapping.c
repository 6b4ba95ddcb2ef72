/* SPDX-License-Identifier: Apache-2.0 */
/* A severity that is raised again and again: how far its measure came back meanwhile, and for how
 * long, tells which `clear` or `clear_for` would have kept it raised. */
#include <math.h>

#include "base/notation.h"
#include "judge/watch.h"

/* The proposed `clear` lies beyond what the measure came back to by this share of the way. */
#define BEYOND_SHARE 0.1

static bool is_better(const struct config_threshold *threshold, double a, double b)
{
    return isnan(b) || (threshold->below ? a > b : a < b);
}

/* Two digits of the way from `enter`, rounded away from it. */
static double round_outward(double clear, double enter)
{
    double way = fabs(clear - enter);
    double step = pow(10, floor(log10(way)) - 1);
    return clear > enter ? ceil(clear / step) * step : floor(clear / step) * step;
}

/* NaN if there is none within the metric's bounds. */
static double proposed_clear(const struct judge *judge, const struct watch *watch,
                             const struct config_threshold *threshold, double best)
{
    double clear = best + BEYOND_SHARE * (best - threshold->enter);
    if (watch->metric == WATCH_NO_METRIC || isnan(best) || clear == threshold->enter ||
        !isfinite(clear))
        return NAN;
    clear = round_outward(clear, threshold->enter);
    if (measures_the_metric(watch->judged)) {
        const struct metric *metric = &judge->metrics->entries[watch->metric];
        if (metric->min < metric->max && (clear <= metric->min || clear >= metric->max))
            return NAN;
    }
    return clear;
}

static void add_proposal(const struct judge *judge, const struct watch *watch, unsigned severity,
                         struct text *text)
{
    const struct config_threshold *threshold = watch_threshold(watch->rule, severity);
    const struct flips *flips = &watch->flips[severity];
    double clear = proposed_clear(judge, watch, threshold, watch->bests[severity]);
    text_addf(text, " three times within 10 min; it would have stayed with ");
    if (!isnan(clear)) {
        text_add(text, "\"clear: ");
        reason_add_value(text, judge, watch, clear);
        text_add(text, "\" or ");
    }
    text_addf(text, "\"clear_for: %llds\"",
              (long long)(flips_proposed_ns(flips) / VAGUS_SECOND_NS));
}

static void tell(struct judge *judge, struct watch *watch, unsigned severity, int64_t now_ns)
{
    struct flap *flap = judge_flap(judge);
    struct text text;
    if (flap == NULL)
        return;
    text_init(&text, flap->text, sizeof(flap->text));
    text_addf(&text, "flapping: rule %s, %s", watch->rule->name,
              vagus_signal_kind_name(severity_kind(severity)));
    if (watch->metric != WATCH_NO_METRIC) {
        const struct segment_metric *described = metrics_describe(judge->metrics, watch->metric);
        text_add(&text, ", ");
        notation_add(&text, described->name, described->label, described->instance);
    }
    flap->key_length =
        (unsigned)(text.length < sizeof(flap->text) ? text.length : sizeof(flap->text) - 1);
    add_proposal(judge, watch, severity, &text);
    watch->flips[severity].told_ns = now_ns;
}

void flapping_step(struct judge *judge, struct watch *watch, unsigned severity,
                   enum severity_event event, int64_t cleared_ns, int64_t now_ns)
{
    const struct config_threshold *threshold = watch_threshold(watch->rule, severity);
    struct flips *flips = &watch->flips[severity];
    double *best = &watch->bests[severity];
    bool raised = watch->severities[severity].phase == SEVERITY_RAISED;
    watch->raised_once = true;
    if (event == SEVERITY_RAISE) {
        bool first = flips->at_ns[1] == 0 || now_ns - flips->at_ns[1] > FLIPS_WITHIN_NS;
        if (flips_add(flips, cleared_ns != 0 ? now_ns - cleared_ns : -1, now_ns))
            tell(judge, watch, severity, now_ns);
        if (first)
            *best = NAN;
    } else if ((!raised || event == SEVERITY_END) && watch->known && flips->at_ns[1] != 0 &&
               is_better(threshold, watch->measure, *best)) {
        *best = watch->measure;
    }
}

struct flap *judge_flap(struct judge *judge)
{
    return judge->flap_count < FLAPS_MAX ? &judge->flaps[judge->flap_count++] : NULL;
}

unsigned judge_flaps(struct judge *judge, const struct flap **flaps)
{
    unsigned count = judge->flap_count;
    *flaps = judge->flaps;
    judge->flap_count = 0;
    return count;
}
