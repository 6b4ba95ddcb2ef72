/* SPDX-License-Identifier: Apache-2.0 */
/* A program may name its functions as vagus names its own inside: the static library must neither
 * collide with them nor call them. */
#include <stdlib.h>

void text_init(void);
void text_add(void);
void host_open(void);
void config_load(void);
void segment_create(void);
void bus_create(void);
void metrics_create(void);

void text_init(void)
{
    abort();
}
void text_add(void)
{
    abort();
}
void host_open(void)
{
    abort();
}
void config_load(void)
{
    abort();
}
void segment_create(void)
{
    abort();
}
void bus_create(void)
{
    abort();
}
void metrics_create(void)
{
    abort();
}
