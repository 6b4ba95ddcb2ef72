/* SPDX-License-Identifier: Apache-2.0 */
/* Why a segment cannot be read, in words: an error number alone does not tell a link from another
 * user's file, nor a folder from garbage. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/target.h"

static const char *kind_of(mode_t mode)
{
    return S_ISLNK(mode)    ? "a symbolic link, which is not followed"
           : S_ISDIR(mode)  ? "a folder, not a segment"
           : S_ISFIFO(mode) ? "a FIFO, not a segment"
           : S_ISSOCK(mode) ? "a socket, not a segment"
           : S_ISREG(mode)  ? NULL
                            : "a device, not a segment";
}

void target_add_fault(struct text *text, const char *path, int error)
{
    struct stat st;
    bool known = lstat(path, &st) == 0;
    const char *kind = known ? kind_of(st.st_mode) : NULL;
    if (kind != NULL)
        text_addf(text, "it is %s", kind);
    else if (error == VAGUS_EPERM && known && st.st_uid != geteuid())
        text_addf(text, "it belongs to another user, uid %u", (unsigned)st.st_uid);
    else
        text_add(text, vagus_error_message(error));
}

int target_unreadable(const struct cli_verb *verb, const char *path, int error)
{
    char why[128];
    struct text text;
    text_init(&text, why, sizeof(why));
    target_add_fault(&text, path, error);
    cli_error(verb, "%s: %s", path, why);
    return error == VAGUS_ENOENT ? CLI_NOT_FOUND : CLI_UNREADABLE;
}
