/* SPDX-License-Identifier: Apache-2.0 */
/* What listeners make of the signals that they are handed: when, for how long, what they say they
 * released. Written under the bus's lock, read by the sampler without it. */
#include <math.h>

#include "signals/inside.h"

static void publish(struct listener *listener)
{
    stamped_store(&listener->deeds_stamp, listener->deeds_words, &listener->deeds,
                  sizeof(listener->deeds));
    __atomic_add_fetch(&listener->bus->deeds, 1, __ATOMIC_RELEASE);
}

void deeds_begin(struct listener *listener)
{
    listener->handed = 0;
    listener->deeds = (struct bus_deeds){.handle = listener->handle, .flags = listener->flags};
    memcpy(listener->deeds.name, listener->name, sizeof(listener->name));
    publish(listener);
}

void deeds_hand(struct listener *listener, uint64_t sequence, int64_t now_ns)
{
    listener->deeds.deeds[listener->handed++ % BUS_DEEDS] =
        (struct bus_deed){.sequence = sequence, .began_ns = now_ns, .took_ns = -1, .released = NAN};
    publish(listener);
}

void deeds_came_back(struct listener *listener, int64_t took_ns)
{
    if (listener->handed == 0)
        return;
    listener->deeds.deeds[(listener->handed - 1) % BUS_DEEDS].took_ns = took_ns;
    publish(listener);
}

int bus_acknowledge(struct bus *bus, struct vagus_listener handle, uint64_t sequence,
                    double released)
{
    int error = VAGUS_ENOENT;
    if (!isfinite(released) || released < 0 || sequence == 0)
        return VAGUS_EINVAL;
    pthread_mutex_lock(&bus->lock);
    struct listener *listener = listener_of_handle(bus, handle);
    for (unsigned i = 0; i < BUS_DEEDS && listener != NULL; i++) {
        struct bus_deed *deed = &listener->deeds.deeds[i];
        if (deed->sequence != sequence)
            continue;
        deed->released = isnan(deed->released) ? released : deed->released + released;
        publish(listener);
        listener->activity.acknowledged++;
        listener_publish(listener);
        error = 0;
        break;
    }
    pthread_mutex_unlock(&bus->lock);
    return error;
}

/* --- The sampler. --- */

void bus_each_deeds(struct bus *bus,
                    void (*on_deeds)(void *arg, unsigned place, const struct bus_deeds *deeds),
                    void *arg)
{
    uint64_t changes = __atomic_load_n(&bus->deeds, __ATOMIC_ACQUIRE);
    bool all_seen = true;
    if (changes == bus->deeds_seen)
        return;
    for (unsigned i = 0; i < SEGMENT_LISTENERS_MAX; i++) {
        const struct listener *listener = &bus->listeners[i];
        uint64_t stamp = __atomic_load_n(&listener->deeds_stamp, __ATOMIC_ACQUIRE);
        struct bus_deeds copy;
        if (stamp == bus->deeds_stamps[i])
            continue;
        if (!stamped_load(&listener->deeds_stamp, listener->deeds_words, &copy, sizeof(copy))) {
            all_seen = false; /* met the writer: at the next step */
            continue;
        }
        /* What changed after `stamp` was read is looked at once more. */
        bus->deeds_stamps[i] = stamp;
        on_deeds(arg, i, &copy);
    }
    if (all_seen)
        bus->deeds_seen = changes;
}

void bus_count_outcome(struct bus *bus, unsigned place, uint32_t handle, bool relief)
{
    if (bus->outcomes[place].handle != handle) {
        bus->outcomes[place].handle = handle;
        bus->outcomes[place].relieved = bus->outcomes[place].unrelieved = 0;
    }
    if (relief)
        bus->outcomes[place].relieved++;
    else
        bus->outcomes[place].unrelieved++;
}

void deeds_add_outcomes(const struct bus *bus, unsigned place, struct segment_listener *mirrored)
{
    uint32_t handle = __atomic_load_n(&bus->listeners[place].handle, __ATOMIC_RELAXED);
    if (bus->outcomes[place].handle != handle)
        return;
    mirrored->relieved = bus->outcomes[place].relieved;
    mirrored->unrelieved = bus->outcomes[place].unrelieved;
}
