/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * compare.h - are two replies to one command the same?
 *
 * Byte for byte, type and text of errors as well, but for what Redis itself does not
 * promise:
 *
 *   order    of HGETALL, SMEMBERS and all that carry the tip nondeterministic_output_order,
 *            SORT BY nosort: each server has a hash seed of its own. Pairs stay pairs
 *   clock    TTL and its kin, idle times, times in XINFO and XPENDING: as far apart as the
 *            two servers were asked, and a second
 *   chance   SRANDMEMBER, HRANDFIELD, ZRANDMEMBER, and where SCAN and its kin have come to:
 *            of the same type
 *   owners   OBJECT REFCOUNT: what waits to go to AOF and replicas has one more. The type
 *   layout   DUMP of a hash or set in a table: of the same length
 *
 * and for what docs/protocol-kv.md lists as different. In EXEC's reply each element is
 * compared as its own command's.
 */
#ifndef DIFFERENTIAL_COMPARE_H
#define DIFFERENTIAL_COMPARE_H

#include "command.h"
#include "wire.h"

struct leeway {
	long skew_ms; /* how far apart the servers were asked, at most */
	bool mset;    /* MSET has gone by CALL: OBJECT ENCODING may say embstr for int */
};

/* `queued` are the commands of a MULTI that `c` executes, or NULL. */
bool compare(const struct command *c, const struct command *const *queued, size_t nqueued,
	const struct value *a, const struct value *b, struct leeway leeway);

#endif
