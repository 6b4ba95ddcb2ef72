/* SPDX-License-Identifier: Apache-2.0 */
/* What every public header stands on: visibility, version, errors, time. */
#ifndef VAGUS_BASE_H
#define VAGUS_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus)
#define VAGUS_BEGIN_DECLS extern "C" {
#define VAGUS_END_DECLS }
#else
#define VAGUS_BEGIN_DECLS
#define VAGUS_END_DECLS
#endif

#define VAGUS_API __attribute__((visibility("default")))
#define VAGUS_LIKELY(x) __builtin_expect(!!(x), 1)
#define VAGUS_UNLIKELY(x) __builtin_expect(!!(x), 0)

#define VAGUS_VERSION_MAJOR 0
#define VAGUS_VERSION_MINOR 1
#define VAGUS_VERSION_PATCH 0

/* One second, in the only unit of time that vagus knows: signed nanoseconds. */
#define VAGUS_SECOND_NS INT64_C(1000000000)
#define VAGUS_MILLISECOND_NS INT64_C(1000000)

/* Every error of the library: name, stable value, message. Append only. */
#define VAGUS_ERROR_TABLE(X)                                                                       \
    X(VAGUS_EINVAL, -1, "invalid argument")                                                        \
    X(VAGUS_ENOMEM, -2, "out of memory")                                                           \
    X(VAGUS_EAGAIN, -3, "nothing to be had just now, try again")                                   \
    X(VAGUS_ECLOSED, -4, "the monitor is closed, or belongs to the process before fork")           \
    X(VAGUS_ESTATE, -5, "not possible at this stage of the monitor's life")                        \
    X(VAGUS_EFULL, -6, "capacity reached")                                                         \
    X(VAGUS_EEXIST, -7, "already exists")                                                          \
    X(VAGUS_ENOENT, -8, "no such thing")                                                           \
    X(VAGUS_EUNSUPPORTED, -9, "not supported on this machine")                                     \
    X(VAGUS_EIO, -10, "reading or writing failed")                                                 \
    X(VAGUS_EPARSE, -11, "the text could not be understood")                                       \
    X(VAGUS_EPOLICY, -12, "the policy has faults")                                                 \
    X(VAGUS_EUNWIRED, -13, "a chain from sensor to listener is not closed")                        \
    X(VAGUS_EPERM, -14, "permission denied")                                                       \
    X(VAGUS_EVERSION, -15, "made by another version of vagus")                                     \
    X(VAGUS_ECORRUPT, -16, "the segment is damaged")                                               \
    X(VAGUS_EABANDONED, -17, "a thread did not return in time and was left behind")                \
    X(VAGUS_ERESOURCE, -18, "the process may have no more threads or descriptors")

enum vagus_error {
#define VAGUS__ENUM(name, value, message) name = value,
    VAGUS_ERROR_TABLE(VAGUS__ENUM)
#undef VAGUS__ENUM
};

VAGUS_BEGIN_DECLS

/* The message of an error of the table; "unknown error" for any other number. Never NULL. */
VAGUS_API const char *vagus_error_message(int error);

/* The name of an error, "VAGUS_EINVAL"; "0" for success. Never NULL. */
VAGUS_API const char *vagus_error_name(int error);

/* The version of the library that runs, as "0.1.0": not the one compiled against. */
VAGUS_API const char *vagus_version(void);

/* A source of time. The default reads CLOCK_MONOTONIC and CLOCK_REALTIME; tests and simulations
 * bring their own. Both calls must be fast, must not block, may run on any thread, and never return
 * 0, which stands for never. */
struct vagus_clock {
    int64_t (*monotonic_ns)(void *arg);
    int64_t (*wall_ns)(void *arg);
    void *arg;
};

/* CLOCK_MONOTONIC now. Never 0. */
VAGUS_API int64_t vagus_now_ns(void);

/* One fault in a policy or in the wiring of a monitor. */
struct vagus_fault {
    int32_t code;     /* VAGUS_EPOLICY, VAGUS_EUNWIRED, VAGUS_EIO … */
    uint32_t line;    /* 1-based; 0 where there is no text to point at */
    uint32_t column;  /* 1-based; 0 where there is no text to point at */
    uint32_t warning; /* 1 if it does not by itself refuse the policy */
    char text[240];   /* what was found, what was expected, the nearest valid name */
};

#define VAGUS_FAULTS_MAX 64

/* All faults of one check. The caller owns it; a check fills it from the start. */
struct vagus_fault_list {
    uint32_t count;  /* how many of `faults` are filled */
    uint32_t total;  /* how many there were: more than `count` if the list was full */
    uint32_t errors; /* of `total`, those that are not warnings */
    uint32_t reserved;
    char source[256]; /* the file that was checked, or "built-in policy" and the like */
    struct vagus_fault faults[VAGUS_FAULTS_MAX];
};

VAGUS_END_DECLS

#endif
