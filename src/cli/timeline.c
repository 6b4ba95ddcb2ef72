/* SPDX-License-Identifier: Apache-2.0 */
/* How a transition is written in one line. */
#include "cli/timeline.h"

#include <inttypes.h>

#include "base/text.h"
#include "report/findings.h"

/* "1:02:03.4" hours, minutes, seconds: columns that can be read downwards. */
void timeline_begin(FILE *out, char mark, int64_t at_ns)
{
    char when[40];
    int64_t ms = at_ns / VAGUS_MILLISECOND_NS, s = ms / 1000;
    if (s >= 86400)
        snprintf(when, sizeof(when), "%" PRId64 "d %02d:%02d:%02d.%03d", s / 86400,
                 (int)(s / 3600 % 24), (int)(s / 60 % 60), (int)(s % 60), (int)(ms % 1000));
    else
        snprintf(when, sizeof(when), "%d:%02d:%02d.%03d", (int)(s / 3600), (int)(s / 60 % 60),
                 (int)(s % 60), (int)(ms % 1000));
    fprintf(out, "  %c %14s  ", mark, when);
}

void timeline_signal(FILE *out, const struct vagus_signal *signal, bool shadow)
{
    char line[1024];
    struct text text;
    text_init(&text, line, sizeof(line));
    if (signal->kind == VAGUS_MODE_CHANGE) {
        text_addf(&text, "mode     %-8s ", signal->rule);
        text_add_safe(&text, signal->reason, sizeof(signal->reason));
        fprintf(out, "%s\n", line);
        return;
    }
    text_addf(&text, "%-8s %-8s ", vagus_signal_kind_name(signal->kind),
              report_change_name(signal->change));
    text_add_safe(&text, signal->resource, sizeof(signal->resource));
    text_add(&text, " ");
    if (signal->change != VAGUS_SIGNAL_CLEARED) {
        text_add_fixed(&text, signal->level, 2);
        text_add(&text, " ");
    }
    text_addf(&text, "by %s%s: ", signal->rule, shadow ? " (shadow)" : "");
    text_add_safe(&text, signal->reason, sizeof(signal->reason));
    fprintf(out, "%s\n", line);
}

void timeline_json(FILE *out, int64_t at_ns, const struct vagus_signal *signal, bool shadow)
{
    char line[4096];
    struct text text;
    text_init(&text, line, sizeof(line));
    text_addf(&text,
              "{\"at_ns\": %" PRId64 ", \"signal\": \"%s\", \"change\": \"%s\", \"about\": ", at_ns,
              vagus_signal_kind_name(signal->kind), report_change_name(signal->change));
    text_add_json(&text, signal->resource);
    text_add(&text, ", \"rule\": ");
    text_add_json(&text, signal->rule);
    text_add(&text, ", \"metric\": ");
    text_add_json(&text, signal->metric);
    text_add(&text, ", \"instance\": ");
    text_add_json(&text, signal->instance);
    text_add(&text, ", \"level\": ");
    text_add_json_number(&text, signal->level);
    text_add(&text, ", \"value\": ");
    text_add_json_number(&text, signal->value);
    text_addf(&text, ", \"shadow\": %s, \"reason\": ", shadow ? "true" : "false");
    text_add_json(&text, signal->reason);
    text_add(&text, "}");
    fputs(line, out);
}
