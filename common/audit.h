/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * audit.h - the audit log: lines of text in a hash chain, whose head is signed now and then.
 *
 *     41 2026-11-29T09:30:12Z session channel=3 pid=812 role=db 5f3c...
 *     |  |                    |                                 BLAKE2b-256 of the hash of line
 *     |  |                    event and what it is about        40 and of this line before it
 *     |  when, UTC
 *     number, from 1, across all segments
 *
 * A log is a directory of segments, audit.000001.log and so on. Each begins with a line
 * "begin segment=N prev=HASH policy=V:DIGEST" that goes on from the last complete line of the
 * one before; a server begins one when it starts, and when one is long enough. "head sig=..." is
 * an ed25519 signature over number and hash of the line before it, and with that over all lines.
 *
 * What that shows. A line changed, left out, added or moved breaks the chain; a chain made anew
 * has no signature. What was cut off at the end is missed by who knows a later head (the server
 * names it in its log; audit_check_head). A crash may leave half a line at the end of a segment,
 * and lines behind the last signed head, which the next segment's heads sign.
 */
#ifndef COMMON_AUDIT_H
#define COMMON_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "policy.h"

enum {
	AUDIT_HASH = 32,
	AUDIT_TEXT = 600, /* of an event */
	AUDIT_LINE = AUDIT_TEXT + 128,
	AUDIT_NAME = 32,  /* of a segment's file */
};

struct audit_chain {
	uint64_t number; /* of the last line */
	uint8_t hash[AUDIT_HASH];
};

/* audit_line - the chain's next line, with its line feed; what is not plain text becomes '?'.
 * Moves the chain. Returns its length. */
size_t audit_line(char line[AUDIT_LINE], struct audit_chain *c, uint64_t time_s, const char *text);

/* The text of a line that begins a segment, and of a signed head. */
void audit_begin_text(char text[AUDIT_TEXT], const struct audit_chain *c, uint64_t segment,
	const struct policy_stamp *policy);
void audit_head_text(char text[AUDIT_TEXT], const struct audit_chain *c,
	const uint8_t secret[SIGNKEY_SECRET]);

/* The name of a segment's file, and whether a name is one. */
void audit_segment_name(char name[AUDIT_NAME], uint64_t segment);
bool audit_segment_number(const char *name, uint64_t *segment);

/* What has been checked so far. Zeroed but for `key`: nothing, and any line that begins a
 * segment may come first. */
struct audit_check {
	uint8_t key[SIGNKEY_PUBLIC];
	struct audit_chain chain;
	uint64_t signed_to;         /* number of the last line that a good signature is over */
	uint64_t segment, segments; /* the last one, and how many */
	struct policy_stamp policy; /* the last one in force */
	struct audit_chain want;    /* number not 0: a head that somebody has noted */
	bool begun, found;          /* `want` was met */
	size_t torn;                /* bytes of half a line at the end of the last segment */
};

/*
 * audit_check_bytes - the first `len` bytes of a log's next segment.
 *
 * Returns 0, or -EBADMSG (the line is not the chain's next one, or its signature is wrong, or
 * the segment does not go on from the one before) with the line in `e`.
 */
MUST_CHECK int audit_check_bytes(
	struct audit_check *c, const char *bytes, size_t len, struct err_text *e);

/*
 * audit_check_dir - all segments of a directory, oldest first; or, `last_only`, the last one and as
 * many before it as it takes to meet a signed head.
 *
 *   segment   out: number of the last one, 0: there is none
 *
 * Returns as audit_check_bytes(), -EBADMSG as well when one in between is missing, or what the
 * kernel said.
 */
MUST_CHECK int audit_check_dir(struct audit_check *c, const char *dir, bool last_only,
	uint64_t *segment, struct err_text *e);

/* Is the noted head in the log? 0 or -EBADMSG. After the last segment. */
MUST_CHECK int audit_check_head(const struct audit_check *c, struct err_text *e);

#endif
