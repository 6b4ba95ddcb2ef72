/* SPDX-License-Identifier: Apache-2.0 */
/* schema.def as libcyaml's schema. libcyaml has no defaults and accepts too much (see
 * docs/policies.md), so it only ever reads text that this module wrote. */
#include "config/fill.h"

#include <cyaml/cyaml.h>

#include "base/text.h"
#include "vagus/metric.h"

/* The wrong member type for a key does not compile. */
#define IS_BOOL(x) _Generic((x), bool : 1, default : 0)
#define IS_COUNT(x) _Generic((x), uint32_t : 1, default : 0)
#define IS_BYTES(x) _Generic((x), uint64_t : 1, default : 0)
#define IS_AMOUNT(x) _Generic((x), uint64_t : 1, default : 0)
#define IS_SHARE(x) _Generic((x), double : 1, default : 0)
#define IS_TIME(x) _Generic((x), int64_t : 1, default : 0)
#define IS_VALUE(x) _Generic((x), double : 1, default : 0)
#define IS_LIMIT(x) _Generic((x), double : 1, default : 0)
#define IS_WORD(x) _Generic((x), int : 1, default : 0)
#define IS_STRING(x) _Generic((x), char * : 1, default : 0)
#define IS_NAME IS_STRING
#define IS_TEXT IS_STRING
#define IS_KIND IS_STRING
#define IS_CHOICE IS_STRING
#define IS_ABSOLUTE IS_STRING
#define IS_PRESENT IS_BOOL
#define IS_HAS IS_BOOL
#define IS_FORM IS_COUNT
#define IS_LINE IS_COUNT
#define IS_CONTENT(x) _Generic((x), uint64_t : 1, default : 0)
#define FITS(type, member, kind)                                                                   \
    _Static_assert(IS_##kind(((type *)NULL)->member), "the member of this key has another type");
#define SCHEMA(id, type, what)
#define KEY(type, key, kind, member, absent, least, most, of, help) FITS(type, member, kind)
#define LIST(type, key, kind, member, counter, absent, least, most, of, help)                      \
    FITS(type, counter, COUNT)
#define MANY(type, key, id, member, counter, least, most, help) FITS(type, counter, COUNT)
#define SECTION(type, key, id, help)
#define PART(type, key, member, id, help)
#define TOLD(type, key, kind, member, of) FITS(type, member, kind)
#define END(id)
#include "config/schema.def"
#undef SCHEMA
#undef KEY
#undef LIST
#undef MANY
#undef SECTION
#undef PART
#undef TOLD
#undef END

#define OPTIONAL CYAML_FLAG_OPTIONAL
#define STRING(key, type, member)                                                                  \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | OPTIONAL, type, member, 0, CYAML_UNLIMITED)
#define FIELD_BOOL(key, type, member) CYAML_FIELD_BOOL(key, OPTIONAL, type, member)
#define FIELD_COUNT(key, type, member) CYAML_FIELD_UINT(key, OPTIONAL, type, member)
#define FIELD_BYTES FIELD_COUNT
#define FIELD_TIME(key, type, member) CYAML_FIELD_INT(key, OPTIONAL, type, member)
#define FIELD_VALUE(key, type, member)                                                             \
    CYAML_FIELD_FLOAT(key, OPTIONAL | CYAML_FLAG_STRICT, type, member)
#define FIELD_AMOUNT FIELD_COUNT
#define FIELD_SHARE FIELD_VALUE
#define FIELD_LIMIT FIELD_VALUE
#define FIELD_WORD FIELD_TIME
#define FIELD_NAME STRING
#define FIELD_TEXT STRING
#define FIELD_KIND STRING
#define FIELD_CHOICE STRING
#define FIELD_ABSOLUTE STRING
#define FIELD_PRESENT FIELD_BOOL
#define FIELD_HAS FIELD_BOOL
#define FIELD_FORM FIELD_COUNT
#define FIELD_LINE FIELD_COUNT
#define FIELD_CONTENT FIELD_COUNT
#define ENTRY_PATHS text_entry
#define ENTRY_METRICS text_entry
#define ENTRY_PATTERNS text_entry
#define ENTRY_SENSES text_entry
#define ENTRY_CHOICES text_entry
#define ENTRY_NAMES text_entry

static const cyaml_schema_value_t text_entry = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED),
};

#define SCHEMA(id, type, what)                                                                     \
    typedef type id##_struct;                                                                      \
    static const cyaml_schema_field_t id##_fields[] = {
#define KEY(type, key, kind, member, absent, least, most, of, help) FIELD_##kind(key, type, member),
#define LIST(type, key, kind, member, counter, absent, least, most, of, help)                      \
    CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER, type, member, counter, &ENTRY_##kind, 0,   \
                               CYAML_UNLIMITED),
#define MANY(type, key, id, member, counter, least, most, help)                                    \
    CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER, type, member, counter, &id##_entry, 0,     \
                               CYAML_UNLIMITED),
/* A section fills the struct that it stands in, hence offset 0. */
#define SECTION(type, key_, id, help)                                                              \
    {.key = key_,                                                                                  \
     .data_offset = 0,                                                                             \
     .value = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, type, id##_fields)}},
#define PART(type, key, member, id, help)                                                          \
    CYAML_FIELD_MAPPING(key, CYAML_FLAG_DEFAULT, type, member, id##_fields),
#define TOLD(type, key, kind, member, of) FIELD_##kind(key, type, member),
#define END(id)                                                                                    \
    CYAML_FIELD_END                                                                                \
    }                                                                                              \
    ;                                                                                              \
    __attribute__((unused)) static const cyaml_schema_value_t id##_entry = {                       \
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, id##_struct, id##_fields)};
#include "config/schema.def"

static const cyaml_schema_value_t policy_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct vagus_config, policy_fields),
};

/* Keeps the first complaint; what follows it is a trace of where libcyaml was. */
__attribute__((format(printf, 3, 0))) static void keep_first(cyaml_log_t level, void *context,
                                                             const char *format, va_list arguments)
{
    struct text *text = context;
    if (level >= CYAML_LOG_ERROR && text->length == 0)
        text_addv(text, format, arguments);
}

static const cyaml_config_t silent = {
    .mem_fn = cyaml_mem,
    .log_level = CYAML_LOG_ERROR,
    .flags = CYAML_CFG_NO_ALIAS,
};

int fill_config(const char *text, size_t length, struct vagus_config **config, char *why,
                size_t why_bytes)
{
    struct text complaint;
    text_init(&complaint, why, why_bytes);
    cyaml_config_t settings = silent;
    settings.log_fn = keep_first;
    settings.log_ctx = &complaint;
    cyaml_data_t *data = NULL;
    cyaml_err_t error =
        cyaml_load_data((const uint8_t *)text, length, &settings, &policy_value, &data, NULL);
    switch (error) {
    case CYAML_OK:
        if (data == NULL)
            return VAGUS_EPOLICY;
        *config = data;
        return 0;
    case CYAML_ERR_OOM:
    /* libyaml has but one way to fail on a text that it has no quarrel with. */
    case CYAML_ERR_LIBYAML_PARSER_INIT:
    case CYAML_ERR_LIBYAML_EVENT_INIT:
    case CYAML_ERR_LIBYAML_PARSER:
        return VAGUS_ENOMEM;
    default:
        return VAGUS_EPOLICY;
    }
}

void config_free(struct vagus_config *config)
{
    cyaml_free(&silent, &policy_value, config, 0);
}
