/* SPDX-License-Identifier: Apache-2.0 */
/* Files of many lines and any length, read in pieces. */
#include <string.h>

#include "host/inside.h"
#include "host/parse.h"

/* No file of the kernel that is read here comes near to it; an endless one ends. */
#define FILE_BYTES_MAX (UINT64_C(16) << 20)

int host_file_lines(struct host *host, struct host_file *file, char *buffer, size_t capacity,
                    bool (*each)(void *arg, const char *line, size_t length), void *arg)
{
    size_t kept = 0, count = 0;
    bool skipping = false; /* the rest of a line that was too long */
    int result = 0;
    for (uint64_t offset = 0; offset < FILE_BYTES_MAX; offset += count) {
        int error = host_file_read_at(host, file, buffer + kept, capacity - kept, offset, &count);
        if (error != 0)
            return error;
        if (count == 0)
            return kept > 0 ? VAGUS_EPARSE : result;
        struct parse rest = parse_text(buffer, kept + count), line;
        bool whole = true;
        kept = 0;
        while (parse_line(&rest, &line, &whole) && whole) {
            if (!skipping && !each(arg, line.at, (size_t)(line.end - line.at) + 1))
                return 0;
            skipping = false;
        }
        if (!whole) {
            kept = (size_t)(line.end - line.at);
            memmove(buffer, line.at, kept);
            if (kept == capacity) {
                skipping = true;
                result = VAGUS_EPARSE;
                kept = 0;
            }
        }
    }
    return VAGUS_EPARSE;
}
