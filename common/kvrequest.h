/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kvrequest.h - one request of service "kv" (kv.h), taken apart: for every server of it.
 *
 *     struct kvrequest q;
 *
 *     if (kvrequest_read(&q, kind, data, len))
 *         refuse the channel;
 *     while (q.nstrings)
 *         if (!(p = kvrequest_string(&q, &n)))
 *             refuse the channel, undo what was done with the strings before;
 *
 * The client may still be changing the bytes: each length is read once, and so checked as
 * it is used. For the same reason the strings come one by one.
 */
#ifndef COMMON_KVREQUEST_H
#define COMMON_KVREQUEST_H

#include "cursor.h"
#include "err.h"
#include "kv.h"

enum {
	KVREQUEST_STRINGS_MAX = 1024 * 1024, /* as Redis's multibulk limit */
	KVREQUEST_KEY_MAX = 512 << 20,
};

struct kvrequest {
	uint8_t verb; /* enum kv_request, not STREAM */
	uint16_t db;
	uint16_t opt;
	int64_t number;      /* INCRBY: by how much. SET: the time, when opt has one */
	const uint8_t *key;  /* GET SET INCRBY. PING: the text. AUTH: the user's name */
	uint32_t key_len;
	const uint8_t *value; /* SET. AUTH: the password */
	size_t value_len;
	uint32_t nstrings;  /* still to come. DEL, EXISTS: keys. CALL: name and arguments */
	struct cursor rest; /* where they are */
};

/* "get"; "?" for what is no verb. */
const char *kvrequest_name(uint8_t kind);

/* Returns 0, or -EPROTO when the request makes no sense. What points anywhere points into
 * `data`. */
MUST_CHECK int kvrequest_read(
	struct kvrequest *q, uint8_t kind, const uint8_t *data, uint64_t len);

/* The next of the strings, and its length; NULL when it is not all there, or is the last
 * one and something follows. */
const uint8_t *kvrequest_string(struct kvrequest *q, uint32_t *len);

#endif
