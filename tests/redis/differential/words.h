/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * words.h - random words for arguments, by the names that COMMAND DOCS gives these.
 *
 * Keys are few, so that commands meet; their first letter is a type, so that most commands
 * find what they are for. Numbers like limits, values like bytes that could be taken for
 * something else.
 */
#ifndef DIFFERENTIAL_WORDS_H
#define DIFFERENTIAL_WORDS_H

#include "grammar.h"

/* May a time to expire at be over? Such a key is there until somebody looks. */
void words_past(bool allowed);

void words_learn(struct wire *w);

/* For argument `a` of command `s`, its key's letter being `type`. */
void words_for(struct command *c, const struct spec *s, const struct arg *a, char type);

/* The letter for keys of this group of commands; 0: any. */
char words_type(const char *group);

void words_key(struct command *c, char type);
void words_value(struct command *c);
void words_odd(struct command *c); /* what nobody asked for */

#endif
