/* SPDX-License-Identifier: Apache-2.0 */
/* How a metric's instance is written and read: agent.tool.calls{tool=browser}. */
#ifndef BASE_NOTATION_H
#define BASE_NOTATION_H

#include "base/text.h"
#include "vagus/metric.h"

/* name{label=instance} with its final 0. */
#define NOTATION_MAX (VAGUS_NAME_MAX + VAGUS_LABEL_MAX + VAGUS_INSTANCE_MAX + 2)

/* What was written. name{x=y} may mean the label x and the instance y, or the instance "x=y" with
 * its label left out: who looks it up tries both. */
struct notation {
    char name[VAGUS_NAME_MAX];
    char inner[VAGUS_LABEL_MAX + VAGUS_INSTANCE_MAX]; /* between the braces; "": there are none */
    char label[VAGUS_LABEL_MAX];                      /* "": left out */
    char instance[VAGUS_INSTANCE_MAX];                /* what follows the label */
};

/* False if it is no name, or longer than any. */
bool notation_parse(const char *written, struct notation *notation);

/* Whether it means the metric of this name, label and instance ("" if it has none). */
bool notation_means(const struct notation *notation, const char *name, const char *label,
                    const char *instance);

/* Writes it, escaped for a terminal; an empty instance is left out with its braces. */
void notation_add(struct text *text, const char *name, const char *label, const char *instance);

/* Writes it as it is looked up by: not escaped. */
void notation_key(char key[NOTATION_MAX], const char *name, const char *label,
                  const char *instance);

#endif
