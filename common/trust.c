/* SPDX-License-Identifier: BSD-3-Clause */
#include "trust.h"

#include "hex.h"
#include "watch.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>
#include <sodium.h>

enum { FILE_MAX = 1 << 20 };

const struct mbedtls_x509_crt_profile trust_profile = {
	MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA384),
	MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_ECKEY) | MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_ECDSA),
	MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP384R1),
	0,
};

/* ---- files ---- */

static bool named(const char *path)
{
	return path && path[0];
}

static int read_all(struct trust_blob *b, int fd, size_t size)
{
	size_t at = 0;
	ssize_t n;

	b->p = sodium_malloc(size + 1);
	if (!b->p)
		return -ENOMEM;
	b->len = size + 1;
	while (at < size) {
		n = read(fd, b->p + at, size - at);
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += (size_t)n;
	}
	b->p[size] = 0;
	return 0;
}

int trust_read(struct trust_blob *b, const char *path, bool secret, struct err_text *e)
{
	struct stat st;
	bool open_to_others = false;
	int fd, rc = 0;

	if (!named(path))
		return 0;
	/* O_NONBLOCK: a FIFO in its place must not hang who follows it. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		rc = -errno;
	else if ((open_to_others = secret && st.st_mode & (S_IRWXG | S_IRWXO)))
		rc = -EACCES;
	else if (!S_ISREG(st.st_mode) || st.st_size == 0 || st.st_size > FILE_MAX)
		rc = -EINVAL;
	else
		rc = read_all(b, fd, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	if (open_to_others)
		err_set(e, "%s: others may read it; chmod 600", path);
	else if (rc)
		err_set(e, "%s: %s", path, rc == -EINVAL ? "not a file of this kind" : strerror(-rc));
	return rc;
}

/* ---- pre-shared keys ---- */

/* The next word of the line, NULL: none. */
static const char *word(const char **at, size_t *len)
{
	const char *p = *at + strspn(*at, " \t");

	*len = strcspn(p, " \t\r\n");
	*at = p + *len;
	return *len ? p : NULL;
}

/* One line; false: it is none of ours. */
static bool parse_key(const char *line, struct peer *p, uint8_t key[TRUST_PSK])
{
	size_t len, n;
	const char *name = word(&line, &len), *roles, *hex;

	memset(p, 0, sizeof *p);
	if (!name || !peer_name_valid(name, len))
		return false;
	memcpy(p->name, name, len);
	roles = word(&line, &len);
	while (roles && len) {
		n = strcspn(roles, ", \t\r\n");
		if (!peer_add_role(p, roles, n))
			return false;
		len -= n + (n < len);
		roles += n + 1;
	}
	hex = word(&line, &len);
	if (!hex || !hex_read(key, TRUST_PSK, hex, len))
		return false;
	crypto_hash_sha256(p->root, key, TRUST_PSK);
	return true;
}

static const char *next_line(const char *p)
{
	p += strcspn(p, "\n");
	return *p ? p + 1 : NULL;
}

static bool blank(const char *line)
{
	line += strspn(line, " \t\r");
	return *line == 0 || *line == '\n' || *line == '#';
}

bool trust_find_key(const struct trust *t, const char *name, size_t len,
	uint8_t key[TRUST_PSK], struct peer *p)
{
	const char *line;

	for (line = (const char *)t->psk.p; line; line = next_line(line)) {
		if (blank(line) || !parse_key(line, p, key))
			continue;
		if (!name || (strlen(p->name) == len && memcmp(p->name, name, len) == 0))
			return true;
	}
	sodium_memzero(key, TRUST_PSK);
	return false;
}

static int check_keys(struct trust *t, const char *path, struct err_text *e)
{
	uint8_t key[TRUST_PSK];
	const char *line;
	struct peer p;
	int n = 0, good = 0;

	if (!t->psk.p)
		return 0;
	for (line = (const char *)t->psk.p; line; line = next_line(line)) {
		n++;
		if (blank(line))
			continue;
		if (!parse_key(line, &p, key)) {
			sodium_memzero(key, sizeof key);
			err_set(e, "%s: line %d is not \"NAME ROLES KEY\"", path, n);
			return -EINVAL;
		}
		if (!good++ && !t->cert.p)
			t->self = p;
	}
	sodium_memzero(key, sizeof key);
	if (good)
		return 0;
	err_set(e, "%s: no key in it", path);
	return -EINVAL;
}

/* ---- certificates ---- */

static void add_attribute(struct peer *p, const mbedtls_x509_name *n)
{
	const char *text = (const char *)n->val.p;

	if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &n->oid) == 0 && peer_name_valid(text, n->val.len)) {
		memcpy(p->name, text, n->val.len);
		p->name[n->val.len] = 0;
	}
	if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_ORG_UNIT, &n->oid) == 0)
		peer_add_role(p, text, n->val.len);
}

static int64_t unix_time(const mbedtls_x509_time *t)
{
	struct tm tm = {.tm_year = t->year - 1900, .tm_mon = t->mon - 1, .tm_mday = t->day,
		.tm_hour = t->hour, .tm_min = t->min, .tm_sec = t->sec};

	return (int64_t)timegm(&tm);
}

static void root_of(uint8_t root[PEER_ROOT], const mbedtls_x509_crt *ca)
{
	crypto_hash_sha256(root, ca->pk_raw.p, ca->pk_raw.len);
}

void trust_read_peer(struct peer *p, const mbedtls_x509_crt *crt, const mbedtls_x509_crt *ca)
{
	int64_t ends_s = unix_time(&crt->valid_to), ca_ends_s = unix_time(&ca->valid_to);
	const mbedtls_x509_name *n;

	memset(p, 0, sizeof *p);
	p->ends_s = ends_s < ca_ends_s ? ends_s : ca_ends_s;
	root_of(p->root, ca);
	for (n = &crt->subject; n; n = n->next)
		if (n->val.p)
			add_attribute(p, n);
	p->serial_len = crt->serial.len < PEER_SERIAL ? crt->serial.len : PEER_SERIAL;
	if (p->serial_len) /* mbedtls asks about empty certificates as well */
		memcpy(p->serial, crt->serial.p, p->serial_len);
	if (crt->raw.len)
		crypto_hash_sha256(p->print, crt->raw.p, crt->raw.len);
}

/* ---- may it stay? ---- */

static const char *key_objection(const struct trust *t, const struct peer *p)
{
	uint8_t key[TRUST_PSK];
	struct peer now;
	bool there = trust_find_key(t, p->name, strlen(p->name), key, &now);

	sodium_memzero(key, sizeof key);
	if (!there)
		return "is no longer there";
	if (sodium_memcmp(now.root, p->root, PEER_ROOT) != 0)
		return "is another one now";
	return now.roles == p->roles && now.nusers == p->nusers &&
			memcmp(now.user, p->user, sizeof now.user) == 0
		? NULL
		: "has other roles now";
}

static bool is_listed(const mbedtls_x509_crl *crl, const struct peer *p)
{
	const mbedtls_x509_crl_entry *at;

	for (at = &crl->entry; at && at->serial.len; at = at->next)
		if (at->serial.len == p->serial_len &&
			memcmp(at->serial.p, p->serial, p->serial_len) == 0)
			return true;
	return false;
}

static bool is_revoked(const struct trust *t, const struct peer *p)
{
	mbedtls_x509_crl crl, *one;
	bool found;

	if (!t->crl.p)
		return false;
	mbedtls_x509_crl_init(&crl);
	/* It could be read when it was loaded: what fails now is memory. */
	found = mbedtls_x509_crl_parse(&crl, t->crl.p, t->crl.len) != 0;
	for (one = &crl; one && !found; one = one->next)
		found = is_listed(one, p);
	mbedtls_x509_crl_free(&crl);
	return found;
}

static bool is_of_ca(const struct trust *t, const struct peer *p)
{
	unsigned i;

	for (i = 0; i < t->nroots; i++)
		if (memcmp(t->root[i], p->root, PEER_ROOT) == 0)
			return true;
	return false;
}

bool trust_objects(const struct trust *t, const struct peer *p, int64_t now_s, struct err_text *e)
{
	const char *why = NULL;

	if (!t)
		why = "counts for nothing: there are no sealed channels any more";
	else if (p->ends_s && now_s > p->ends_s)
		why = "has expired";
	else if (!p->serial_len)
		why = key_objection(t, p);
	else if (is_revoked(t, p))
		why = "is revoked";
	else if (!is_of_ca(t, p))
		why = "is of a CA that is not believed any more";
	if (why)
		err_set(e, "the %s of \"%s\" %s", p->serial_len ? "certificate" : "key", p->name, why);
	return why != NULL;
}

struct parsed {
	mbedtls_x509_crt own, ca;
	mbedtls_x509_crl crl;
	mbedtls_pk_context key;
};

/* Which of the files is wrong; NULL: none. */
static const char *parse_all(struct parsed *x, const struct trust *t, const struct trust_files *f)
{
	if (mbedtls_x509_crt_parse(&x->ca, t->ca.p, t->ca.len))
		return f->ca;
	if (mbedtls_x509_crt_parse(&x->own, t->cert.p, t->cert.len))
		return f->cert;
	if (mbedtls_pk_parse_key(&x->key, t->key.p, t->key.len, NULL, 0))
		return f->key;
	if (t->crl.p && mbedtls_x509_crl_parse(&x->crl, t->crl.p, t->crl.len))
		return f->crl;
	return NULL;
}

/* False: more than there is room for. */
static bool keep_roots(struct trust *t, const mbedtls_x509_crt *ca)
{
	for (; ca && t->nroots < TRUST_ROOTS; ca = ca->next)
		root_of(t->root[t->nroots++], ca);
	return !ca;
}

static int check_chain(struct trust *t, const struct trust_files *f, struct parsed *x,
	struct err_text *e)
{
	const char *bad = parse_all(x, t, f);
	char why[128] = "";
	uint32_t flags;

	if (bad) {
		err_set(e, "%s: cannot be read as PEM of its kind", bad);
		return -EINVAL;
	}
	if (!keep_roots(t, &x->ca)) {
		err_set(e, "%s: more than %d CAs", f->ca, TRUST_ROOTS);
		return -EINVAL;
	}
	if (mbedtls_pk_check_pair(&x->own.pk, &x->key)) {
		err_set(e, "%s is not the key of %s", f->key, f->cert);
		return -EINVAL;
	}
	if (mbedtls_x509_crt_verify_with_profile(
			&x->own, &x->ca, t->crl.p ? &x->crl : NULL, &trust_profile, NULL, &flags, NULL,
			NULL) == 0) {
		trust_read_peer(&t->self, &x->own, &x->ca);
		return 0;
	}
	mbedtls_x509_crt_verify_info(why, sizeof why, "", flags);
	why[strcspn(why, "\n")] = 0;
	err_set(e, "%s: %s", f->cert, why);
	return -EINVAL;
}

static int check_certificates(struct trust *t, const struct trust_files *f, struct err_text *e)
{
	struct parsed x;
	int rc;

	if (!t->cert.p && !t->key.p && !t->ca.p)
		return 0;
	if (!t->cert.p || !t->key.p || !t->ca.p) {
		err_set(e, "a certificate needs its key and the CA's certificate as well");
		return -EINVAL;
	}
	mbedtls_x509_crt_init(&x.own);
	mbedtls_x509_crt_init(&x.ca);
	mbedtls_x509_crl_init(&x.crl);
	mbedtls_pk_init(&x.key);
	rc = check_chain(t, f, &x, e);
	mbedtls_x509_crt_free(&x.own);
	mbedtls_x509_crt_free(&x.ca);
	mbedtls_x509_crl_free(&x.crl);
	mbedtls_pk_free(&x.key);
	return rc;
}

/* ---- life ---- */

int trust_load(struct trust **out, const struct trust_files *f, struct err_text *e)
{
	struct trust *t = sodium_init() < 0 ? NULL : sodium_malloc(sizeof *t);
	int rc;

	*out = NULL;
	if (!t)
		return -ENOMEM;
	memset(t, 0, sizeof *t);
	t->users = 1;
	rc = trust_read(&t->cert, f->cert, false, e);
	if (!rc)
		rc = trust_read(&t->key, f->key, true, e);
	if (!rc)
		rc = trust_read(&t->ca, f->ca, false, e);
	if (!rc)
		rc = trust_read(&t->crl, f->crl, false, e);
	if (!rc)
		rc = trust_read(&t->psk, f->psk, true, e);
	if (!rc)
		rc = check_certificates(t, f, e);
	if (!rc)
		rc = check_keys(t, f->psk, e);
	if (!rc && !t->cert.p && !t->psk.p) {
		err_set(e, "sealed channels need a certificate, its key and a CA, or a file of keys");
		rc = -EINVAL;
	}
	if (rc)
		trust_drop(t);
	else
		*out = t;
	return rc;
}

struct trust *trust_hold(struct trust *t)
{
	if (t)
		__atomic_fetch_add(&t->users, 1, __ATOMIC_RELAXED);
	return t;
}

void trust_drop(struct trust *t)
{
	if (!t || __atomic_sub_fetch(&t->users, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	sodium_free(t->cert.p);
	sodium_free(t->key.p);
	sodium_free(t->ca.p);
	sodium_free(t->crl.p);
	sodium_free(t->psk.p);
	trust_unfollow(t);
	watch_destroy(t->watch);
	view_drop(t->view);
	sodium_free(t);
}

int trust_manage(struct trust *t, struct view *v, struct err_text *e)
{
	if (t->psk.p || !t->cert.p) {
		err_set(e, "a manager's rights are for certificates; pre-shared keys have none");
		return -EINVAL;
	}
	t->view = view_hold(v);
	return 0;
}

int trust_parse_mode(const char *text, enum trust_mode *mode)
{
	static const char *const names[] = {"plain", "sealed", "required"};
	int i;

	for (i = 0; i < 3; i++)
		if (strcmp(text, names[i]) == 0) {
			*mode = (enum trust_mode)i;
			return 0;
		}
	return -EINVAL;
}
