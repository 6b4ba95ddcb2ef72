/* SPDX-License-Identifier: Apache-2.0 */
/* AMD's GPUs as their kernel driver tells in sysfs. A read may wait for the GPU's firmware: for a
 * lane. Below the injected root. */
#ifndef HOST_AMDGPU_H
#define HOST_AMDGPU_H

#include "host/host.h"

struct amdgpu;

#define AMDGPU_CARDS_MAX 16

/* Finds the cards. VAGUS_EUNSUPPORTED: there is none; VAGUS_ENOMEM. The host must outlive it. For
 * one thread at a time. */
int amdgpu_create(struct host *host, struct amdgpu **amdgpu);
void amdgpu_destroy(struct amdgpu *amdgpu); /* NULL is fine */

/* Looks for cards that came since; those that are known keep their index. */
void amdgpu_find(struct amdgpu *amdgpu);
uint32_t amdgpu_count(const struct amdgpu *amdgpu);
const char *amdgpu_name(const struct amdgpu *amdgpu, uint32_t card); /* "card0" */
const char *amdgpu_bus(const struct amdgpu *amdgpu, uint32_t card);  /* "0000:03:00.0", "" */

/* What one file tells, in its own unit. */
enum amdgpu_file {
    AMDGPU_VRAM_TOTAL_BYTES,
    AMDGPU_VRAM_USED_BYTES, /* the fast read near a limit; wakes no GPU */
    AMDGPU_BUSY_PERCENT,
    AMDGPU_POWER_MICROWATTS,
    AMDGPU_POWER_LIMIT_MICROWATTS,
    AMDGPU_TEMPERATURE_MILLICELSIUS,
    AMDGPU_FILES
};

/* 0, VAGUS_EUNSUPPORTED (this card has no such file), VAGUS_EAGAIN (the GPU sleeps, and asking
 * would wake it), VAGUS_EPERM, VAGUS_EIO (the card is gone), VAGUS_EPARSE. */
int amdgpu_read(struct amdgpu *amdgpu, uint32_t card, enum amdgpu_file file, uint64_t *value);

#endif
