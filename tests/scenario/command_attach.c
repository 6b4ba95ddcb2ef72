/* SPDX-License-Identifier: Apache-2.0 */
/* command_attach.sh's own program: an agent that runs until its input ends. usage: AGENT [COUNT],
 * so many monitors of that name. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vagus/vagus.h"

int main(int argc, char **argv)
{
    struct vagus_monitor *monitors[4] = {NULL};
    int count = argc > 2 ? atoi(argv[2]) : 1;
    char byte;
    if (argc < 2 || count < 1 || count > 4)
        return 64;
    for (int i = 0; i < count; i++)
        if (vagus_monitor_open(
                &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                                .agent_name = argv[1],
                                                .segment_bytes = 4 << 20},
                &monitors[i]) != 0 ||
            vagus_monitor_start(monitors[i]) != 0)
            return 1;
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    if (argc > 3)
        vagus_health_print(monitors[0], stdout);
    for (int i = 0; i < count; i++)
        vagus_monitor_close(monitors[i]);
    return 0;
}
