/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ca_crl.c - a certificate revocation list (RFC 5280, section 5), which mbedtls 2.28 reads
 * but does not write. Like its own writers this one goes from the end to the beginning.
 */
#include "ca.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/asn1write.h>
#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <mbedtls/sha512.h>
#include <mbedtls/x509_crt.h>

#define OID_CRL_NUMBER "\x55\x1d\x14"

enum {
	EACH = 64,     /* bytes of one entry, at most */
	REST = 2048,   /* of all the rest */
	SIGNATURE = MBEDTLS_ECDSA_MAX_LEN,
	UTC_UNTIL = 2050,
};

struct der {
	unsigned char *p, *start;
	int len; /* written so far, or an error */
};

static void put(struct der *d, int n)
{
	if (d->len >= 0)
		d->len = n < 0 ? n : d->len + n;
}

/* Tag and length around what was written since there were `from` bytes. */
static void wrap(struct der *d, int from, unsigned char tag)
{
	if (d->len < 0)
		return;
	put(d, mbedtls_asn1_write_len(&d->p, d->start, (size_t)(d->len - from)));
	put(d, mbedtls_asn1_write_tag(&d->p, d->start, tag));
}

enum { SEQUENCE = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE };

/* YYYYMMDDhhmmss; UTCTime until 2049 (RFC 5280, 5.1.2.4). */
static void put_time(struct der *d, const char *t)
{
	bool utc = atoi((char[]){t[0], t[1], t[2], t[3], 0}) < UTC_UNTIL;
	int from = d->len;

	put(d, mbedtls_asn1_write_raw_buffer(&d->p, d->start, (const unsigned char *)"Z", 1));
	put(d, mbedtls_asn1_write_raw_buffer(
		&d->p, d->start, (const unsigned char *)t + 2 * utc, strlen(t) - 2 * utc));
	wrap(d, from, utc ? MBEDTLS_ASN1_UTC_TIME : MBEDTLS_ASN1_GENERALIZED_TIME);
}

/* `serial` is positive: its first bit is 0. */
static void put_entry(struct der *d, const struct ca_revoked *r)
{
	int from = d->len, mark;

	put_time(d, r->when);
	mark = d->len;
	put(d, mbedtls_asn1_write_raw_buffer(&d->p, d->start, r->serial, CA_SERIAL));
	wrap(d, mark, MBEDTLS_ASN1_INTEGER);
	wrap(d, from, SEQUENCE);
}

/* [0] { { cRLNumber } }: the time, which goes up. */
static void put_number(struct der *d, const char *from_time)
{
	uint64_t number = strtoull(from_time, NULL, 10);
	unsigned char bytes[8];
	int from = d->len, i;

	for (i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(number >> (56 - 8 * i));
	put(d, mbedtls_asn1_write_raw_buffer(&d->p, d->start, bytes + 2, 6)); /* < 2^47 */
	wrap(d, from, MBEDTLS_ASN1_INTEGER);
	wrap(d, from, MBEDTLS_ASN1_OCTET_STRING);
	put(d, mbedtls_asn1_write_oid(
		&d->p, d->start, OID_CRL_NUMBER, MBEDTLS_OID_SIZE(OID_CRL_NUMBER)));
	wrap(d, from, SEQUENCE);
	wrap(d, from, SEQUENCE);
	wrap(d, from, MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED | 0);
}

static void put_algorithm(struct der *d)
{
	int from = d->len;

	put(d, mbedtls_asn1_write_oid(&d->p, d->start, MBEDTLS_OID_ECDSA_SHA384,
		MBEDTLS_OID_SIZE(MBEDTLS_OID_ECDSA_SHA384)));
	wrap(d, from, SEQUENCE);
}

static void put_list(struct der *d, const struct mbedtls_x509_crt *ca,
	const struct ca_revoked *v, size_t n, const char *from_time, const char *until)
{
	int from = d->len, mark;
	size_t i;

	put_number(d, from_time);
	mark = d->len;
	for (i = n; i-- > 0;)
		put_entry(d, &v[i]);
	if (n)
		wrap(d, mark, SEQUENCE);
	put_time(d, until);
	put_time(d, from_time);
	put(d, mbedtls_asn1_write_raw_buffer(
		&d->p, d->start, ca->subject_raw.p, ca->subject_raw.len));
	put_algorithm(d);
	put(d, mbedtls_asn1_write_int(&d->p, d->start, 1)); /* version 2 */
	wrap(d, from, SEQUENCE);
}

/* The list is at `tbs`; list, algorithm and signature into `out`. */
static void put_signed(struct der *d, const unsigned char *tbs, size_t len, mbedtls_pk_context *key)
{
	unsigned char hash[64], signature[SIGNATURE];
	size_t n = 0;
	int from = d->len, rc = mbedtls_sha512_ret(tbs, len, hash, 1);

	if (!rc)
		rc = mbedtls_pk_sign(key, MBEDTLS_MD_SHA384, hash, 48, signature, &n, ca_rng, NULL);
	if (rc) {
		d->len = rc < 0 ? rc : -1;
		return;
	}
	put(d, mbedtls_asn1_write_bitstring(&d->p, d->start, signature, n * 8));
	put_algorithm(d);
	put(d, mbedtls_asn1_write_raw_buffer(&d->p, d->start, tbs, len));
	wrap(d, from, SEQUENCE);
}

int ca_crl_write(char *pem, size_t size, const struct mbedtls_x509_crt *ca,
	struct mbedtls_pk_context *key, const struct ca_revoked *v, size_t n, const char *from,
	const char *until)
{
	size_t room = n * EACH + REST, got;
	unsigned char *list = malloc(room), *all = malloc(room + REST);
	struct der a = {list + room, list, 0}, b = {all + room + REST, all, 0};
	int rc = MBEDTLS_ERR_ASN1_ALLOC_FAILED;

	if (list && all) {
		put_list(&a, ca, v, n, from, until);
		rc = a.len;
	}
	if (rc > 0) {
		put_signed(&b, a.p, (size_t)a.len, key);
		rc = b.len;
	}
	if (rc > 0)
		rc = mbedtls_pem_write_buffer("-----BEGIN X509 CRL-----\n", "-----END X509 CRL-----\n",
			b.p, (size_t)b.len, (unsigned char *)pem, size, &got);
	free(list);
	free(all);
	return rc;
}
