/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * command.h - one command of a stream of them: its words, and how it goes to the ring.
 */
#ifndef DIFFERENTIAL_COMMAND_H
#define DIFFERENTIAL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* VERB: by its verb if it has that shape (docs/protocol-kv.md), else by CALL. */
enum way { WAY_VERB, WAY_CALL, WAY_STREAM };

struct spec;

struct command {
	size_t n, cap;
	char **word; /* owned, as the words are */
	size_t *len;
	enum way way;
	bool resp3;
	unsigned lane;     /* which of the ring's channels: lanes.h */
	bool alone;        /* blocking interface, one by one, not pipelined */
	int db;            /* of the request; a stream's session is in database 0 */
	unsigned batch;    /* those with the same number go together */
	unsigned pause_ms; /* after its batch: until what it lets expire has expired */
	const struct spec *spec;
};

void command_add(struct command *c, const void *word, size_t len);
void command_text(struct command *c, const char *text);
void command_number(struct command *c, long long v);
void command_set(struct command *c, size_t i, const char *text);
void command_drop(struct command *c, size_t i);
void command_free(struct command *c);

bool command_is(const struct command *c, const char *name);

/* Is this among its arguments? */
bool command_has(const struct command *c, const char *word);

/* As bytes of RESP, appended to *buf (grown by realloc). */
void command_resp(const struct command *c, char **buf, size_t *len, size_t *cap);

/* As a line of cxl-cli. */
void command_print(FILE *f, const struct command *c);
void bytes_print(FILE *f, const char *p, size_t len, size_t most);

#endif
