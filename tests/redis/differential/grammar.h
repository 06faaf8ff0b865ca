/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * grammar.h - what the commands of a running server look like, out of COMMAND and COMMAND
 * DOCS, and random commands of that look. A command that a later Redis has comes by itself.
 */
#ifndef DIFFERENTIAL_GRAMMAR_H
#define DIFFERENTIAL_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>

#include "command.h"
#include "wire.h"

enum arg_type { ARG_STRING, ARG_INTEGER, ARG_DOUBLE, ARG_KEY, ARG_PATTERN, ARG_TIME,
	ARG_TOKEN, ARG_ONEOF, ARG_BLOCK };

struct arg {
	char name[32];
	enum arg_type type;
	char *token; /* owned; NULL: none */
	bool optional, multiple, multiple_token;
	struct arg *child; /* owned, of ONEOF and BLOCK */
	size_t n;
};

struct spec {
	char name[48]; /* "config|get" */
	char group[24];
	bool connection; /* needs a connection of its own: only by a stream */
	bool blocks, fast;
	bool unordered;  /* tip nondeterministic_output_order */
	bool timed;      /* has an argument that is a time */
	struct arg *arg; /* owned */
	size_t n;
	unsigned weight;
};

/* Also learns what random words need: digests of scripts, payloads of DUMP. */
void grammar_load(struct wire *w);

size_t grammar_count(void);

/* A random command into *c, which is empty; `connected`: of those, too, that need a
 * connection; `expiring`: with short expiries, but without SCAN. */
void grammar_command(struct command *c, bool connected, bool expiring);

/* The same of one command, or of one for which there is a verb. */
void grammar_named(struct command *c, const char *name);
/* One that touches nothing outside of its database. */
void grammar_confined(struct command *c);
void grammar_verb(struct command *c);

/* The specification that a command's words belong to; NULL: none. */
const struct spec *grammar_of(const struct command *c);

#endif
