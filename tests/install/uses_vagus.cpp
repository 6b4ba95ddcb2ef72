// SPDX-License-Identifier: Apache-2.0
// The same from C++17: the headers are usable there, the inlined recording path links.
#include <cstdint>
#include <cstdio>
#include <vagus/vagus.h>

int main()
{
    vagus_monitor_options options{};
    options.size = sizeof(options);
    options.agent_name = "consumer";
    options.flags = VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT;
    vagus_monitor *monitor = nullptr;
    if (int error = vagus_monitor_open(&options, &monitor); error != 0) {
        std::fprintf(stderr, "open: %s\n", vagus_error_message(error));
        return 1;
    }
    vagus_metric_desc desc{};
    desc.name = "agent.tokens";
    desc.unit = "{token}";
    desc.help = "tokens used";
    vagus_counter tokens = vagus_counter_define(monitor, &desc);
    int started = vagus_monitor_start(monitor);
    vagus_add(tokens, 500);
    std::uint64_t total = 0;
    int error = vagus_counter_total(tokens, &total);
    int closed = vagus_monitor_close(monitor);
    return started == 0 && error == 0 && closed == 0 && total == 500 ? 0 : 1;
}
