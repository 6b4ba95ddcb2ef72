/* SPDX-License-Identifier: Apache-2.0 */
/* The table of signals: what reaches whom, latest-wins, levels, the mirror. Polled listeners, so
 * nothing here depends on timing; threads are in test_listener.c. */
#include <poll.h>

#include "bus_fixture.h"

static struct vagus_listener polled(uint32_t kinds, const char *const *resources)
{
    return fixture_listen(&(struct vagus_listener_desc){.kinds = kinds, .resources = resources});
}

static bool readable(struct vagus_listener listener)
{
    struct pollfd fd = {.fd = bus_listener_fd(bus, listener), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

/* What the listener gets next, in short: "throttle memory raised"; "" if nothing. */
static const char *next(struct vagus_listener listener)
{
    static const char *const changes[] = {"?", "raised", "updated", "cleared"};
    static char words[64];
    struct vagus_signal signal;
    words[0] = '\0';
    if (bus_listener_next(bus, listener, &signal) == 0)
        snprintf(words, sizeof(words), "%s %s %s", vagus_signal_kind_name(signal.kind),
                 signal.resource, changes[signal.change < 4 ? signal.change : 0]);
    return words;
}

static void it_reaches_those_who_asked(void)
{
    static const char *const disk[] = {"disk", NULL};
    struct vagus_listener all = polled(VAGUS_SIGNAL_ANY, NULL);
    struct vagus_listener throttled = polled(VAGUS_THROTTLE, NULL);
    struct vagus_listener of_disk = polled(VAGUS_SIGNAL_ANY, disk);

    CHECK_EQ(fixture_raise(VAGUS_DEFER, "memory", 0.5), 1);
    CHECK_EQ(fixture_raise(VAGUS_THROTTLE, "disk", 0.5), 3);
    CHECK_STR(next(all), "defer memory raised");
    CHECK_STR(next(all), "throttle disk raised");
    CHECK_STR(next(all), "");
    CHECK_STR(next(throttled), "throttle disk raised");
    CHECK_STR(next(throttled), "");
    CHECK_STR(next(of_disk), "throttle disk raised");
    CHECK_STR(next(of_disk), "");
    CHECK(bus_is_heard(bus, VAGUS_SHUTDOWN, (unsigned)bus_resource(bus, "memory")));
    fixture_remove(all);
    CHECK(!bus_is_heard(bus, VAGUS_SHUTDOWN, (unsigned)bus_resource(bus, "memory")));
    CHECK(bus_is_heard(bus, VAGUS_SHUTDOWN, (unsigned)bus_resource(bus, "disk")));
}

static void shutdown_comes_first(void)
{
    struct vagus_listener listener = polled(VAGUS_SIGNAL_ANY, NULL);
    fixture_raise(VAGUS_THROTTLE, "memory", 1);
    fixture_raise(VAGUS_DEFER, "disk", 1);
    fixture_raise(VAGUS_SHUTDOWN, "cpu", 1);
    CHECK_STR(next(listener), "shutdown cpu raised");
    CHECK_STR(next(listener), "defer disk raised");
    CHECK_STR(next(listener), "throttle memory raised");
}

static void the_latest_wins(void)
{
    struct vagus_listener listener = polled(VAGUS_SIGNAL_ANY, NULL);
    struct vagus_signal signal;

    /* Raised and cleared unseen: nothing happened. */
    fixture_raise(VAGUS_DEFER, "memory", 0.5);
    fixture_clear(VAGUS_DEFER, "memory");
    CHECK_STR(next(listener), "");

    /* Raised and updated unseen: one raise, with the newest level. */
    fixture_raise(VAGUS_DEFER, "memory", 0.3);
    fixture_update(VAGUS_DEFER, "memory", 0.7);
    CHECK_EQ(bus_listener_next(bus, listener, &signal), 0);
    CHECK_EQ(signal.change, VAGUS_SIGNAL_RAISED);
    CHECK_NEAR(signal.level, 0.7, 0);
    CHECK_EQ(signal.sequence, 4);
    CHECK_STR(next(listener), "");

    /* Cleared and raised again unseen: to this listener it never ended. */
    fixture_clear(VAGUS_DEFER, "memory");
    fixture_raise(VAGUS_DEFER, "memory", 0.2);
    CHECK_STR(next(listener), "defer memory updated");
    fixture_update(VAGUS_DEFER, "memory", 0.4);
    fixture_clear(VAGUS_DEFER, "memory");
    CHECK_STR(next(listener), "defer memory cleared");
    CHECK_STR(next(listener), "");
}

static void who_comes_late_gets_what_is_raised(void)
{
    fixture_raise(VAGUS_THROTTLE, "memory", 0.5);
    fixture_update(VAGUS_THROTTLE, "memory", 0.6);
    fixture_raise(VAGUS_DEFER, "disk", 0.5);
    fixture_clear(VAGUS_DEFER, "disk");
    struct vagus_listener listener = polled(VAGUS_SIGNAL_ANY, NULL);
    CHECK(readable(listener));
    CHECK_STR(next(listener), "throttle memory raised");
    CHECK_STR(next(listener), "");
    fixture_clear(VAGUS_THROTTLE, "memory");
    CHECK_STR(next(listener), "throttle memory cleared");
}

static void the_descriptor_tells_that_something_waits(void)
{
    struct vagus_listener listener = polled(VAGUS_SIGNAL_ANY, NULL);
    CHECK(!readable(listener));
    fixture_raise(VAGUS_THROTTLE, "memory", 0.5);
    fixture_raise(VAGUS_DEFER, "memory", 0.5);
    CHECK(readable(listener));
    CHECK_STR(next(listener), "defer memory raised");
    CHECK(readable(listener));
    CHECK_STR(next(listener), "throttle memory raised");
    CHECK(!readable(listener));
}

static void posting_marks_and_waking_wakes(void)
{
    struct vagus_listener listener = polled(VAGUS_SIGNAL_ANY, NULL);
    struct vagus_signal signal = {.kind = VAGUS_DEFER, .change = VAGUS_SIGNAL_RAISED, .level = 1};
    CHECK_EQ(bus_post(bus, (unsigned)bus_resource(bus, "memory"), &signal), 1);
    CHECK(!readable(listener));
    bus_wake(bus);
    CHECK(readable(listener));
}

static double level(uint32_t kinds)
{
    return bus_level(fixture_levels, kinds);
}

static void levels_are_the_highest_of_each_kind(void)
{
    CHECK_EQ(level(VAGUS_SIGNAL_ANY), 0);
    fixture_raise(VAGUS_THROTTLE, "memory", 0.25);
    fixture_raise(VAGUS_THROTTLE, "disk", 0.75);
    fixture_raise(VAGUS_DEFER, "memory", 0.5);
    CHECK_NEAR(level(VAGUS_THROTTLE), 0.75, 1e-6);
    CHECK_NEAR(level(VAGUS_DEFER), 0.5, 1e-6);
    CHECK_EQ(level(VAGUS_SHUTDOWN), 0);
    CHECK_NEAR(level(VAGUS_DEFER | VAGUS_SHUTDOWN), 0.5, 1e-6);
    fixture_clear(VAGUS_THROTTLE, "disk");
    CHECK_NEAR(level(VAGUS_THROTTLE), 0.25, 1e-6);
    fixture_update(VAGUS_THROTTLE, "memory", 1e-12);
    CHECK(level(VAGUS_THROTTLE) > 0); /* raised never looks like not raised */
    fixture_update(VAGUS_THROTTLE, "memory", NAN);
    CHECK_EQ(level(VAGUS_THROTTLE), 1);
    fixture_update(VAGUS_THROTTLE, "memory", 7);
    CHECK_EQ(level(VAGUS_THROTTLE), 1);
    fixture_clear(VAGUS_THROTTLE, "memory");
    fixture_clear(VAGUS_DEFER, "memory");
    CHECK_EQ(level(VAGUS_SIGNAL_ANY), 0);
}

static void resources_are_interned_and_bounded(void)
{
    char name[16];
    CHECK_EQ(bus_resource(bus, "memory"), 0);
    CHECK_EQ(bus_resource(bus, "disk"), 1);
    CHECK_EQ(bus_resource(bus, "memory"), 0);
    CHECK_EQ(bus_resource(bus, "Disk!"), VAGUS_EINVAL);
    CHECK_EQ(bus_resource(bus, "sixteen-letters-"), VAGUS_EINVAL);
    CHECK_STR(bus_resource_name(bus, 1), "disk");
    CHECK_STR(bus_resource_name(bus, 2), "?");
    for (int i = 2; i < BUS_RESOURCES_MAX; i++) {
        snprintf(name, sizeof(name), "r%d", i);
        CHECK_EQ(bus_resource(bus, name), i);
    }
    CHECK_EQ(bus_resource(bus, "one-more"), VAGUS_EFULL);
    CHECK_EQ(bus_resource(bus, "r15"), 15);
}

static void nonsense_is_refused(void)
{
    const char *const none[] = {NULL};
    struct vagus_listener listener = {7, 7};
    const struct vagus_listener_desc good = {
        .size = sizeof(good), .name = "good", .kinds = VAGUS_DEFER, .flags = VAGUS_LISTENER_POLLED};
    struct vagus_listener_desc bad[6];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        bad[i] = good;
    bad[0].size = 8;
    bad[1].name = "Bad Name";
    bad[2].kinds = 16;
    bad[3].flags = 0; /* neither polled nor a callback */
    bad[4].flags = 6;
    bad[5].resources = none;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_EQ(bus_listener_add(bus, &bad[i], &listener), VAGUS_EINVAL);
    CHECK_EQ(listener.index, 7);
    CHECK_EQ(bus_listener_add(bus, &good, NULL), 0);
}

/* --- Modes. --- */

static unsigned post_mode(const char *name, const char *before)
{
    struct vagus_signal change = {.kind = VAGUS_MODE_CHANGE, .change = VAGUS_SIGNAL_UPDATED};
    snprintf(change.resource, sizeof(change.resource), "mode");
    snprintf(change.rule, sizeof(change.rule), "%s", name);
    snprintf(change.instance, sizeof(change.instance), "%s", before);
    return bus_post_mode(bus, &change);
}

static void modes_are_told_to_who_asks_for_them(void)
{
    const char *const disk[] = {"disk", NULL};
    struct vagus_signal signal;
    struct vagus_listener both =
        fixture_listen(&(struct vagus_listener_desc){.kinds = VAGUS_DEFER | VAGUS_MODE_CHANGE});
    fixture_listen(&(struct vagus_listener_desc){.kinds = VAGUS_SIGNAL_ANY});
    CHECK_EQ(post_mode("calm", ""), 1);
    CHECK_EQ(bus_listener_next(bus, both, &signal), 0);
    CHECK_EQ(signal.change, VAGUS_SIGNAL_RAISED); /* it hears of it for the first time */
    CHECK_EQ(signal.sequence, 0);
    CHECK_STR(signal.rule, "calm");
    CHECK_NEAR(bus_level(fixture_levels, ~0u), 0, 0);
    CHECK_EQ(bus_listener_next(bus, both, &signal), VAGUS_EAGAIN);

    /* The newest alone, and after the signals, whatever came first. */
    CHECK_EQ(post_mode("busy", "calm"), 1);
    CHECK_EQ(post_mode("locked", "busy"), 1);
    fixture_raise(VAGUS_DEFER, "memory", 0.5);
    CHECK_EQ(bus_listener_next(bus, both, &signal), 0);
    CHECK_EQ(signal.kind, VAGUS_DEFER);
    CHECK_EQ(bus_listener_next(bus, both, &signal), 0);
    CHECK_EQ(signal.kind, VAGUS_MODE_CHANGE);
    CHECK_EQ(signal.change, VAGUS_SIGNAL_UPDATED);
    CHECK_EQ(signal.sequence, 2);
    CHECK_STR(signal.rule, "locked");
    CHECK_STR(signal.instance, "busy");
    CHECK_EQ(bus_listener_next(bus, both, &signal), VAGUS_EAGAIN);

    /* Who comes late gets the present one; the resources are those of signals. */
    struct vagus_listener late = fixture_listen(
        &(struct vagus_listener_desc){.kinds = VAGUS_MODE_CHANGE, .resources = disk});
    CHECK_EQ(bus_listener_next(bus, late, &signal), 0);
    CHECK_STR(signal.rule, "locked");
    CHECK_EQ(signal.change, VAGUS_SIGNAL_RAISED);
    CHECK_EQ(bus_listener_next(bus, late, &signal), VAGUS_EAGAIN);
}

static int destroyed;

static void count_destroyed(void *arg)
{
    destroyed += *(int *)arg;
}

static void stale_handles_are_harmless(void)
{
    int one = 1;
    struct vagus_signal signal;
    destroyed = 0;
    struct vagus_listener first =
        fixture_listen(&(struct vagus_listener_desc){.arg = &one, .destroy = count_destroyed});
    CHECK_EQ(fixture_remove(first), 0);
    CHECK_EQ(destroyed, 1);
    struct vagus_listener second = polled(VAGUS_SIGNAL_ANY, NULL);
    CHECK(first.index != second.index);
    fixture_raise(VAGUS_DEFER, "memory", 1);
    CHECK_EQ(fixture_remove(first), VAGUS_ENOENT);
    CHECK_EQ(bus_listener_fd(bus, first), VAGUS_ENOENT);
    CHECK_EQ(bus_listener_next(bus, first, &signal), VAGUS_ENOENT);
    CHECK_EQ(fixture_remove((struct vagus_listener){0}), VAGUS_ENOENT);
    CHECK_EQ(fixture_remove((struct vagus_listener){second.generation + 4, second.index}),
             VAGUS_ENOENT);
    CHECK_STR(next(second), "defer memory raised");
    CHECK_EQ(destroyed, 1);
}

static void there_is_room_for_so_many(void)
{
    struct vagus_listener listeners[SEGMENT_LISTENERS_MAX];
    struct vagus_listener_desc desc = {.size = sizeof(desc),
                                       .name = "surplus",
                                       .kinds = VAGUS_DEFER,
                                       .flags = VAGUS_LISTENER_POLLED};
    for (int i = 0; i < SEGMENT_LISTENERS_MAX; i++)
        listeners[i] = polled(VAGUS_SIGNAL_ANY, NULL);
    CHECK_EQ(bus_listener_add(bus, &desc, NULL), VAGUS_EFULL);
    CHECK_EQ(fixture_remove(listeners[5]), 0);
    CHECK_EQ(bus_listener_add(bus, &desc, NULL), 0);
    CHECK_EQ(fixture_raise(VAGUS_DEFER, "memory", 1), SEGMENT_LISTENERS_MAX);
}

static void note_listener(void *arg, const char *name, uint32_t kinds, uint32_t resources)
{
    char *words = arg;
    snprintf(words + strlen(words), 200 - strlen(words), "%s/%u/%x ", name, kinds, resources);
}

static void the_mirror_shows_the_living(void)
{
    static const char *const disk[] = {"disk", NULL};
    struct segment segment;
    struct segment_options options = {.agent = "test",
                                      .bytes = SEGMENT_BYTES_MIN,
                                      .metrics_max = 8,
                                      .anonymous = true,
                                      .clock = &clock_of_machine};
    char words[200] = "";
    uint32_t listeners, hung;
    REQUIRE(segment_create(&options, &segment) == 0);
    const struct segment_listener *entries = segment_entries(&segment, SEGMENT_LISTENERS);
    const struct segment_head *head = segment_head(&segment, SEGMENT_LISTENERS);

    bus_resource(bus, "memory");
    struct vagus_listener first =
        fixture_listen(&(struct vagus_listener_desc){.name = "first", .kinds = VAGUS_DEFER});
    struct vagus_listener second = fixture_listen(
        &(struct vagus_listener_desc){.name = "second", .kinds = 5, .resources = disk});
    fixture_raise(VAGUS_SHUTDOWN, "disk", 0.5);
    CHECK_STR(next(second), "shutdown disk raised");
    bus_each_listener(bus, note_listener, words);
    CHECK_STR(words, "first/2/ffffffff second/5/2 ");

    bus_mirror(bus, &segment, 1234, &listeners, &hung);
    CHECK_EQ(listeners, 2);
    CHECK_EQ(hung, 0);
    CHECK_EQ(head->count, 2);
    CHECK_EQ(head->updated_ns, 1234);
    CHECK_EQ(head->stamp % 2, 0);
    CHECK_STR(entries[0].name, "first");
    CHECK_EQ(entries[0].calls, 0);
    CHECK_STR(entries[1].name, "second");
    CHECK_EQ(entries[1].kinds, 5);
    CHECK_EQ(entries[1].flags, VAGUS_LISTENER_POLLED);
    CHECK_EQ(entries[1].calls, 1);
    CHECK_EQ(entries[1].last_kind, VAGUS_SHUTDOWN);
    CHECK_EQ(entries[1].last_change, VAGUS_SIGNAL_RAISED);
    CHECK_EQ(entries[1].last_sequence, 1);
    CHECK_STR(entries[1].last_resource, "disk");
    CHECK(entries[1].last_call_ns > 0);

    fixture_remove(first);
    bus_mirror(bus, &segment, 1235, &listeners, &hung);
    CHECK_EQ(listeners, 1);
    CHECK_STR(entries[0].name, "second");
    CHECK_EQ(head->count, 1);
    segment_close(&segment);
}

static void closing_ends_it_all(void)
{
    int one = 1;
    destroyed = 0;
    fixture_listen(&(struct vagus_listener_desc){.arg = &one, .destroy = count_destroyed});
    fixture_listen(&(struct vagus_listener_desc){.arg = &one, .destroy = count_destroyed});
    fixture_raise(VAGUS_SHUTDOWN, "memory", 1);
    CHECK_EQ(bus_fixture_close(0, NULL, 0), 0);
    CHECK_EQ(destroyed, 2);
    CHECK_EQ(fixture_levels, 0);
}

int main(void)
{
    RUN_WITH_BUS(it_reaches_those_who_asked);
    RUN_WITH_BUS(shutdown_comes_first);
    RUN_WITH_BUS(the_latest_wins);
    RUN_WITH_BUS(who_comes_late_gets_what_is_raised);
    RUN_WITH_BUS(the_descriptor_tells_that_something_waits);
    RUN_WITH_BUS(posting_marks_and_waking_wakes);
    RUN_WITH_BUS(levels_are_the_highest_of_each_kind);
    RUN_WITH_BUS(resources_are_interned_and_bounded);
    RUN_WITH_BUS(nonsense_is_refused);
    RUN_WITH_BUS(modes_are_told_to_who_asks_for_them);
    RUN_WITH_BUS(stale_handles_are_harmless);
    RUN_WITH_BUS(there_is_room_for_so_many);
    RUN_WITH_BUS(the_mirror_shows_the_living);
    RUN_WITH_BUS(closing_ends_it_all);
    return check_result();
}
