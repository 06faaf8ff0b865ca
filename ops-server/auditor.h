/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * auditor.h - ops_server's audit log (audit.h): who came, what was denied, who may decrypt, which
 * keys and policy are in force, what each session was told.
 *
 * Ordinary lines (auditor_note) are one write() each and never fail for the caller; a thread signs
 * a head and flushes once a second when there is something. Privileged actions (auditor_grant)
 * are on the disk and signed before they happen, and do not happen when that fails: a full disk
 * stops them, and nothing else. Lines that were lost meanwhile are counted, and the first line
 * afterwards says how many.
 *
 * Without a log all of them do nothing and succeed. Any thread may call them.
 */
#ifndef OPS_SERVER_AUDITOR_H
#define OPS_SERVER_AUDITOR_H

#include "audit.h"

struct auditor;

/*
 * auditor_open - go on with the log in a directory: check its last segment, begin another.
 *
 *   dir, key    the directory, and ops_server's secret key
 *   segment_max  bytes; then another segment
 *   policy      out: which one was in force when the log ended; version 0: none
 *
 * Before the filter of system calls, whose openat() is as auditor.c's. Returns 0, -EBADMSG when
 * the log there is damaged, -ENOSPC or what else the kernel said.
 */
MUST_CHECK int auditor_open(struct auditor **a, const char *dir, const char *key,
	uint64_t segment_max, struct policy_stamp *policy, struct err_text *e);

/* Start its thread; and end it, with a signed head. NULL is fine. */
MUST_CHECK int auditor_start(struct auditor *a);
void auditor_close(struct auditor *a);

/* "event about=what"; one line. */
void auditor_note(struct auditor *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The same, and it lasts: 0, or what the kernel said, and `e` says so. */
MUST_CHECK int auditor_grant(struct auditor *a, struct err_text *e, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* Could it be written last time? Else privileged actions that were granted wait as well. */
MUST_CHECK int auditor_healthy(struct auditor *a, struct err_text *e);

/* The policy in force, for segments to come. */
void auditor_policy(struct auditor *a, const struct policy_stamp *policy);

#endif
