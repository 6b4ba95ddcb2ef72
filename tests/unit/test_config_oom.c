/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a policy while memory runs out: every single allocation fails once, in libyaml and
 * libcyaml as in vagus, and nothing crashes, leaks or is half done. */
#include <stdlib.h>

#include "check.h"
#include "config/config.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

#if !defined(SANITIZED) && defined(__GLIBC__)
#define INTERPOSED 1

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);

static bool counting;
static long fail_at; /* 0: never */
static long allocations, live;

static bool refuses(void)
{
    return counting && ++allocations == fail_at;
}

/* Fresh memory is dirty, so that nobody lives on luck. */
void *malloc(size_t size)
{
    void *memory = refuses() ? NULL : __libc_malloc(size);
    if (memory != NULL && counting) {
        live++;
        memset(memory, 0xa5, size);
    }
    return memory;
}

void *calloc(size_t count, size_t size)
{
    void *memory = refuses() ? NULL : __libc_calloc(count, size);
    live += memory != NULL && counting;
    return memory;
}

void *realloc(void *memory, size_t size)
{
    if (memory == NULL)
        return malloc(size);
    return refuses() ? NULL : __libc_realloc(memory, size);
}

void free(void *memory)
{
    live -= memory != NULL && counting;
    __libc_free(memory);
}
#endif

#ifdef INTERPOSED
static const char *const kinds[] = {"level", NULL};
static const struct config_vocabulary vocabulary = {kinds, NULL};
static struct vagus_fault_list faults;

/* One load with the nth allocation failing. */
static int load(const char *path, const char *text, long nth, struct vagus_config **config)
{
    fail_at = nth;
    allocations = live = 0;
    counting = true;
    int error = config_load(path, text, &vocabulary, &faults, config);
    if (error == 0)
        config_free(*config);
    counting = false;
    return error;
}

static void sweep_over(const char *path, const char *text, int wanted)
{
    static char marker;
    struct vagus_config *config = (struct vagus_config *)(void *)&marker;
    CHECK_EQ(load(path, text, 0, &config), wanted);
    long total = allocations;
    CHECK(total > 10);
    CHECK_EQ(live, 0);
    for (long nth = 1; nth <= total; nth++) {
        config = (struct vagus_config *)(void *)&marker;
        int error = load(path, text, nth, &config);
        if (error != VAGUS_ENOMEM && error != wanted)
            CHECK_FAIL_("allocation %ld of %ld: %s: %s", nth, total, vagus_error_name(error),
                        faults.faults[0].text);
        if (error != 0 && config != (struct vagus_config *)(void *)&marker)
            CHECK_FAIL_("allocation %ld of %ld: the output was touched", nth, total);
        if (error == VAGUS_ENOMEM && faults.faults[faults.count - 1].code != VAGUS_ENOMEM)
            CHECK_FAIL_("allocation %ld of %ld: no fault says that memory ran out", nth, total);
        if (live != 0)
            CHECK_FAIL_("allocation %ld of %ld: %ld left behind", nth, total, live);
    }
}
#endif

static void built_in_policy(void)
{
#ifdef INTERPOSED
    sweep_over(NULL, NULL, 0);
#else
    SKIP_TEST("allocations cannot be made to fail in this build");
#endif
}

static void everything_given(void)
{
#ifdef INTERPOSED
    sweep_over(NULL,
               "agent: a\nstrict: true\nsegment: {dir: /dev/shm/x, size: 2MiB, keep: 1}\n"
               "limits: {memory: 1GiB}\nwatch: {paths: [/a, /b, /c]}\n"
               "rules: [{name: a, metric: b, instance: c, resource: d, throttle: "
               "{above: 2, clear: 1, full: 3, for: 1s}}]\n",
               0);
#else
    SKIP_TEST("allocations cannot be made to fail in this build");
#endif
}

static void faulty_policy(void)
{
#ifdef INTERPOSED
    sweep_over(NULL, "agent: [\"x\", {y: *z}]\nrules: [{nam: a}, &a 3, !b {}]\n", VAGUS_EPOLICY);
    sweep_over(NULL, "rules:\n  - {name: a, metric: b, throttle: {below: 1\n", VAGUS_EPOLICY);
#else
    SKIP_TEST("allocations cannot be made to fail in this build");
#endif
}

int main(void)
{
    RUN(built_in_policy);
    RUN(everything_given);
    RUN(faulty_policy);
    return check_result();
}
