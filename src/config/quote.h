/* SPDX-License-Identifier: Apache-2.0 */
/* Words of a policy inside a fault: cut, and harmless to a terminal. */
#ifndef CONFIG_QUOTE_H
#define CONFIG_QUOTE_H

#include "base/text.h"

/* Returned by value, so that it lives as long as the call in which it is made. */
struct quote {
    char text[64];
};

static inline struct quote quote_plain(const char *string)
{
    struct quote quote;
    struct text text;
    text_init(&text, quote.text, sizeof(quote.text));
    text_add_safe(&text, string, 48);
    return quote;
}

static inline struct quote quote(const char *string)
{
    struct quote quoted;
    struct text text;
    text_init(&text, quoted.text, sizeof(quoted.text));
    text_add(&text, "\"");
    text_add_safe(&text, string, 48);
    text_add(&text, "\"");
    return quoted;
}

#endif
