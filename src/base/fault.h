/* SPDX-License-Identifier: Apache-2.0 */
/* Filling the bounded list of faults that the user gets to see. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "vagus/base.h"

struct fault_at {
    int32_t code;
    uint32_t line, column; /* 1-based; 0 where there is no text to point at */
    bool warning;
};

/* Both take a NULL list, and then do nothing. */
void fault_list_init(struct vagus_fault_list *list, const char *source);
void fault_add(struct vagus_fault_list *list, const struct fault_at *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
