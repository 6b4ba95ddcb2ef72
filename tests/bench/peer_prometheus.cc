// SPDX-License-Identifier: Apache-2.0
// prometheus-cpp at its best: references to a counter and a histogram that the caller keeps; and by
// labels, as who holds no reference must ask.
#include <cstring>
#include <map>
#include <string>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "measure.h"
#include "peer.h"

namespace {

const unsigned metrics = 12; // as many counters as the bench knows names

// Made before any thread is, and never destroyed: loops may run until the process ends.
struct Peer {
    prometheus::Registry registry;
    prometheus::Family<prometheus::Counter> &family;
    prometheus::Counter *counter;
    prometheus::Histogram &histogram;
    Peer()
        : family(prometheus::BuildCounter().Name("bench_calls").Register(registry)),
          histogram(prometheus::BuildHistogram()
                        .Name("bench_duration")
                        .Register(registry)
                        // The eleven bounds that its clients have by default, in ns.
                        .Add({}, prometheus::Histogram::BucketBoundaries{5e6, 1e7, 2.5e7, 5e7, 1e8,
                                                                         2.5e8, 5e8, 1e9, 2.5e9,
                                                                         5e9, 1e10}))
    {
        for (unsigned i = 0; i < metrics; i++)
            family.Add({{"tool", "tool" + std::to_string(i)}});
        counter = &family.Add({{"tool", "tool0"}});
    }
};

Peer *peer;
double values[1024]; // of different magnitudes, as the bench's own

void add(void *, uint64_t iterations)
{
    prometheus::Counter *counter = peer->counter;
    MEASURE_LOOP(iterations, counter->Increment());
}

void observe(void *, uint64_t iterations)
{
    prometheus::Histogram &histogram = peer->histogram;
    MEASURE_LOOP(iterations, histogram.Observe(values[left_ % 1024]));
}

void add_by_labels(void *, uint64_t iterations)
{
    MEASURE_LOOP(iterations, peer->family.Add({{"tool", "tool0"}}).Increment());
}

} // namespace

peer_loop *peer_prometheus_loop(const char *name)
{
    if (peer == nullptr)
        peer = new Peer;
    for (unsigned i = 0; i < 1024; i++)
        values[i] = static_cast<double>(UINT64_C(1) << (i * 7 % 40)) * (1 + i / 1024.0);
    if (std::strcmp(name, "counter") == 0)
        return add;
    if (std::strcmp(name, "histogram") == 0)
        return observe;
    return std::strcmp(name, "by_name") == 0 ? add_by_labels : nullptr;
}
