/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mgr_journal.h - the manager's table on disk: a directory.
 *
 *     master     32 bytes in hexadecimal, drawn once, mode 0600: what all keys of ranges come from.
 *                Losing it loses no data: rights and keys are made anew, channels open again
 *     journal    every change, one line each, appended and synced before it counts:
 *
 *         cxl_sec_mgr journal 1
 *         VERSION SECONDS WHO LINE... #MAC
 *
 *     LINE is mgr_table.h's, WHO the name in the administrator's certificate. MAC is
 *     HMAC-SHA-512-256 in hexadecimal, under a key from the master key, of the MAC before and of this line up to
 *     the blank before `#`. So a journal has no secret, can be read and copied by anybody, and
 *     whatever is changed, left out or put in between is noticed. What nobody can notice here is
 *     an older copy put back whole: nodes do, by the version (view.h).
 *
 * A crash or a full disk leaves at most a piece of a last line, which was never answered and is cut
 * off at the next start. A whole line that is wrong is no crash, and then there is no start.
 *
 * When starting, a journal that is much longer than its table is written anew, beside, synced and
 * renamed. One process has the directory at a time.
 */
#ifndef OPS_SERVER_MGR_JOURNAL_H
#define OPS_SERVER_MGR_JOURNAL_H

#include <limits.h>

#include "mgr_table.h"

enum {
	JOURNAL_MAC = 32,
	JOURNAL_LINE = TABLE_LINE + 192,
	JOURNAL_BYTES_MAX = 64 << 20, /* then changes are refused until the next start */
	JOURNAL_KEEP = 64 << 10,      /* shorter ones are not written anew */
};

struct journal {
	int fd; /* owned, locked; -1 */
	uint64_t len;
	uint8_t mac[JOURNAL_MAC]; /* of the last line */
	uint8_t *master;  /* TABLE_MASTER bytes of sodium_malloc */
	uint8_t *mac_key; /* the same */
	bool broken; /* what is on disk is not known any more: no more changes */
	uint64_t cut; /* bytes of a last line that was not whole, and was cut off */
};

/*
 * journal_open - read the table, or begin one in an empty or new directory.
 *
 * Returns 0; -EBUSY (another manager has it), -EACCES (others can read the master key), -EBADMSG
 * (the journal was changed, or belongs to another master key; `e` says where), -EINVAL, -ENOMEM,
 * the kernel's.
 */
MUST_CHECK int journal_open(struct journal *j, const char *dir, struct table *t, struct err_text *e);
void journal_close(struct journal *j);

/*
 * journal_change - a line into journal and table, or into neither.
 *
 * Returns 0 when it is on disk; as table_apply(); -EFBIG, -ENOSPC and other errors of the kernel; -EIO
 * after one that left the disk's state open: restart the manager.
 */
MUST_CHECK int journal_change(struct journal *j, struct table *t, const char *who, const char *line,
	struct err_text *e);

/* For tests and fuzzing: a journal's bytes, without their first line, into a table. Returns the bytes that were
 * whole lines; -EBADMSG with the place in `e`. */
int64_t journal_read(struct journal *j, struct table *t, const char *bytes, size_t len,
	struct err_text *e);

#endif
