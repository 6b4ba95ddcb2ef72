/* SPDX-License-Identifier: Apache-2.0 */
/* The list of facts. */
#include "cli/doctor.h"

#include <stdio.h>

struct doctor_fact *doctor_add(struct doctor *doctor, enum doctor_section section,
                               enum doctor_gravity gravity, const char *name, const char *format,
                               ...)
{
    static struct doctor_fact spare;
    struct doctor_fact *fact = &spare;
    if (doctor->fact_count < DOCTOR_FACTS_MAX)
        fact = &doctor->facts[doctor->fact_count++];
    else
        for (unsigned i = 0; i < DOCTOR_FACTS_MAX && fact == &spare; i++)
            if (doctor->facts[i].gravity < gravity)
                fact = &doctor->facts[i];
    *fact = (struct doctor_fact){.section = section, .gravity = gravity};
    text_copy(fact->name, sizeof(fact->name), name);
    struct text text;
    va_list arguments;
    text_init(&text, fact->value, sizeof(fact->value));
    va_start(arguments, format);
    text_addv(&text, format, arguments);
    va_end(arguments);
    return fact;
}

void doctor_advise(struct doctor_fact *fact, const char *format, ...)
{
    struct text text;
    va_list arguments;
    text_init(&text, fact->action, sizeof(fact->action));
    va_start(arguments, format);
    text_addv(&text, format, arguments);
    va_end(arguments);
}

enum doctor_gravity doctor_gravity(const struct doctor *doctor)
{
    enum doctor_gravity gravity = DOCTOR_FINE;
    for (unsigned i = 0; i < doctor->fact_count; i++)
        if (doctor->facts[i].gravity > gravity)
            gravity = doctor->facts[i].gravity;
    return gravity;
}
