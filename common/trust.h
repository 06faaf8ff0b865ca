/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trust.h - whom this end of a channel believes, and by what it shows itself.
 *
 * Certificates: its own with the key, signed by the zone's CA (`hedbctl ca`), the CA's, and
 * the list of those that the CA has revoked. Pre-shared keys, for closed set-ups without
 * a CA: a file of lines
 *
 *     NAME ROLE,ROLE,... 64 hexadecimal digits
 *
 * of which a server has all and a client its own, which it takes the first line for. Who
 * knows a key can be either end of it: give each node its own, unless all are one. Both
 * may be there; a client then shows its certificate.
 *
 * All of it is read and tried once, at load; a server loads another one. A client has one for
 * weeks that it can have open channels by: the files of that one are followed (trust_follow()). A
 * handshake parses it anew: mbedtls writes into keys while it signs, so they cannot be shared
 * by threads.
 */
#ifndef COMMON_TRUST_H
#define COMMON_TRUST_H

#include <sys/stat.h>

#include "err.h"
#include "peer.h"
#include "view.h"

enum {
	TRUST_PSK = 32,
	TRUST_ROOTS = 8, /* CAs in one file */
	TRUST_FILES = 5,
	TRUST_SENTENCE = sizeof((struct err_text *)0)->s + 48,
};

/* How a service is to be used. */
enum trust_mode {
	TRUST_PLAIN,    /* not sealed */
	TRUST_SEALED,   /* as the client wants */
	TRUST_REQUIRED, /* plain requests are refused */
};

/* Names of files, NULL or empty: none. */
struct trust_files {
	const char *cert, *key, *ca, *crl, *psk;
};

/* They, as they were when they were looked at; all zero: never. */
struct trust_seen {
	struct stat was[TRUST_FILES];
};

struct trust_blob {
	uint8_t *p; /* PEM with the zero byte that mbedtls wants; sodium_malloc */
	size_t len;
};

struct trust {
	/* What was read: */
	struct trust_blob cert, key, ca, crl, psk;
	uint8_t root[TRUST_ROOTS][PEER_ROOT]; /* of the CAs, as struct peer has it */
	unsigned nroots;
	struct peer self; /* as the certificate, or a client's line of keys, says */
	/* And what hangs on it: */
	struct view *view; /* what a manager says besides, or NULL; held */
	struct watch *watch; /* a client's, which keeps it (watch.h), or NULL; owned */
	struct trust_source *source; /* the files that are followed, or NULL; owned */
	uint64_t news;    /* how often something of them was read anew */
	/* For the log, when files are followed: trust_sentence(), once for each reason, and once when
	 * that has passed. May be NULL. */
	void (*say)(const char *sentence);
	int users;        /* trust_hold() */
};

/*
 * trust_load - read the files and see that they go together.
 *
 * Returns 0; -EINVAL (neither certificate nor keys, one without the other, not of this
 * CA, more than TRUST_ROOTS of them, expired, revoked, not P-384), -EACCES (others may read
 * key or keys), -ENOMEM, or what the kernel said; `e` names the file.
 */
MUST_CHECK int trust_load(
	struct trust **t, const struct trust_files *f, struct err_text *e);

/*
 * trust_renew - trust_load() for who believes `was` by now; NULL: nothing.
 *
 * -EINVAL as well when a list of the revoked goes back: `was` has one that is signed by a CA of the
 * new files, and these have a list, but none of that CA as new as that (thisUpdate). Else
 * who can write that file alone could bring back whom the CA has revoked, by an earlier one
 * or by a list of anybody's. To name no list at all is another matter: that is configuration.
 */
MUST_CHECK int trust_renew(struct trust **t, const struct trust *was,
	const struct trust_files *f, struct err_text *e);

/* From now on rights count as well, as `v` has them. -EINVAL: there are pre-shared keys, which
 * no manager knows. Before anybody else has `t`. */
MUST_CHECK int trust_manage(struct trust *t, struct view *v, struct err_text *e);

/* Is one of them another one than the last time, or was it written since? Also when none has been
 * looked at. One that is not there now is as it was. */
bool trust_seen_other(struct trust_seen *s, const struct trust_files *f);

/* trust_load() for a client, whose thread alone uses `t`: the files are followed from then on. */
MUST_CHECK int trust_follow(
	struct trust **t, const struct trust_files *f, struct err_text *e);

/*
 * trust_refresh - read the files that are followed, if they are others than before.
 *
 * All of them count from now on, or none: what cannot be loaded (it may be half written) changes
 * nothing, and is tried again the next time. But a list of what our CA has revoked does by itself:
 * it may say that of our own certificate, which cannot be loaded then, and of the server's. No list
 * goes back (trust_renew()).
 */
void trust_refresh(struct trust *t);

/* What became of files that were replaced, for a log: why they are not used; NULL: they are. */
void trust_sentence(char text[TRUST_SENTENCE], const char *why);

/* One more, one less who uses it; the last one wipes it. Any thread. NULL is fine. */
struct trust *trust_hold(struct trust *t);
void trust_drop(struct trust *t);

/*
 * trust_objects - is there a reason that a peer who was let in may not stay?
 *
 *   t       what is believed now; NULL: nothing, and so there is
 *   now_s   Unix time
 *
 * Its certificate has ended or is revoked, or its CA is none of `t`; its pre-shared key is
 * another one now, for other roles, or gone. Also when there is no memory to tell. `e` says
 * which. For certificates that is all that changes after a handshake; signatures do not.
 */
bool trust_objects(const struct trust *t, const struct peer *p, int64_t now_s, struct err_text *e);

/* The key of that name, and who it is. False: there is none. */
bool trust_find_key(const struct trust *t, const char *name, size_t len,
	uint8_t key[TRUST_PSK], struct peer *p);

/* "plain", "sealed", "required". */
MUST_CHECK int trust_parse_mode(const char *text, enum trust_mode *mode);

/* Who a certificate says it is; `ca` signed it. */
struct mbedtls_x509_crt;
void trust_read_peer(struct peer *p, const struct mbedtls_x509_crt *crt,
	const struct mbedtls_x509_crt *ca);

/* What this project signs with, and nothing else: ECDSA, P-384, SHA-384. */
extern const struct mbedtls_x509_crt_profile trust_profile;

/* ---- between trust.c and trust_follow.c ---- */

/* One file, as a whole; without a name: nothing, and `b` is as it was. A `secret` one may be read
 * by its owner alone. `b` may have got memory of it on errors as well. */
MUST_CHECK int trust_read(
	struct trust_blob *b, const char *path, bool secret, struct err_text *e);

/* The files are followed no longer. */
void trust_unfollow(struct trust *t);

#endif
