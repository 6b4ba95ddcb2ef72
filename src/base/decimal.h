/* SPDX-License-Identifier: Apache-2.0 */
/* Usual numbers in decimal, digit by digit as printf would write them, at a tenth of its price: it
 * reckons with hundreds of digits for each, and a signal waits for its reason to be worded. */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stddef.h>

#define DECIMAL_BYTES 32

/* As "%.*f" and "%.*g". Their length, with no 0 at the end; 0 if the number is not a usual one: ask
 * printf then. */
size_t decimal_fixed(char out[DECIMAL_BYTES], double value, int decimals);
size_t decimal_digits(char out[DECIMAL_BYTES], double value, int digits);

#endif
