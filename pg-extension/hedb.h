/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hedb.h - what the files of hedb.so share.
 *
 *     hedb.c       module start, settings, modes
 *     placeholder.c  settings from before the library was loaded
 *     zone.c       this backend's session with ops_server, and its errors
 *     zone_program.c  short programs for it, and what replies say
 *     scalar.c     the SQL functions of ops.def: one call, one row
 *     btree.c      the same in an index: a page's comparisons at once
 *     encrypted.c  type input and output, encrypt, decrypt, casts from plain types
 *     compat.c     names of HEDB that are something else here; what is not supported
 *     aggregate.c  sum, avg, min, max in batches
 *     rank.c       order of many values, asked of the zone at once
 *     memo.c       what is known of ciphertexts: digests, places in an order
 *     literal.c    constants of one statement that say the same
 *     merge.c      order of values that a sort merges from runs on tape
 *     sort.c       sort support: PostgreSQL's sorts and index builds by such ranks
 *     plan.c       where a plan gets Zone nodes; plan_zone.c makes them, plan_attach.c
 *                  those below a node, plan_cost.c says what operations cost,
 *                  plan_range.c how many rows a range has
 *     compile.c    expressions to programs
 *     node.c       the Zone node; node_batch.c its batches, node_explain.c EXPLAIN
 *     node_sort.c  the Zone Sort node, which plan_sort.c puts in a Sort's place; order.c
 *                  orders the rows that tuples.c keeps for it, runs.c those in a file;
 *                  source.c tells memo.c of them
 *     fuse.c       expressions that no Zone has, in one round trip; fuse_plan.c in plans
 *     stat_programs.c  what programs cost
 *     rekey.c      which key values are under
 *     index.c      support functions of operator classes; ANALYZE
 *
 * Include it first: it brings postgres.h. ops.def uses the name ERROR for itself, hence
 * the push and pop.
 */
#ifndef HEDB_H
#define HEDB_H

#include "postgres.h"

#include "fmgr.h"

#pragma push_macro("ERROR")
#undef ERROR
#include "ops.h"
#include "value.h"
#pragma pop_macro("ERROR")

enum hedb_mode { MODE_SERVER, MODE_CLIENT };
enum hedb_channel_wait { CHANNEL_WAIT, CHANNEL_ERROR };

/* Settings, hedb.c; docs/sql.md explains them. */
extern int hedb_mode;
extern bool hedb_enable_batch;
extern int hedb_batch;
extern int hedb_timeout;
extern int hedb_spin_us;
extern int hedb_channel_wait;
extern int hedb_region_offset;
extern char *hedb_region;
extern char *hedb_client_credential;
extern bool hedb_secure; /* sealed channels to ops_server, or none */
extern char *hedb_cert_file, *hedb_key_file, *hedb_ca_file, *hedb_crl_file, *hedb_psk_file;
extern char *hedb_sec_mgr, *hedb_sec_pool; /* watch.h */

/* A plain value is about to become one of that type: raises in server mode. */
void hedb_need_client_mode(uint32 type);

/* Bytes of a stored value of that type; 0 when it varies. */
static inline uint32 value_bytes(uint32 type)
{
	uint32 size = optable_type(type).size;

	return size ? size + VALUE_OVERHEAD : 0;
}

/* The same as pg_type has it. */
static inline int value_typlen(uint32 type)
{
	return value_bytes(type) ? (int)value_bytes(type) : -1;
}

#endif
