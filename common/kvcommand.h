/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kvcommand.h - what every server of service "kv" does alike with Redis's commands, so that
 * clients need not know who serves them. Names here are in lower case.
 */
#ifndef COMMON_KVCOMMAND_H
#define COMMON_KVCOMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* What a refused CALL is told, with the name it was called by. */
#define KVCOMMAND_REFUSAL "ERR %.32s is not available over the ring: use cxl-proxy"

/* Options of SET by their bits (enum kv_set_opt). */
enum { KVCOMMAND_SET_WORDS = 8 };
extern const char *const kvcommand_set_words[KVCOMMAND_SET_WORDS];

/* Does it need a connection of its own, wait, or end or stop the server? */
bool kvcommand_refused(const char *name);

/* Does it wait when it is given BLOCK (XREAD, XREADGROUP)? */
bool kvcommand_may_block(const char *name);

/* What an argument of these makes of it. */
enum kvcommand_word { KVCOMMAND_GOES_ON, KVCOMMAND_BLOCKS, KVCOMMAND_KEYS_FOLLOW };
enum kvcommand_word kvcommand_word(const char *p, size_t len);

#endif
