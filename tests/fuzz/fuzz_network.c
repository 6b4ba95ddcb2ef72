/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel tells of the network, over any bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/network.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"OutSegs",     "RetransSegs", "AttemptFails",
                                        "EstabResets", "CurrEstab",   NULL};
    struct host_interface interface;
    struct host_sockets sockets;
    uint64_t values[5];
    /* A copy of exactly this size, so that one byte too far is noticed. */
    char *text = malloc(size > 0 ? size : 1);
    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    if (host_parse_interface(text, size, &interface) &&
        (interface.name[0] == '\0' || memchr(interface.name, '\0', sizeof(interface.name)) == NULL))
        __builtin_trap();
    host_parse_named(text, size, "Tcp:", names, values);
    if (host_parse_sockets(text, size, 4096, &sockets) == 0) {
        uint64_t tcp = sockets.tcp, udp = sockets.udp;
        int error = host_parse_sockets6(text, size, &sockets);
        if (sockets.tcp < tcp || sockets.udp < udp || (error != 0 && sockets.tcp != tcp))
            __builtin_trap();
    }
    free(text);
    return 0;
}
