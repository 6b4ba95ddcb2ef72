/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor found, as text: a section for each question, then what to change, the gravest
 * first; and as one JSON object. */
#include <math.h>
#include <string.h>

#include "cli/doctor.h"
#include "report/screen.h"

static const struct {
    const char *key, *title;
} sections[] = {
    [DOCTOR_SENSES] = {"senses", "What is felt"},
    [DOCTOR_MACHINE] = {"machine", "What this place allows"},
    [DOCTOR_BLACK_BOX] = {"black_box", "What the black box outlives"},
    [DOCTOR_COST] = {"cost", "What it costs"},
    [DOCTOR_SOCKETS] = {"sockets", "Sockets"},
};

static const char *const gravities[] = {
    [DOCTOR_FINE] = "ok", [DOCTOR_CHANGE] = "worth_changing", [DOCTOR_SERIOUS] = "serious"};

static enum screen_style style_of(enum doctor_gravity gravity)
{
    return gravity == DOCTOR_FINE     ? SCREEN_PLAIN
           : gravity == DOCTOR_CHANGE ? SCREEN_WARN
                                      : SCREEN_BAD;
}

/* --- Text. --- */

static void add_safe(struct screen *screen, enum screen_style style, const char *string)
{
    char safe[1024];
    struct text text;
    text_init(&text, safe, sizeof(safe));
    text_add_safe(&text, string, 800);
    screen_words(screen, style, safe);
}

static void add_title(struct screen *screen, enum doctor_section section)
{
    screen_line(screen, 0);
    screen_add(screen, SCREEN_BOLD, sections[section].title);
    screen_line(screen, 20);
}

static void add_facts(const struct doctor *doctor, enum doctor_section section,
                      struct screen *screen)
{
    for (unsigned i = 0; i < doctor->fact_count; i++) {
        const struct doctor_fact *fact = &doctor->facts[i];
        if (fact->section != section)
            continue;
        screen_to(screen, 2);
        screen_add(screen, SCREEN_DIM, fact->name);
        screen_to(screen, 20);
        add_safe(screen, style_of(fact->gravity), fact->value);
        screen_line(screen, 20);
    }
}

static void add_headline(const struct doctor *doctor, struct screen *screen)
{
    enum doctor_gravity gravity = doctor_gravity(doctor);
    unsigned felt = 0, metrics = 0, actions = 0;
    for (unsigned i = 0; i < doctor->sense_count; i++) {
        felt += doctor->senses[i].felt;
        metrics += doctor->senses[i].metrics;
    }
    for (unsigned i = 0; i < doctor->fact_count; i++)
        actions += doctor->facts[i].gravity > DOCTOR_FINE;
    screen_add(screen, SCREEN_BOLD, "vagus doctor: ");
    screen_add(screen, gravity == DOCTOR_FINE ? SCREEN_GOOD : style_of(gravity),
               gravity == DOCTOR_FINE     ? "OK"
               : gravity == DOCTOR_CHANGE ? "WORTH CHANGING"
                                          : "SERIOUS");
    screen_addf(screen, SCREEN_BOLD, " — %u of %u metrics are felt", felt, metrics);
    if (actions > 0)
        screen_addf(screen, SCREEN_BOLD, ", %u thing%s to change", actions,
                    actions == 1 ? "" : "s");
    screen_line(screen, 0);
}

static void add_senses(const struct doctor *doctor, struct screen *screen)
{
    add_title(screen, DOCTOR_SENSES);
    for (unsigned i = 0; i < doctor->sense_count; i++) {
        const struct doctor_sense *sense = &doctor->senses[i];
        enum screen_style style = sense->hung || (sense->error != 0 && sense->felt == 0 &&
                                                  sense->error != VAGUS_EUNSUPPORTED)
                                      ? SCREEN_WARN
                                  : sense->felt > 0 ? SCREEN_GOOD
                                                    : SCREEN_DIM;
        screen_to(screen, 2);
        screen_add(screen, SCREEN_PLAIN, sense->name);
        screen_to(screen, 20);
        screen_addf(screen, style, "%u of %u", sense->felt, sense->metrics);
        screen_to(screen, 30);
        screen_cut(screen, SCREEN_DIM, sense->help);
        screen_line(screen, 20);
    }
    add_facts(doctor, DOCTOR_SENSES, screen);
}

static void add_cost(struct screen *screen, double ns)
{
    if (isnan(ns))
        screen_add(screen, SCREEN_DIM, "-");
    else if (ns < 1e6)
        screen_addf(screen, SCREEN_PLAIN, "%.1f µs", ns / 1e3);
    else
        screen_addf(screen, SCREEN_PLAIN, "%.1f ms", ns / 1e6);
}

static void add_costs(const struct doctor *doctor, struct screen *screen)
{
    add_title(screen, DOCTOR_COST);
    screen_to(screen, 2);
    screen_add(screen, SCREEN_DIM, "all tiers at once");
    screen_to(screen, 30);
    screen_add(screen, SCREEN_DIM, "warm");
    screen_to(screen, 42);
    screen_add(screen, SCREEN_DIM, "after 100 ms of rest");
    screen_line(screen, 20);
    for (unsigned i = 0; i <= doctor->sense_count; i++) {
        bool last = i == doctor->sense_count;
        const struct doctor_sense *sense = &doctor->senses[i];
        if (!last && isnan(sense->warm_ns))
            continue;
        screen_to(screen, 2);
        screen_add(screen, SCREEN_PLAIN, last ? "a tick of 100 ms" : sense->name);
        screen_to(screen, 30);
        add_cost(screen, last ? doctor->tick_warm_ns : sense->warm_ns);
        screen_to(screen, 42);
        add_cost(screen, last ? doctor->tick_cold_ns : sense->cold_ns);
        if (!last && sense->lane)
            screen_add(screen, SCREEN_DIM, "  in a lane of its own");
        screen_line(screen, 20);
    }
    for (unsigned i = 0; i < doctor->call_count; i++) {
        screen_to(screen, 2);
        add_safe(screen, SCREEN_PLAIN, doctor->calls[i].name);
        screen_to(screen, 42);
        add_cost(screen, doctor->calls[i].seconds * 1e9);
        screen_line(screen, 20);
    }
    if (!isnan(doctor->cpu_ratio)) {
        screen_to(screen, 2);
        screen_addf(screen, SCREEN_PLAIN, "in all %.2f %% of one core, as measured for a second",
                    doctor->cpu_ratio * 100);
        screen_line(screen, 20);
    }
    add_facts(doctor, DOCTOR_COST, screen);
}

static void add_sockets(const struct doctor *doctor, struct screen *screen)
{
    const struct host_own_sockets *sockets = &doctor->sockets;
    char item[64];
    add_title(screen, DOCTOR_SOCKETS);
    screen_to(screen, 2);
    screen->indent = 2;
    if (doctor->sockets_pid > 0)
        screen_addf(screen, SCREEN_PLAIN, "of process %ld: ", doctor->sockets_pid);
    else
        screen_add(screen, SCREEN_PLAIN, "of this command (-p PID for another process): ");
    if (doctor->sockets_error != 0) {
        screen_words(screen, SCREEN_WARN, vagus_error_message(doctor->sockets_error));
        screen_line(screen, 0);
        return;
    }
    snprintf(item, sizeof(item), "%u%s in all", sockets->all, sockets->cut ? " and more" : "");
    screen_item(screen, SCREEN_PLAIN, item);
    for (unsigned i = 0; i < HOST_TCP_STATES; i++) {
        snprintf(item, sizeof(item), "tcp %s %u", host_tcp_state_name(i), sockets->tcp[i]);
        if (sockets->tcp[i] > 0)
            screen_item(screen, SCREEN_PLAIN, item);
    }
    const struct {
        const char *name;
        unsigned count;
    } others[] = {{"udp", sockets->udp}, {"unix", sockets->local}, {"other", sockets->other}};
    for (size_t i = 0; i < 3; i++) {
        snprintf(item, sizeof(item), "%s %u", others[i].name, others[i].count);
        if (others[i].count > 0)
            screen_item(screen, SCREEN_PLAIN, item);
    }
    screen_line(screen, 0);
}

static void add_actions(const struct doctor *doctor, struct screen *screen)
{
    unsigned number = 0;
    for (int gravity = DOCTOR_SERIOUS; gravity > DOCTOR_FINE; gravity--)
        for (unsigned i = 0; i < doctor->fact_count; i++) {
            const struct doctor_fact *fact = &doctor->facts[i];
            if ((int)fact->gravity != gravity || fact->action[0] == '\0')
                continue;
            if (number++ == 0) {
                screen_line(screen, 0);
                screen_add(screen, SCREEN_BOLD, "What to change");
                screen_line(screen, 5);
            }
            screen->indent = 5;
            screen_addf(screen, style_of(fact->gravity), "  %u. ", number);
            screen_addf(screen, SCREEN_BOLD, "%s: ", fact->name);
            add_safe(screen, SCREEN_PLAIN, fact->action);
            screen_line(screen, 5);
        }
}

void doctor_text(const struct doctor *doctor, bool colour, struct text *text)
{
    struct screen screen;
    screen_init(&screen, text, 0, colour);
    add_headline(doctor, &screen);
    add_senses(doctor, &screen);
    add_title(&screen, DOCTOR_MACHINE);
    add_facts(doctor, DOCTOR_MACHINE, &screen);
    add_title(&screen, DOCTOR_BLACK_BOX);
    add_facts(doctor, DOCTOR_BLACK_BOX, &screen);
    add_costs(doctor, &screen);
    add_sockets(doctor, &screen);
    add_actions(doctor, &screen);
}

/* --- JSON. --- */

static void add_key(struct text *text, const char *key, const char *value)
{
    text_addf(text, "\"%s\": ", key);
    text_add_json(text, value);
}

static void add_number(struct text *text, const char *key, double value)
{
    text_addf(text, ", \"%s\": ", key);
    text_add_json_number(text, value);
}

static void add_sense_json(const struct doctor_sense *sense, struct text *text)
{
    text_add(text, "{");
    add_key(text, "name", sense->name);
    text_addf(text, ", \"lane\": %s, \"answers\": %s, \"felt\": %u, \"of\": %u, \"pending\": %u",
              sense->lane ? "true" : "false", sense->hung ? "false" : "true", sense->felt,
              sense->metrics, sense->pending);
    text_add(text, ", ");
    add_key(text, "error", vagus_error_name(sense->error));
    add_number(text, "warm_ns", sense->warm_ns);
    add_number(text, "cold_ns", sense->cold_ns);
    text_add(text, ", \"metrics\": [");
    for (unsigned i = 0; i < sense->metric_count; i++) {
        const struct doctor_metric *metric = &sense->metric[i];
        text_add(text, i == 0 ? "{" : ", {");
        add_key(text, "name", metric->name);
        text_addf(text, ", \"instances\": %u, \"state\": \"%s\", \"error\": \"%s\"}",
                  metric->instances, vagus_state_name(metric->state),
                  vagus_error_name(metric->error));
    }
    text_add(text, "]}");
}

static void add_sockets_json(const struct doctor *doctor, struct text *text)
{
    const struct host_own_sockets *sockets = &doctor->sockets;
    text_add(text, "\"sockets\": ");
    if (doctor->sockets_error != 0) {
        text_add(text, "null");
        return;
    }
    text_add(text, "{\"pid\": ");
    if (doctor->sockets_pid > 0)
        text_addf(text, "%ld", doctor->sockets_pid);
    else
        text_add(text, "null");
    text_addf(text, ", \"all\": %u, \"cut\": %s, \"tcp\": {", sockets->all,
              sockets->cut ? "true" : "false");
    bool first = true;
    for (unsigned i = 0; i < HOST_TCP_STATES; i++) {
        if (sockets->tcp[i] == 0)
            continue;
        text_addf(text, "%s\"%s\": %u", first ? "" : ", ", host_tcp_state_name(i), sockets->tcp[i]);
        first = false;
    }
    text_addf(text, "}, \"udp\": %u, \"unix\": %u, \"other\": %u}", sockets->udp, sockets->local,
              sockets->other);
}

void doctor_json(const struct doctor *doctor, struct text *text)
{
    text_add(text, "{");
    add_key(text, "verdict", gravities[doctor_gravity(doctor)]);
    text_add(text, ", \"facts\": [");
    for (unsigned i = 0; i < doctor->fact_count; i++) {
        const struct doctor_fact *fact = &doctor->facts[i];
        text_add(text, i == 0 ? "\n  {" : ",\n  {");
        add_key(text, "section", sections[fact->section].key);
        text_add(text, ", ");
        add_key(text, "name", fact->name);
        text_add(text, ", ");
        add_key(text, "gravity", gravities[fact->gravity]);
        text_add(text, ", ");
        add_key(text, "text", fact->value);
        text_add(text, ", ");
        add_key(text, "action", fact->action);
        text_add(text, "}");
    }
    text_add(text, "], \"senses\": [");
    for (unsigned i = 0; i < doctor->sense_count; i++) {
        text_add(text, i == 0 ? "\n  " : ",\n  ");
        add_sense_json(&doctor->senses[i], text);
    }
    text_add(text, "], \"calls\": [");
    for (unsigned i = 0; i < doctor->call_count; i++) {
        text_add(text, i == 0 ? "{" : ", {");
        add_key(text, "name", doctor->calls[i].name);
        add_number(text, "s", doctor->calls[i].seconds);
        text_add(text, "}");
    }
    text_add(text, "], \"container\": ");
    text_add(text, doctor->container ? "true" : "false");
    add_number(text, "memory_limit_bytes", doctor->limit_bytes);
    add_number(text, "tick_warm_ns", doctor->tick_warm_ns);
    add_number(text, "tick_cold_ns", doctor->tick_cold_ns);
    add_number(text, "cpu_ratio", doctor->cpu_ratio);
    text_add(text, ",\n");
    add_sockets_json(doctor, text);
    text_add(text, "}\n");
}
