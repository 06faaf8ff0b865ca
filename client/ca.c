/* SPDX-License-Identifier: BSD-3-Clause */
#include "ca.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <mbedtls/error.h>
#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>
#include <sodium.h>

#include "entropy.h"
#include "file.h"
#include "trust.h"

enum {
	TIME = 15, /* YYYYMMDDhhmmss and its end */
	PEM = 8192,
	LINE = 512,
	ROLES = 256,
	ENTRIES_MAX = 100000,
	CA_NAME_BYTES = 8,
	DAY = 24 * 3600,
};

int ca_rng(void *unused, unsigned char *p, size_t len)
{
	entropy_fill(p, len);
	return 0;
}

/* ---- files ---- */

static int failed(struct err_text *e, int rc, const char *path)
{
	err_set(e, "%s: %s", path, strerror(-rc));
	return rc;
}

static int crypto_failed(struct err_text *e, int rc, const char *what)
{
	char why[96];

	mbedtls_strerror(rc, why, sizeof why);
	err_set(e, "%s: %s", what, why);
	return -EINVAL;
}

static const char *in(char path[PATH_MAX], const char *dir, const char *name, const char *ending)
{
	snprintf(path, PATH_MAX, "%.3800s/%.200s%s", dir, name, ending);
	return path;
}

static int no_authority(struct err_text *e, int rc, const char *dir)
{
	err_set(e, "%s: no CA is here (%s); hedbctl ca init %s", dir, strerror(-rc), dir);
	return -ENOENT;
}

/* The directory, locked until it is closed. */
static int lock_dir(const char *dir, struct err_text *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return no_authority(e, -errno, dir);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return failed(e, -errno, dir);
	return fd;
}

static void time_text(char t[TIME], time_t when)
{
	struct tm tm;

	gmtime_r(&when, &tm);
	strftime(t, TIME, "%Y%m%d%H%M%S", &tm);
}

/* ---- the index ---- */

struct entry {
	char serial[2 * CA_SERIAL + 1];
	char state[TIME]; /* "valid", or when it was revoked */
	char until[TIME];
	char name[PEER_NAME + 1];
	char roles[ROLES];
};

struct index {
	struct entry *v;
	size_t n;
};

static bool parse_entry(struct entry *x, const char *line)
{
	return sscanf(line, "%32s %14s %14s %64s %255s", x->serial, x->state, x->until, x->name,
			   x->roles) == 5 &&
		strlen(x->serial) == 2 * CA_SERIAL;
}

static int index_add(struct index *x, const struct entry *one)
{
	struct entry *v = realloc(x->v, (x->n + 1) * sizeof *v);

	if (!v)
		return -ENOMEM;
	x->v = v;
	v[x->n++] = *one;
	return 0;
}

static int index_read(struct index *x, const char *dir, struct err_text *e)
{
	char path[PATH_MAX], line[LINE];
	struct entry one;
	FILE *f = fopen(in(path, dir, "index", ""), "re");
	int rc = 0;

	memset(x, 0, sizeof *x);
	if (!f)
		return no_authority(e, -errno, dir);
	while (!rc && x->n < ENTRIES_MAX && fgets(line, sizeof line, f)) {
		if (!parse_entry(&one, line)) {
			err_set(e, "%s: line %zu makes no sense", path, x->n + 1);
			rc = -EINVAL;
		} else {
			rc = index_add(x, &one);
		}
	}
	fclose(f);
	return rc;
}

static int index_write(const struct index *x, const char *dir, struct err_text *e)
{
	char path[PATH_MAX], *text = NULL;
	size_t len, i;
	FILE *f = open_memstream(&text, &len);
	int rc;

	if (!f)
		return -ENOMEM;
	for (i = 0; i < x->n; i++)
		fprintf(f, "%s %s %s %s %s\n", x->v[i].serial, x->v[i].state, x->v[i].until,
			x->v[i].name, x->v[i].roles);
	rc = fclose(f) ? -ENOMEM : file_replace(in(path, dir, "index", ""), 0644, text, len, e);
	free(text);
	return rc;
}

static bool is_valid(const struct entry *x)
{
	return strcmp(x->state, "valid") == 0;
}

/* ---- the CA's own key and certificate ---- */

struct authority {
	mbedtls_x509_crt crt;
	mbedtls_pk_context key;
};

static void authority_fini(struct authority *a)
{
	mbedtls_x509_crt_free(&a->crt);
	mbedtls_pk_free(&a->key);
}

static int authority_read(struct authority *a, const char *dir, struct err_text *e)
{
	char path[PATH_MAX];
	int rc;

	mbedtls_x509_crt_init(&a->crt);
	mbedtls_pk_init(&a->key);
	rc = mbedtls_x509_crt_parse_file(&a->crt, in(path, dir, "ca", ".pem"));
	if (!rc)
		rc = mbedtls_pk_parse_keyfile(&a->key, in(path, dir, "ca", ".key"), NULL);
	return rc ? crypto_failed(e, rc, path) : 0;
}

static int new_key(mbedtls_pk_context *key)
{
	int rc = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));

	return rc ? rc : mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP384R1, mbedtls_pk_ec(*key), ca_rng,
						 NULL);
}

static int write_key(mbedtls_pk_context *key, const char *path, struct err_text *e)
{
	char pem[PEM];
	int rc = mbedtls_pk_write_key_pem(key, (unsigned char *)pem, sizeof pem);

	rc = rc ? crypto_failed(e, rc, "key") : file_replace(path, 0600, pem, strlen(pem), e);
	sodium_memzero(pem, sizeof pem);
	return rc;
}

/* ---- certificates ---- */

/* mbedtls keeps one value for each kind of attribute; roles are several of one kind. Freed
 * by mbedtls_x509write_crt_free(). */
static int add_role(mbedtls_x509write_cert *w, const char *role, size_t len)
{
	mbedtls_asn1_named_data *n = calloc(1, sizeof *n);

	if (!n)
		return -ENOMEM;
	n->oid.p = (unsigned char *)strdup(MBEDTLS_OID_AT_ORG_UNIT);
	n->oid.len = MBEDTLS_OID_SIZE(MBEDTLS_OID_AT_ORG_UNIT);
	n->oid.tag = MBEDTLS_ASN1_OID;
	n->val.p = (unsigned char *)strndup(role, len);
	n->val.len = len;
	n->val.tag = MBEDTLS_ASN1_UTF8_STRING;
	n->next = w->subject;
	w->subject = n;
	return n->oid.p && n->val.p ? 0 : -ENOMEM;
}

static int add_roles(mbedtls_x509write_cert *w, const char *roles)
{
	int rc = 0;

	while (!rc && *roles) {
		size_t n = strcspn(roles, ",");

		rc = n ? add_role(w, roles, n) : 0;
		roles += n + (roles[n] == ',');
	}
	return rc;
}

struct wish {
	const char *name, *roles; /* roles NULL: the CA itself */
	uint64_t lives_s;
	uint8_t serial[CA_SERIAL];
	char until[TIME];
};

static int fill_in(mbedtls_x509write_cert *w, struct wish *x, const char *issuer,
	mbedtls_pk_context *subject_key, mbedtls_pk_context *issuer_key, mbedtls_mpi *serial)
{
	char text[PEER_NAME + 8], from[TIME];
	int rc;

	snprintf(text, sizeof text, "CN=%s", x->name);
	time_text(from, time(NULL) - 300); /* clocks differ */
	time_text(x->until, time(NULL) + (time_t)x->lives_s);
	entropy_fill(x->serial, sizeof x->serial);
	x->serial[0] = (uint8_t)((x->serial[0] & 0x3f) | 0x40); /* positive, and no byte less */
	mbedtls_x509write_crt_set_version(w, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(w, MBEDTLS_MD_SHA384);
	mbedtls_x509write_crt_set_subject_key(w, subject_key);
	mbedtls_x509write_crt_set_issuer_key(w, issuer_key);
	rc = mbedtls_mpi_read_binary(serial, x->serial, sizeof x->serial);
	if (!rc)
		rc = mbedtls_x509write_crt_set_serial(w, serial);
	if (!rc)
		rc = mbedtls_x509write_crt_set_validity(w, from, x->until);
	if (!rc)
		rc = mbedtls_x509write_crt_set_subject_name(w, text);
	if (!rc && x->roles)
		rc = add_roles(w, x->roles);
	if (!rc)
		rc = mbedtls_x509write_crt_set_issuer_name(w, issuer);
	if (!rc)
		rc = mbedtls_x509write_crt_set_basic_constraints(w, !x->roles, x->roles ? -1 : 0);
	if (!rc)
		rc = mbedtls_x509write_crt_set_key_usage(w, x->roles
			? MBEDTLS_X509_KU_DIGITAL_SIGNATURE
			: MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN);
	if (!rc)
		rc = mbedtls_x509write_crt_set_subject_key_identifier(w);
	return rc ? rc : mbedtls_x509write_crt_set_authority_key_identifier(w);
}

static int write_certificate(struct wish *x, const char *issuer, mbedtls_pk_context *subject_key,
	mbedtls_pk_context *issuer_key, const char *path, struct err_text *e)
{
	mbedtls_x509write_cert w;
	mbedtls_mpi serial;
	char pem[PEM];
	int rc;

	mbedtls_x509write_crt_init(&w);
	mbedtls_mpi_init(&serial);
	rc = fill_in(&w, x, issuer, subject_key, issuer_key, &serial);
	if (!rc)
		rc = mbedtls_x509write_crt_pem(&w, (unsigned char *)pem, sizeof pem, ca_rng, NULL);
	mbedtls_mpi_free(&serial);
	mbedtls_x509write_crt_free(&w);
	return rc ? crypto_failed(e, rc, "certificate") : file_replace(path, 0644, pem, strlen(pem), e);
}

/* ---- the list of revoked ones ---- */

static int write_list(const struct index *x, const char *dir, struct authority *a,
	struct err_text *e)
{
	struct ca_revoked *v = calloc(x->n + 1, sizeof *v);
	size_t size = PEM + x->n * 128, n = 0, i;
	char *pem = malloc(size), path[PATH_MAX], from[TIME], until[TIME];
	int rc = -ENOMEM;

	for (i = 0; v && i < x->n; i++) {
		if (is_valid(&x->v[i]))
			continue;
		sodium_hex2bin(v[n].serial, CA_SERIAL, x->v[i].serial, 2 * CA_SERIAL, NULL, NULL, NULL);
		memcpy(v[n++].when, x->v[i].state, TIME);
	}
	time_text(from, time(NULL) - 300);
	time_text(until, time(NULL) + (time_t)CA_DAYS * DAY);
	if (v && pem) {
		rc = ca_crl_write(pem, size, &a->crt, &a->key, v, n, from, until);
		rc = rc ? crypto_failed(e, rc, "crl.pem")
			: file_replace(in(path, dir, "crl", ".pem"), 0644, pem, strlen(pem), e);
	}
	free(v);
	free(pem);
	return rc;
}

/* ---- commands ---- */

/* Each has a name of its own: mbedtls finds the list that counts for a certificate by the name of
 * who issued both, and takes another CA's of that name for a forged one. */
static int make_authority(const char *dir, unsigned days, struct err_text *e)
{
	char name[32], issuer[sizeof name + 3], hex[2 * CA_NAME_BYTES + 1], path[PATH_MAX];
	struct wish x = {.name = name, .lives_s = (uint64_t)days * DAY};
	struct index none = {NULL, 0};
	uint8_t some[CA_NAME_BYTES];
	struct authority a;
	int rc;

	entropy_fill(some, sizeof some);
	sodium_bin2hex(hex, sizeof hex, some, sizeof some);
	snprintf(name, sizeof name, "zone CA %s", hex);
	snprintf(issuer, sizeof issuer, "CN=%s", name);
	mbedtls_pk_init(&a.key);
	rc = new_key(&a.key);
	if (rc)
		rc = crypto_failed(e, rc, "key");
	if (!rc)
		rc = write_key(&a.key, in(path, dir, "ca", ".key"), e);
	if (!rc)
		rc = write_certificate(
			&x, issuer, &a.key, &a.key, in(path, dir, "ca", ".pem"), e);
	mbedtls_pk_free(&a.key);
	if (rc)
		return rc;
	rc = authority_read(&a, dir, e);
	if (!rc)
		rc = write_list(&none, dir, &a, e);
	authority_fini(&a);
	return rc ? rc : index_write(&none, dir, e); /* last: it is the sign of a CA */
}

int ca_init(const char *dir, unsigned days, struct err_text *e)
{
	char path[PATH_MAX];
	int fd, rc;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return failed(e, -errno, dir);
	fd = lock_dir(dir, e);
	if (fd < 0)
		return fd;
	if (access(in(path, dir, "index", ""), F_OK) == 0 ||
		access(in(path, dir, "ca", ".key"), F_OK) == 0) {
		err_set(e, "%s: there is a CA already", dir);
		rc = -EEXIST;
	} else {
		rc = chmod(dir, 0700) < 0 ? failed(e, -errno, dir) : make_authority(dir, days, e);
	}
	close(fd);
	return rc;
}

static bool roles_valid(const char *roles)
{
	struct peer p = {.nusers = 0};
	bool good = strlen(roles) < ROLES && *roles;

	while (good && *roles) {
		size_t n = strcspn(roles, ",");

		good = peer_add_role(&p, roles, n);
		roles += n + (roles[n] == ',');
	}
	return good;
}

static int issue(const char *dir, struct wish *x, struct index *index, struct authority *a,
	struct err_text *e)
{
	struct entry one = {.state = "valid"};
	mbedtls_pk_context key;
	char path[PATH_MAX], issuer[256];
	int rc;

	mbedtls_pk_init(&key);
	rc = new_key(&key);
	if (rc || mbedtls_x509_dn_gets(issuer, sizeof issuer, &a->crt.subject) < 0) {
		mbedtls_pk_free(&key);
		return rc ? crypto_failed(e, rc, "key") : -EINVAL;
	}
	rc = write_certificate(x, issuer, &key, &a->key, in(path, dir, x->name, ".pem.issued"), e);
	if (!rc) {
		sodium_bin2hex(one.serial, sizeof one.serial, x->serial, sizeof x->serial);
		snprintf(one.until, sizeof one.until, "%s", x->until);
		snprintf(one.name, sizeof one.name, "%s", x->name);
		snprintf(one.roles, sizeof one.roles, "%s", x->roles);
		rc = index_add(index, &one);
	}
	if (!rc)
		rc = index_write(index, dir, e); /* before anybody can have it */
	if (!rc)
		rc = write_key(&key, in(path, dir, x->name, ".key"), e);
	if (!rc) {
		char last[PATH_MAX];

		in(path, dir, x->name, ".pem.issued");
		rc = rename(path, in(last, dir, x->name, ".pem")) < 0 ? failed(e, -errno, last) : 0;
	}
	mbedtls_pk_free(&key);
	return rc;
}

int ca_issue(const char *dir, const char *name, const char *roles, unsigned days,
	struct err_text *e)
{
	return ca_issue_for(dir, name, roles, (uint64_t)days * DAY, e);
}

int ca_issue_for(const char *dir, const char *name, const char *roles, uint64_t lives_s,
	struct err_text *e)
{
	struct wish x = {.name = name, .roles = roles, .lives_s = lives_s};
	struct authority a;
	struct index index;
	int fd, rc;

	if (!peer_name_valid(name, strlen(name)) || !strcmp(name, "ca") || !strcmp(name, "crl")) {
		err_set(e, "a name has 1 to %d letters, digits and ._@-, and is not ca or crl",
			PEER_NAME);
		return -EINVAL;
	}
	if (!roles_valid(roles)) {
		err_set(e, "roles are db client admin kv:USER kv:* server:ops server:kv server:mgr, "
			   "with commas between them");
		return -EINVAL;
	}
	fd = lock_dir(dir, e);
	if (fd < 0)
		return fd;
	rc = index_read(&index, dir, e);
	if (!rc) {
		rc = authority_read(&a, dir, e);
		if (!rc)
			rc = issue(dir, &x, &index, &a, e);
		authority_fini(&a);
	}
	free(index.v);
	close(fd);
	return rc;
}

int ca_revoke(const char *dir, const char *which, struct err_text *e)
{
	struct authority a;
	struct index index;
	size_t i, n = 0;
	int fd = lock_dir(dir, e), rc;

	if (fd < 0)
		return fd;
	rc = index_read(&index, dir, e);
	for (i = 0; !rc && i < index.n; i++) {
		struct entry *x = &index.v[i];

		if (!is_valid(x) || (strcmp(x->name, which) && strcmp(x->serial, which)))
			continue;
		time_text(x->state, time(NULL));
		n++;
	}
	if (!rc && !n) {
		err_set(e, "%s: no valid certificate of that name or serial number", which);
		rc = -ENOENT;
	}
	if (!rc)
		rc = index_write(&index, dir, e);
	if (!rc) {
		rc = authority_read(&a, dir, e);
		if (!rc)
			rc = write_list(&index, dir, &a, e);
		authority_fini(&a);
	}
	free(index.v);
	close(fd);
	return rc;
}

int ca_list(const char *dir, FILE *out, struct err_text *e)
{
	char now[TIME];
	struct index index;
	size_t i;
	int rc = index_read(&index, dir, e);

	time_text(now, time(NULL));
	for (i = 0; !rc && i < index.n; i++) {
		const struct entry *x = &index.v[i];

		fprintf(out, "%s %s %s %.8s %s\n", x->serial, x->name,
			!is_valid(x)                   ? "revoked"
			: strcmp(x->until, now) < 0 ? "expired"
						    : "valid",
			x->until, x->roles);
	}
	free(index.v);
	return rc;
}
