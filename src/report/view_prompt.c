/* SPDX-License-Identifier: Apache-2.0 */
/* The snapshot for a language model's prompt. Whoever can choose a byte of it speaks to the model,
 * so all that stands here is one of three: words of this file, numbers, and names of one word that
 * the policy or the host's code gave. What a page, a tool, a path, a device or a message can bring
 * into a snapshot (instances, reasons, metrics that were defined by being recorded, units) is never
 * copied, whatever characters it is made of: it is told by its kind and number. */
#include <math.h>
#include <string.h>

#include "report/findings.h"
#include "report/view.h"

#define PROMPT_NAME_MAX 32
#define TAIL_MAX 18 /* " 99 more not told." */
#define SENTENCE_MAX 240
#define SOON_S 3600.0
#define SOON_STANDING_S 900.0

struct prompt {
    const struct vagus_system_snapshot *snapshot;
    int64_t now_ns;
    enum vagus_verdict verdict;
    struct text text;
    size_t limit; /* of text.length */
    unsigned left_out;
};

/* A sentence under way. */
struct sentence {
    char buffer[SENTENCE_MAX];
    struct text text;
};

static void begin(struct sentence *sentence)
{
    text_init(&sentence->text, sentence->buffer, sizeof(sentence->buffer));
}

/* Adds a sentence if it fits as a whole; from the first that does not, none. */
static void append(struct prompt *prompt, const char *string, size_t length)
{
    size_t space = prompt->text.length > 0;
    if (prompt->left_out > 0 || prompt->text.length + space + length + TAIL_MAX > prompt->limit) {
        prompt->left_out++;
        return;
    }
    text_add(&prompt->text, space ? " " : "");
    text_add(&prompt->text, string);
}

static void tell(struct prompt *prompt, const struct sentence *sentence)
{
    static const char ok[] = "Vagus: state ok.";
    if (text_cut(&sentence->text)) /* none can be so long */
        return;
    /* All is well but for what follows. */
    if (prompt->text.length == 0 && prompt->left_out == 0 && prompt->verdict == VAGUS_VERDICT_OK)
        append(prompt, ok, sizeof(ok) - 1);
    append(prompt, sentence->buffer, sentence->text.length);
}

/* A name that the policy gave, or its kind and number. */
static void add_name(struct text *text, const char *kind, unsigned number, const char *field,
                     size_t bytes)
{
    char copy[VIEW_STRING_MAX];
    if (text_is_name(view_string(copy, field, bytes), PROMPT_NAME_MAX))
        text_add(text, copy);
    else
        text_addf(text, "%s %u", kind, number);
}
#define ADD_NAME(text, kind, number, field) add_name(text, kind, number, field, sizeof(field))

/* Never less than a second, in no other units than s, min, h and d. */
static void add_span_s(struct text *text, double seconds)
{
    seconds = seconds >= 1 ? fmin(seconds, 1e9) : 1; /* NaN too */
    text_add_duration(text, (int64_t)seconds * VAGUS_SECOND_NS);
}

static void add_span_since(struct text *text, int64_t at_ns, int64_t now_ns)
{
    add_span_s(text, (double)report_span_ns(at_ns, now_ns) / 1e9);
}

static void tell_verdict(struct prompt *prompt)
{
    const struct vagus_system_snapshot *s = prompt->snapshot;
    struct sentence sentence;
    if (prompt->verdict == VAGUS_VERDICT_OK)
        return;
    begin(&sentence);
    text_addf(&sentence.text, "Vagus: state %s", vagus_verdict_name(prompt->verdict));
    if (prompt->verdict == VAGUS_VERDICT_UNKNOWN && s->published_ns == 0) {
        text_add(&sentence.text, ", nothing was sensed yet");
    } else if (prompt->verdict == VAGUS_VERDICT_UNKNOWN) {
        text_add(&sentence.text, ", what follows is ");
        add_span_since(&sentence.text, s->published_ns, prompt->now_ns);
        text_add(&sentence.text, " old");
    }
    text_add(&sentence.text, ".");
    tell(prompt, &sentence);
}

static void tell_signal(struct prompt *prompt, unsigned number, bool with_advice)
{
    const struct vagus_snapshot_signal *signal = &prompt->snapshot->signals[number];
    struct sentence sentence;
    begin(&sentence);
    text_add(&sentence.text, signal->kind == VAGUS_SHUTDOWN   ? "Shutdown"
                             : signal->kind == VAGUS_DEFER    ? "Defer"
                             : signal->kind == VAGUS_THROTTLE ? "Throttle"
                                                              : "Signal");
    text_add(&sentence.text, " for ");
    ADD_NAME(&sentence.text, "resource", number + 1, signal->resource);
    text_add(&sentence.text, " since ");
    add_span_since(&sentence.text, signal->since_ns, prompt->now_ns);
    text_add(&sentence.text, " (rule ");
    ADD_NAME(&sentence.text, "number", number + 1, signal->rule);
    text_add(&sentence.text, ")");
    if (with_advice)
        text_addf(&sentence.text, ": %s", view_signal_advice(signal->kind));
    text_add(&sentence.text, ".");
    tell(prompt, &sentence);
}

static void tell_signals(struct prompt *prompt)
{
    const struct vagus_system_snapshot *s = prompt->snapshot;
    uint32_t advised = 0;
    for (uint32_t i = 0; i < view_signal_count(s); i++) {
        tell_signal(prompt, i, (s->signals[i].kind & ~advised) != 0);
        advised |= s->signals[i].kind;
    }
    if (s->signal_count > VAGUS_SNAPSHOT_SIGNALS) {
        struct sentence sentence;
        begin(&sentence);
        text_addf(&sentence.text, "%u more signals are raised.",
                  s->signal_count - VAGUS_SNAPSHOT_SIGNALS);
        tell(prompt, &sentence);
    }
}

/* The first mode of a policy is the one in which nothing is wrong. */
static void tell_mode(struct prompt *prompt)
{
    const struct vagus_snapshot_mode *mode = &prompt->snapshot->mode;
    struct sentence sentence;
    if (mode->name[0] == '\0' || (mode->index == 0 && mode->waits_for[0] == '\0'))
        return;
    begin(&sentence);
    text_add(&sentence.text, "Mode ");
    ADD_NAME(&sentence.text, "number", mode->index, mode->name);
    text_add(&sentence.text, " since ");
    add_span_since(&sentence.text, mode->since_ns, prompt->now_ns);
    if (mode->waits_for[0] != '\0') {
        text_add(&sentence.text, ", consent is awaited for ");
        ADD_NAME(&sentence.text, "another mode, of", mode->count, mode->waits_for);
    }
    text_add(&sentence.text, ".");
    tell(prompt, &sentence);
}

/* Whether a budget will be used up soon for its kind. */
/* What has no window is taken and comes back: the pace of a moment tells nothing as long as half of
 * it is left. */
static bool ends_soon(const struct vagus_snapshot_budget *budget, int64_t now_ns)
{
    const struct vagus_reading *in = &budget->exhausted_in;
    if (budget->window_ns <= 0 && (double)budget->status.left > (double)budget->status.limit / 2)
        return false;
    double soon_s =
        budget->window_ns > 0 ? fmin(SOON_S, (double)budget->window_ns / 4e9) : SOON_STANDING_S;
    return vagus_reading_state(in, now_ns) == VAGUS_STATE_OK && in->value <= soon_s;
}

static void tell_budget(struct prompt *prompt, unsigned number)
{
    const struct vagus_snapshot_budget *budget = &prompt->snapshot->budgets[number];
    double limit = (double)budget->status.limit, left = (double)budget->status.left;
    bool soon = ends_soon(budget, prompt->now_ns), known = budget->status.known != 0;
    struct sentence sentence;
    if (limit == 0 || (known && left > 0.1 * limit && !soon))
        return;
    begin(&sentence);
    text_add(&sentence.text, "Budget ");
    ADD_NAME(&sentence.text, "number", number + 1, budget->name);
    if (!known)
        text_add(&sentence.text, ": what is left is not known");
    else if (left <= 0)
        text_add(&sentence.text, left < 0 ? ": overdrawn" : ": used up");
    else
        text_addf(&sentence.text, ": %u percent left", (unsigned)(100 * fmin(left / limit, 1)));
    if (soon && left > 0) {
        text_add(&sentence.text, ", used up in ");
        add_span_s(&sentence.text, budget->exhausted_in.value);
    }
    text_add(&sentence.text, ".");
    tell(prompt, &sentence);
}

/* Which path or device an instance is; 0: none that the snapshot has. */
static unsigned number_of(const struct vagus_system_snapshot *s, enum view_part_id part,
                          const char *instance)
{
    char a[VIEW_STRING_MAX], b[VIEW_STRING_MAX];
    const struct view_string *name = &view_parts[part].names[0];
    view_string(a, instance, VAGUS_INSTANCE_MAX);
    for (uint32_t i = 0; i < view_count(s, part); i++) {
        const char *element = view_element(s, part, i);
        if (a[0] != '\0' && strcmp(a, view_string(b, element + name->offset, name->bytes)) == 0)
            return i + 1;
    }
    return 0;
}

static void tell_forecast(struct prompt *prompt, unsigned number)
{
    const struct vagus_system_snapshot *s = prompt->snapshot;
    const struct vagus_snapshot_forecast *forecast = &s->forecasts[number];
    const struct vagus_reading *in = &forecast->exhausted_in;
    struct sentence sentence;
    if (vagus_reading_state(in, prompt->now_ns) != VAGUS_STATE_OK || !(in->value <= SOON_S))
        return;
    begin(&sentence);
    text_add(&sentence.text, "Forecast ");
    ADD_NAME(&sentence.text, "number", number + 1, forecast->rule);
    unsigned path = number_of(s, VIEW_path, forecast->instance);
    unsigned gpu = number_of(s, VIEW_gpu, forecast->instance);
    if (path > 0)
        text_addf(&sentence.text, " (path %u)", path);
    else if (gpu > 0)
        text_addf(&sentence.text, " (gpu %u)", gpu);
    text_add(&sentence.text, ": exhausted in ");
    add_span_s(&sentence.text, in->value);
    text_add(&sentence.text, ".");
    tell(prompt, &sentence);
}

static bool is_lost(const struct vagus_reading *reading, int64_t now_ns)
{
    enum vagus_state state = vagus_reading_state(reading, now_ns);
    return state == VAGUS_STATE_STALE || state == VAGUS_STATE_ERROR;
}

/* What should be felt and is not; when the publication is overdue, that was said. */
static void tell_unknown(struct prompt *prompt)
{
    const struct vagus_system_snapshot *s = prompt->snapshot;
    const char *separator = "Not known at present: ";
    struct sentence sentence;
    if (prompt->now_ns > s->good_until_ns)
        return;
    begin(&sentence);
    if (is_lost(&s->memory.headroom, prompt->now_ns)) {
        text_addf(&sentence.text, "%smemory headroom", separator);
        separator = ", ";
    }
    if (is_lost(&s->cpu.utilization, prompt->now_ns)) {
        text_addf(&sentence.text, "%scpu utilization", separator);
        separator = ", ";
    }
    for (unsigned i = 0; i < view_count(s, VIEW_gpu); i++)
        if (is_lost(&s->gpus[i].memory_free, prompt->now_ns)) {
            text_addf(&sentence.text, "%sgpu %u", separator, i + 1);
            separator = ", ";
        }
    for (unsigned i = 0; i < view_count(s, VIEW_path); i++)
        if (is_lost(&s->paths[i].free, prompt->now_ns)) {
            text_addf(&sentence.text, "%spath %u", separator, i + 1);
            separator = ", ";
        }
    if (sentence.text.length == 0)
        return;
    text_add(&sentence.text, ".");
    tell(prompt, &sentence);
}

static void tell_count(struct prompt *prompt, uint32_t count, const char *one, const char *several)
{
    struct sentence sentence;
    if (count == 0)
        return;
    begin(&sentence);
    text_addf(&sentence.text, "%u %s.", count, count == 1 ? one : several);
    tell(prompt, &sentence);
}

int vagus_snapshot_prompt(const struct vagus_system_snapshot *snapshot, int64_t now_ns, char *out,
                          size_t capacity)
{
    if (snapshot == NULL || out == NULL || capacity == 0)
        return VAGUS_EINVAL;
    struct prompt prompt = {.snapshot = snapshot,
                            .now_ns = now_ns,
                            .verdict = vagus_snapshot_verdict(snapshot, now_ns)};
    prompt.limit =
        capacity < VAGUS_SNAPSHOT_PROMPT_MAX ? capacity - 1 : VAGUS_SNAPSHOT_PROMPT_MAX - 1;
    text_init(&prompt.text, out, capacity);
    if (prompt.verdict != VAGUS_VERDICT_OK && prompt.verdict != VAGUS_VERDICT_DEGRADED &&
        prompt.verdict != VAGUS_VERDICT_CRITICAL)
        prompt.verdict = VAGUS_VERDICT_UNKNOWN;
    tell_verdict(&prompt);
    tell_signals(&prompt);
    tell_mode(&prompt);
    for (unsigned i = 0; i < view_count(snapshot, VIEW_budget); i++)
        tell_budget(&prompt, i);
    for (unsigned i = 0; i < view_count(snapshot, VIEW_forecast); i++)
        tell_forecast(&prompt, i);
    tell_unknown(&prompt);
    tell_count(&prompt, snapshot->monitor.failed_collectors, "sense fails", "senses fail");
    tell_count(&prompt, snapshot->monitor.hung_listeners, "service hangs", "services hang");
    if (prompt.left_out > 0 && prompt.text.length > 0 &&
        prompt.text.length + TAIL_MAX <= prompt.limit)
        text_addf(&prompt.text, " %u more not told.", prompt.left_out);
    return 0;
}
