/* SPDX-License-Identifier: Apache-2.0 */
/* mlock2() where the C library has it. What is refused is told and left: all works without. */
#include "base/memlock.h"

#include <errno.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A whole program that is statically linked to us is not ours to pin. */
#define WHOLE_BYTES_MAX ((size_t)2 << 20)

void memlock_range(struct memlock *lock, const void *from, size_t bytes, bool present)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), first = (uintptr_t)from & ~(page - 1);
    size_t length = ((uintptr_t)from + bytes - first + page - 1) & ~(page - 1);
    if (from == NULL || bytes == 0)
        return;
    int result = present ? mlock((const void *)first, length)
                         : mlock2((const void *)first, length, MLOCK_ONFAULT);
    if (result == 0)
        lock->bytes += length;
    else if (lock->error == 0)
        lock->error = errno;
}

void memlock_release(const void *from, size_t bytes)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), first = (uintptr_t)from & ~(page - 1);
    if (from != NULL && bytes > 0)
        munlock((const void *)first, (uintptr_t)from + bytes - first);
}

void *memlock_stack(struct memlock *lock, size_t bytes)
{
    char here[64];
    memset(here, 0, sizeof(here));
    __asm__("" : : "r"(here) : "memory");
    /* As a number: these bytes are beyond the array. */
    uintptr_t from = (uintptr_t)here + sizeof(here) - bytes;
    memlock_range(lock, (const void *)from, bytes, true);
    return (void *)from;
}

struct search {
    struct memlock *lock;
    uintptr_t address;
    bool whole;
};

static bool holds(const struct dl_phdr_info *object, uintptr_t address)
{
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && address - object->dlpi_addr - part->p_vaddr < part->p_memsz)
            return true;
    }
    return false;
}

static int lock_object(struct dl_phdr_info *object, size_t size, void *arg)
{
    const struct search *search = arg;
    (void)size;
    if (!holds(object, search->address))
        return 0;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        bool code = (part->p_flags & PF_X) != 0;
        if (part->p_type == PT_LOAD)
            memlock_range(search->lock, (const void *)(object->dlpi_addr + part->p_vaddr),
                          part->p_memsz, code && search->whole && part->p_memsz <= WHOLE_BYTES_MAX);
    }
    return 1;
}

void memlock_object(struct memlock *lock, const void *address, bool whole)
{
    struct search search = {lock, (uintptr_t)address, whole};
    dl_iterate_phdr(lock_object, &search);
}
