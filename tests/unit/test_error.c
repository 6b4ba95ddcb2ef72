/* SPDX-License-Identifier: Apache-2.0 */
/* The error table and the bounded list of faults. */
#include "base/fault.h"
#include "check.h"
#include "vagus/base.h"

static void every_error_has_words(void)
{
#define CHECK_WORDS(name, value, message)                                                          \
    CHECK_EQ(name, value);                                                                         \
    CHECK_STR(vagus_error_message(name), message);                                                 \
    CHECK_STR(vagus_error_name(name), #name);
    VAGUS_ERROR_TABLE(CHECK_WORDS)
#undef CHECK_WORDS
    CHECK_STR(vagus_error_message(0), "success");
    CHECK_STR(vagus_error_name(0), "0");
    CHECK_STR(vagus_error_message(-999), "unknown error");
    CHECK_STR(vagus_error_message(1), "unknown error");
    CHECK_STR(vagus_error_name(12345), "?");
}

/* Programs store these numbers. */
static void numbers_are_stable(void)
{
    CHECK_EQ(VAGUS_EINVAL, -1);
    CHECK_EQ(VAGUS_ENOMEM, -2);
    CHECK_EQ(VAGUS_EPOLICY, -12);
    CHECK_EQ(VAGUS_EABANDONED, -17);
}

static void version_has_three_parts(void)
{
    unsigned major, minor, patch;
    char rest;
    CHECK_EQ(sscanf(vagus_version(), "%u.%u.%u%c", &major, &minor, &patch, &rest), 3);
    CHECK_EQ(major, VAGUS_VERSION_MAJOR);
    CHECK_EQ(minor, VAGUS_VERSION_MINOR);
    CHECK_EQ(patch, VAGUS_VERSION_PATCH);
}

static void faults_are_counted_beyond_the_list(void)
{
    static struct vagus_fault_list list;
    fault_list_init(&list, "a file");
    CHECK_STR(list.source, "a file");
    for (int i = 0; i < VAGUS_FAULTS_MAX + 10; i++)
        fault_add(
            &list,
            &(struct fault_at){
                .code = VAGUS_EPOLICY, .line = (uint32_t)i + 1, .column = 2, .warning = i % 2 == 1},
            "fault %d", i);
    CHECK_EQ(list.count, VAGUS_FAULTS_MAX);
    CHECK_EQ(list.total, VAGUS_FAULTS_MAX + 10);
    CHECK_EQ(list.errors, (VAGUS_FAULTS_MAX + 10) / 2);
    CHECK_STR(list.faults[3].text, "fault 3");
    CHECK_EQ(list.faults[3].line, 4);
    CHECK_EQ(list.faults[3].warning, 1);
    fault_list_init(&list, "another");
    CHECK_EQ(list.count, 0);
    CHECK_EQ(list.total, 0);
    CHECK_EQ(list.errors, 0);
}

static void long_faults_are_cut(void)
{
    static struct vagus_fault_list list;
    char long_text[1000];
    memset(long_text, 'x', sizeof(long_text));
    long_text[999] = '\0';
    fault_list_init(&list, long_text);
    fault_add(&list, &(struct fault_at){.code = VAGUS_EIO}, "%s", long_text);
    CHECK_EQ(strlen(list.faults[0].text), sizeof(list.faults[0].text) - 1);
    CHECK_STR(list.faults[0].text + sizeof(list.faults[0].text) - 6, "xx…");
    CHECK_EQ(strlen(list.source), sizeof(list.source) - 1);
}

static void no_list_is_fine(void)
{
    fault_list_init(NULL, "x");
    fault_add(NULL, &(struct fault_at){.code = VAGUS_EIO}, "nobody listens");
}

int main(void)
{
    RUN(every_error_has_words);
    RUN(numbers_are_stable);
    RUN(version_has_three_parts);
    RUN(faults_are_counted_beyond_the_list);
    RUN(long_faults_are_cut);
    RUN(no_list_is_fine);
    return check_result();
}
