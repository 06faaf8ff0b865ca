/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mgr_table.h - the manager's table: nodes, ranges of a pool, and who has which right to what.
 *
 * It changes by lines, which are what the administrator sends, what the journal keeps, and what a
 * table is written as:
 *
 *     node NAME FINGERPRINT                            add it, or give it another certificate
 *     range NAME POOL FROM TO SERVICE FIRST LAST SALT  SERVICE `*`: every; TO `end`: and all beyond
 *     grant NODE RANGE read|write
 *     revoke NODE RANGE                                RANGE `*`: all
 *     rotate RANGE SALT                                another key
 *     drop-node NAME
 *     drop-range NAME
 *
 * FINGERPRINT is the SHA-256 of a certificate and SALT 32 random bytes, both in hexadecimal. The key of
 * a range comes from its salt and the manager's master key, which is not here: whoever reads a table
 * or a journal has no key. A key's id is the beginning of its salt.
 *
 * A line is checked whole before anything changes, and each that was taken is a version more.
 * Lines come from administrators and from disk: both may be hostile.
 */
#ifndef OPS_SERVER_MGR_TABLE_H
#define OPS_SERVER_MGR_TABLE_H

#include <stdio.h>

#include "view.h"

enum {
	TABLE_NODES = 512,
	TABLE_RANGES = 256,
	TABLE_GRANTS = 8192, /* so that any view fits VIEW_BYTES_MAX */
	TABLE_LINE = 400, /* bytes of a line, the zero included */
	TABLE_SALT = 32,
	TABLE_MASTER = 32,
};

struct table_node {
	char name[VIEW_NAME + 1]; /* empty: a free place */
	uint8_t print[PEER_PRINT];
};

struct table_range {
	struct view_range where; /* where.name empty: a free place */
	uint8_t salt[TABLE_SALT];
};

struct table {
	uint64_t version;
	struct table_node node[TABLE_NODES];
	struct table_range range[TABLE_RANGES];
	uint8_t right[TABLE_NODES][TABLE_RANGES]; /* enum view_right */
};

/* NULL: no memory. */
struct table *table_create(void);
void table_destroy(struct table *t); /* NULL is fine */

/*
 * table_apply - take a line.
 *
 * Returns 0, and t->version is one more; -EINVAL (not a line), -ENOENT (no such node or range),
 * -EEXIST (a range that meets another, or is there; a certificate that is another node's),
 * -EUSERS (no place left). `e` says which; nothing has changed then.
 */
MUST_CHECK int table_apply(struct table *t, const char *line, struct err_text *e);

/* Would it? Without changing anything. */
MUST_CHECK int table_try(const struct table *t, const char *line, struct err_text *e);

/* The node with that certificate; -1: none. */
int table_find_node(const struct table *t, const uint8_t print[PEER_PRINT]);

/* Of a range's salt. */
void table_key(uint8_t key[VIEW_KEY], const uint8_t salt[TABLE_SALT],
	const uint8_t master[TABLE_MASTER]);

/*
 * table_view - what a peer is to know, as bytes (view.h): the ranges it has a right to, and whom it
 * has to let in where its certificate makes it a server.
 *
 * Returns the bytes used, 0 when they do not fit.
 */
size_t table_view(const struct table *t, const struct peer *p, uint32_t lease_ms,
	const uint8_t master[TABLE_MASTER], uint8_t *to, size_t size);

/* Lines that make this table from an empty one, each to take(), until that returns something else
 * than 0: then that. */
int table_each(const struct table *t, int (*take)(void *arg, const char *line), void *arg);

/* For people. */
void table_print(const struct table *t, FILE *f);

#endif
