/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hex.h - bytes that somebody wrote as hexadecimal digits.
 */
#ifndef COMMON_HEX_H
#define COMMON_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sodium.h>

/* hex_read - `len` bytes from n digits at `hex`. False: it is another number of them, or no digits. */
static inline bool hex_read(uint8_t *to, size_t len, const char *hex, size_t n)
{
	return n == 2 * len && sodium_hex2bin(to, len, hex, n, NULL, NULL, NULL) == 0;
}

#endif
