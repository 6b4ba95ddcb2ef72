/* SPDX-License-Identifier: Apache-2.0 */
/* Which boot of the machine this is: monotonic times of two boots have nothing in common. */
#ifndef BASE_BOOT_H
#define BASE_BOOT_H

#define BOOT_ID_MAX 40

/* The kernel's name of this boot, 36 characters; "" where it does not tell. */
void boot_id_read(char id[BOOT_ID_MAX]);

#endif
