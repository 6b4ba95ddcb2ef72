/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing and checking what is kept of continuity in a file. */
#include "monitor/continuity_file.h"

#include <string.h>

#include "report/continuity.h"

#define VERSION 1

static const char magic[8] = {'v', 'a', 'g', 'u', 's', 'c', 'o', 'n'};

_Static_assert(offsetof(struct continuity_file, state) % 8 == 0, "no hidden padding");

/* FNV-1a, 64 bits: against damage, not against forgery; the folder is ours alone. */
static uint64_t checksum_of(const struct continuity_file *file)
{
    const unsigned char *bytes = (const unsigned char *)file;
    uint64_t sum = UINT64_C(14695981039346656037);
    for (size_t i = offsetof(struct continuity_file, stamp); i < sizeof(*file); i++)
        sum = (sum ^ bytes[i]) * UINT64_C(1099511628211);
    return sum;
}

void continuity_file_seal(struct continuity_file *file)
{
    memcpy(file->magic, magic, sizeof(magic));
    file->version = VERSION;
    file->checksum = checksum_of(file);
}

int continuity_file_check(const struct continuity_file *file, size_t size)
{
    if (size < sizeof(magic) + sizeof(file->version) ||
        memcmp(file->magic, magic, sizeof(magic)) != 0)
        return VAGUS_ECORRUPT;
    if (file->version != VERSION)
        return VAGUS_EVERSION;
    if (size != sizeof(*file) || file->checksum != checksum_of(file) ||
        memchr(file->boot_id, 0, sizeof(file->boot_id)) == NULL || file->closed > 1 ||
        !continuity_check(&file->state))
        return VAGUS_ECORRUPT;
    return 0;
}
