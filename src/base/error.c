/* SPDX-License-Identifier: Apache-2.0 */
/* Names and messages of the error table, the version, and a bounded list of faults. */
#include <stdarg.h>
#include <string.h>

#include "base/fault.h"
#include "base/text.h"
#include "vagus/base.h"

const char *vagus_error_message(int error)
{
    switch (error) {
    case 0:
        return "success";
#define MESSAGE_CASE(name, value, message)                                                         \
    case name:                                                                                     \
        return message;
        VAGUS_ERROR_TABLE(MESSAGE_CASE)
#undef MESSAGE_CASE
    default:
        return "unknown error";
    }
}

const char *vagus_error_name(int error)
{
    switch (error) {
    case 0:
        return "0";
#define NAME_CASE(name, value, message)                                                            \
    case name:                                                                                     \
        return #name;
        VAGUS_ERROR_TABLE(NAME_CASE)
#undef NAME_CASE
    default:
        return "?";
    }
}

#define VERSION_TEXT_(x) #x
#define VERSION_TEXT(x) VERSION_TEXT_(x)

const char *vagus_version(void)
{
    return VERSION_TEXT(VAGUS_VERSION_MAJOR) "." VERSION_TEXT(VAGUS_VERSION_MINOR) "." VERSION_TEXT(
        VAGUS_VERSION_PATCH);
}

void fault_list_init(struct vagus_fault_list *list, const char *source)
{
    if (list == NULL)
        return;
    list->count = list->total = list->errors = list->reserved = 0;
    text_copy(list->source, sizeof(list->source), source);
}

void fault_add(struct vagus_fault_list *list, const struct fault_at *at, const char *format, ...)
{
    if (list == NULL)
        return;
    list->total++;
    if (!at->warning)
        list->errors++;
    if (list->count == VAGUS_FAULTS_MAX)
        return;
    struct vagus_fault *fault = &list->faults[list->count++];
    *fault = (struct vagus_fault){
        .code = at->code, .line = at->line, .column = at->column, .warning = at->warning};
    struct text text;
    text_init(&text, fault->text, sizeof(fault->text));
    va_list arguments;
    va_start(arguments, format);
    text_addv(&text, format, arguments);
    va_end(arguments);
    if (text.length >= sizeof(fault->text)) {
        char shorter[sizeof(fault->text) - 3];
        text_copy(shorter, sizeof(shorter), fault->text); /* never ends within a character */
        text_init(&text, fault->text, sizeof(fault->text));
        text_add(&text, shorter);
        text_add(&text, "…");
    }
}
