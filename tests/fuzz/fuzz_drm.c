/* SPDX-License-Identifier: Apache-2.0 */
/* DRM's fdinfo over any bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/drm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct drm_client client;
    /* A copy of exactly this size, so that one byte too far is noticed. */
    char *text = malloc(size > 0 ? size : 1);
    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    if (host_parse_drm(text, size, &client) == 0 &&
        (client.device[0] == '\0' || strlen(client.device) >= sizeof(client.device) ||
         (!client.has_vram && client.vram_bytes != 0) ||
         (!client.has_engines && client.engine_ns != 0)))
        __builtin_trap();
    free(text);
    return 0;
}
