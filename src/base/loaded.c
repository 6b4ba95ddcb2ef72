/* SPDX-License-Identifier: Apache-2.0 */
/* Some libraries are never unloaded, whatever dlclose() is told: libstdc++, for its unique symbols.
 * New objects stand behind older ones in the linker's list. */
#include "base/loaded.h"

#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

struct walk {
    size_t seen, before;
};

static int count_one(struct dl_phdr_info *object, size_t size, void *arg)
{
    size_t *count = arg;
    (void)object;
    (void)size;
    (*count)++;
    return 0;
}

size_t loaded_count(void)
{
    size_t count = 0;
    dl_iterate_phdr(count_one, &count);
    return count;
}

static int let_go_one(struct dl_phdr_info *object, size_t size, void *arg)
{
    struct walk *walk = arg;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    (void)size;
    if (walk->seen++ < walk->before)
        return 0;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || (part->p_flags & PF_W) != 0)
            continue; /* what may have been written is not in the file */
        uintptr_t from = (object->dlpi_addr + part->p_vaddr) & ~(page - 1);
        uintptr_t end = (object->dlpi_addr + part->p_vaddr + part->p_memsz) & ~(page - 1);
        if (end > from)
            madvise((void *)from, end - from, MADV_DONTNEED);
    }
    return 0;
}

size_t loaded_let_go(size_t count)
{
    struct walk walk = {0, count};
    dl_iterate_phdr(let_go_one, &walk);
    return walk.seen > count ? walk.seen - count : 0;
}
