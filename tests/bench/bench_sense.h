/* SPDX-License-Identifier: Apache-2.0 */
/* What the rows of senses need besides: peers that read the same things, and large machines. */
#ifndef BENCH_SENSE_H
#define BENCH_SENSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A round of reading CPU, memory, swap, load, disks, network and this process by a library, or NULL
 * if it was not there when this was built. */
void (*sense_peer_loop(const char *name))(void *arg, uint64_t iterations);

/* The same by psutil, in a Python of its own that times itself; NaN if it is not installed. */
double sense_peer_psutil_ns(void);

/* This machine's files copied below a new folder, but with so many CPUs and disks. */
bool sense_machine_make(char *root, size_t capacity, unsigned cpus, unsigned disks);
void sense_machine_remove(const char *root);

#endif
