/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * err.h - what a failed call in common/ returns.
 *
 * Every function that can fail returns 0 or one of these, negated. The edges
 * (ereport, Redis replies, exit messages) translate once, each in one function.
 * An error inside an encrypted operation (overflow, division by zero) is not one
 * of these: it is a row's result, listed in ops.def, and it travels in the reply.
 *
 *   EAGAIN       nothing to read, or no room; nothing changed, try later
 *   EMSGSIZE     longer than this ring or this limit can ever carry
 *   EPROTO       the peer wrote something impossible; the handle is broken for good
 *   EOWNERDEAD   the channel belongs to an older generation: attach again
 *   EBUSY        another live server holds the service's lease
 *   EUSERS       every channel has a live owner
 *   ETIMEDOUT    the peer did not answer in time
 *   EINVAL       the caller asked for something that cannot be
 *   EBADMSG      authentication failed: forged, damaged, or under another key
 *   ENOKEY       the value names a key that the keyring does not hold
 *   EKEYREVOKED  the value names a key that was destroyed
 *   EKEYREJECTED a key file is sealed under another key
 *   ESTALE       the request names a value that the server does not have; the two ends' managers
 *                name another key, or an older table
 *   EACCES       the session's role may not do that
 *   EMEDIUMTYPE  not a region, or a region of another version
 *   EFBIG        the mapping is smaller than the region it should hold
 *   ENOMEM, and what the kernel gave for a file
 */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

#include <errno.h>
#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* One line of context that a function leaves for its caller's message: what was
 * found and what to do about it. Lower case, no full stop, never a secret. */
struct err_text {
	char s[256];
};

void err_set(struct err_text *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* err_name - the sentence for a negative errno of the list above. */
const char *err_name(int rc);

#endif
