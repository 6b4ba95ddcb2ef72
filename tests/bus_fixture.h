/* SPDX-License-Identifier: Apache-2.0 */
/* A bus on the machine's clock, its levels, and short ways to post and to listen. */
#ifndef TESTS_BUS_FIXTURE_H
#define TESTS_BUS_FIXTURE_H

#include <stdlib.h>

#include "base/clock.h"
#include "signals/bus.h"

#include "check.h"

#define FIXTURE_GENERATION 9

static struct bus *bus;
static uint64_t fixture_levels;

static inline void bus_fixture_begin(void)
{
    fixture_levels = 0;
    if (bus_create(FIXTURE_GENERATION, &clock_of_machine, &fixture_levels, &bus) != 0) {
        fputs("the fixture could not be made\n", stderr);
        exit(1);
    }
}

/* Closes it within `wait_ns`; how many threads were left behind. */
static inline unsigned bus_fixture_close(int64_t wait_ns, char *name, size_t capacity)
{
    unsigned abandoned = bus_close(bus, vagus_now_ns() + wait_ns, name, capacity);
    bus = NULL;
    return abandoned;
}

static inline void bus_fixture_end(void)
{
    if (bus != NULL)
        CHECK_EQ(bus_fixture_close(10 * VAGUS_SECOND_NS, NULL, 0), 0);
}

#define RUN_WITH_BUS(test) (bus_fixture_begin(), RUN(test), bus_fixture_end())

static inline unsigned fixture_post(uint32_t kind, const char *resource, uint32_t change,
                                    double level)
{
    struct vagus_signal signal = {.kind = kind, .change = change, .level = level, .value = level};
    int number = bus_resource(bus, resource);
    CHECK(number >= 0);
    unsigned told = bus_post(bus, (unsigned)number, &signal);
    bus_wake(bus);
    return told;
}

static inline unsigned fixture_raise(uint32_t kind, const char *resource, double level)
{
    return fixture_post(kind, resource, VAGUS_SIGNAL_RAISED, level);
}

static inline unsigned fixture_update(uint32_t kind, const char *resource, double level)
{
    return fixture_post(kind, resource, VAGUS_SIGNAL_UPDATED, level);
}

static inline unsigned fixture_clear(uint32_t kind, const char *resource)
{
    return fixture_post(kind, resource, VAGUS_SIGNAL_CLEARED, 0);
}

static inline struct vagus_listener fixture_listen(const struct vagus_listener_desc *given)
{
    struct vagus_listener_desc desc = *given;
    struct vagus_listener listener = {0};
    desc.size = sizeof(desc);
    if (desc.name == NULL)
        desc.name = "test";
    if (desc.kinds == 0)
        desc.kinds = VAGUS_SIGNAL_ANY;
    if (desc.on_signal == NULL)
        desc.flags |= VAGUS_LISTENER_POLLED;
    CHECK_EQ(bus_listener_add(bus, &desc, &listener), 0);
    return listener;
}

/* As vagus_listener_remove() does it. */
static inline int fixture_remove(struct vagus_listener handle)
{
    struct bus_farewell farewell;
    int error = bus_listener_remove(bus, handle, &farewell);
    bus_bid(&farewell);
    return error;
}

#endif
