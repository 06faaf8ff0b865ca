/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trust_follow.c - files that are read again (trust.h): were they replaced, may they be, and
 * what counts then. What is in them is trust.c's.
 */
#include "trust.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/x509_crt.h>
#include <sodium.h>

struct trust_source {
	struct trust_files files; /* names are owned */
	struct trust_seen seen;
	bool failed;              /* those that are there now are not used */
	char why[sizeof((struct err_text *)0)->s]; /* as was said last */
};

static void list_files(const char *name[TRUST_FILES], const struct trust_files *f)
{
	name[0] = f->cert;
	name[1] = f->key;
	name[2] = f->ca;
	name[3] = f->crl;
	name[4] = f->psk;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
		memcmp(&a->st_mtim, &b->st_mtim, sizeof a->st_mtim) == 0 &&
		memcmp(&a->st_ctim, &b->st_ctim, sizeof a->st_ctim) == 0;
}

bool trust_seen_other(struct trust_seen *s, const struct trust_files *f)
{
	const char *name[TRUST_FILES];
	bool other = false;
	struct stat now;
	int i;

	list_files(name, f);
	for (i = 0; i < TRUST_FILES; i++) {
		if (!name[i] || stat(name[i], &now) < 0 || same_file(&now, &s->was[i]))
			continue;
		s->was[i] = now;
		other = true;
	}
	return other;
}

/* ---- no list goes back ---- */

static bool is_signed_by(const mbedtls_x509_crl *list, mbedtls_x509_crt *ca)
{
	const mbedtls_md_info_t *md = mbedtls_md_info_from_type(list->sig_md);
	uint8_t hash[MBEDTLS_MD_MAX_SIZE];

	return md && mbedtls_md(md, list->tbs.p, list->tbs.len, hash) == 0 &&
		mbedtls_pk_verify_ext(list->sig_pk, list->sig_opts, &ca->pk, list->sig_md, hash,
			mbedtls_md_get_size(md), list->sig.p, list->sig.len) == 0;
}

/* A number that is greater for later ones, and not 0. */
static int64_t rank(const mbedtls_x509_time *t)
{
	int64_t days = (t->year * INT64_C(13) + t->mon) * 32 + t->day;

	return ((days * 24 + t->hour) * 60 + t->min) * 60 + t->sec;
}

/* Of that CA's lists; 0: it has none. */
static int64_t newest(const mbedtls_x509_crl *list, mbedtls_x509_crt *ca)
{
	int64_t last = 0;

	for (; list; list = list->next)
		if (rank(&list->this_update) > last && is_signed_by(list, ca))
			last = rank(&list->this_update);
	return last;
}

/* Also when there is no memory to tell. */
static bool goes_back(const struct trust_blob *cas, const struct trust_blob *from,
	const struct trust_blob *to)
{
	mbedtls_x509_crl was, now;
	mbedtls_x509_crt roots, *ca;
	bool back;

	mbedtls_x509_crt_init(&roots);
	mbedtls_x509_crl_init(&was);
	mbedtls_x509_crl_init(&now);
	back = mbedtls_x509_crt_parse(&roots, cas->p, cas->len) ||
		mbedtls_x509_crl_parse(&was, from->p, from->len) ||
		mbedtls_x509_crl_parse(&now, to->p, to->len);
	for (ca = &roots; ca && !back; ca = ca->next)
		back = newest(&now, ca) < newest(&was, ca);
	mbedtls_x509_crt_free(&roots);
	mbedtls_x509_crl_free(&was);
	mbedtls_x509_crl_free(&now);
	return back;
}

int trust_renew(struct trust **t, const struct trust *was, const struct trust_files *f,
	struct err_text *e)
{
	int rc = trust_load(t, f, e);

	if (rc || !was || !was->cert.p || !was->crl.p || !(*t)->cert.p || !(*t)->crl.p ||
		!goes_back(&(*t)->ca, &was->crl, &(*t)->crl))
		return rc;
	trust_drop(*t);
	*t = NULL;
	err_set(e, "%s: older than the list that is in use, or of another CA", f->crl);
	return -EINVAL;
}

/* ---- a client's ---- */

/* A list that our own certificate can be held against? What it says of that is another matter. */
static bool is_list(const struct trust *t, const struct trust_blob *crl)
{
	const uint32_t bad = MBEDTLS_X509_BADCRL_NOT_TRUSTED | MBEDTLS_X509_BADCRL_EXPIRED |
		MBEDTLS_X509_BADCRL_FUTURE | MBEDTLS_X509_BADCRL_BAD_MD |
		MBEDTLS_X509_BADCRL_BAD_PK | MBEDTLS_X509_BADCRL_BAD_KEY;
	mbedtls_x509_crt own, roots;
	mbedtls_x509_crl list;
	uint32_t flags = bad;
	int rc;

	mbedtls_x509_crt_init(&own);
	mbedtls_x509_crt_init(&roots);
	mbedtls_x509_crl_init(&list);
	rc = mbedtls_x509_crt_parse(&own, t->cert.p, t->cert.len);
	if (!rc)
		rc = mbedtls_x509_crt_parse(&roots, t->ca.p, t->ca.len);
	if (!rc)
		rc = mbedtls_x509_crl_parse(&list, crl->p, crl->len);
	if (!rc)
		rc = mbedtls_x509_crt_verify_with_profile(
			&own, &roots, &list, &trust_profile, NULL, &flags, NULL, NULL);
	mbedtls_x509_crt_free(&own);
	mbedtls_x509_crt_free(&roots);
	mbedtls_x509_crl_free(&list);
	return (rc == 0 || rc == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) && !(flags & bad);
}

static bool same_bytes(const struct trust_blob *a, const struct trust_blob *b)
{
	return a->len == b->len && (!a->p || memcmp(a->p, b->p, a->len) == 0);
}

/* The list of the revoked, whatever the other files are worth. */
static void refresh_list(struct trust *t)
{
	struct trust_blob fresh = {NULL, 0};
	struct err_text e;

	if (!t->cert.p)
		return;
	if (trust_read(&fresh, t->source->files.crl, false, &e) || !fresh.p ||
		same_bytes(&fresh, &t->crl) || !is_list(t, &fresh) ||
		(t->crl.p && goes_back(&t->ca, &t->crl, &fresh))) {
		sodium_free(fresh.p);
		return;
	}
	sodium_free(t->crl.p);
	t->crl = fresh;
	t->news++;
}

/* What was read becomes `t`'s, which keeps what else hangs on it; `fresh` gets what it had. */
static void swap_read(struct trust *t, struct trust *fresh)
{
	struct trust was = *t;

	memcpy(t, fresh, offsetof(struct trust, view));
	memcpy(fresh, &was, offsetof(struct trust, view));
}

void trust_sentence(char text[TRUST_SENTENCE], const char *why)
{
	snprintf(text, TRUST_SENTENCE, "certificates and keys %s%s",
		why ? "are as they were: " : "were read anew", why ? why : "");
}

static void say(struct trust *t, const char *why)
{
	struct trust_source *s = t->source;
	bool again = why ? s->failed && strcmp(why, s->why) == 0 : !s->failed;
	char text[TRUST_SENTENCE];

	s->failed = why != NULL;
	snprintf(s->why, sizeof s->why, "%s", why ? why : "");
	if (again || !t->say)
		return;
	trust_sentence(text, why);
	t->say(text);
}

void trust_refresh(struct trust *t)
{
	struct trust_source *s = t->source;
	struct err_text e = {""};
	struct trust *fresh;
	int rc;

	/* Looked at before they are read: what is written in between is news the next time. */
	if (!s || (!trust_seen_other(&s->seen, &s->files) && !s->failed))
		return;
	rc = trust_renew(&fresh, t, &s->files, &e);
	if (rc) {
		refresh_list(t);
		say(t, e.s[0] ? e.s : strerror(-rc));
		return;
	}
	swap_read(t, fresh);
	trust_drop(fresh);
	t->news++;
	say(t, NULL);
}

static void source_destroy(struct trust_source *s)
{
	const char *name[TRUST_FILES];
	int i;

	if (!s)
		return;
	list_files(name, &s->files);
	for (i = 0; i < TRUST_FILES; i++)
		free((char *)name[i]);
	free(s);
}

static bool keep_name(const char **to, const char *name)
{
	*to = strdup(name ? name : "");
	return *to;
}

static struct trust_source *source_create(const struct trust_files *f)
{
	struct trust_source *s = calloc(1, sizeof *s);

	if (s && keep_name(&s->files.cert, f->cert) && keep_name(&s->files.key, f->key) &&
		keep_name(&s->files.ca, f->ca) && keep_name(&s->files.crl, f->crl) &&
		keep_name(&s->files.psk, f->psk))
		return s;
	source_destroy(s);
	return NULL;
}

int trust_follow(struct trust **t, const struct trust_files *f, struct err_text *e)
{
	struct trust_source *s = source_create(f);
	int rc;

	*t = NULL;
	if (!s)
		return -ENOMEM;
	trust_seen_other(&s->seen, f);
	rc = trust_load(t, f, e);
	if (rc)
		source_destroy(s);
	else
		(*t)->source = s;
	return rc;
}

void trust_unfollow(struct trust *t)
{
	source_destroy(t->source);
	t->source = NULL;
}
