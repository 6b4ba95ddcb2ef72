/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a test of a policy: no crash, no leak; what is accepted has bounded cases, and what
 * is refused has a fault that says why. */
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "cli/policy_test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct vagus_fault_list faults;
    struct policy_test test;
    char *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    int error = policy_test_read(&test, "/nowhere/fuzz.test.yaml", text, &faults);
    require(error == 0 || error == VAGUS_ENOMEM || faults.errors > 0);
    for (size_t i = 0; error == 0 && i < test.case_count; i++) {
        const struct policy_case *one = &test.cases[i];
        require(one->steps > 0 && one->steps <= SERIES_STEPS_MAX && one->every_ns > 0);
        require(one->metric_count > 0);
        for (size_t j = 0; j < one->metric_count; j++) {
            struct series_cursor cursor = {.random = 1};
            double value;
            for (int step = 0; step < 1000; step++)
                series_next(&one->series[j], &cursor, &value);
        }
    }
    policy_test_finish(&test);
    free(text);
    return 0;
}
