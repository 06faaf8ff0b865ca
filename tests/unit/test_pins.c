/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_pins.c - scope: what handshake.h and trust.h pin TLS and certificates to. The other end is mbedtls as
 * it comes, one thing of it as an attacker would have it, and certificates are such as our CA does not issue:
 * each is refused for that one thing, and without it lets itself be talked to.
 */
#include "../handshakerig.h"

#include <mbedtls/oid.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

/* ---- certificates ---- */

/* One that is not as ours are. */
struct making {
	const char *name; /* DIR/NAME.pem and .key */
	const char *subject, *issuer;
	const char *by;   /* whose key signs; NULL: its own */
	mbedtls_ecp_group_id curve;
	mbedtls_md_type_t md;
	bool is_ca;
	unsigned usage;
};

static int rng(void *unused, unsigned char *p, size_t len)
{
	randombytes_buf(p, len);
	return 0;
}

static void write_text(const char *name, const char *ending, const char *text)
{
	char file[80];
	FILE *f;

	snprintf(file, sizeof file, "%s.%s", name, ending);
	unlink(path(dir, file));
	f = fdopen(open(path(dir, file), O_WRONLY | O_CREAT | O_EXCL, 0600), "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void make(const struct making *m)
{
	mbedtls_x509write_cert w;
	mbedtls_pk_context own, issuer;
	mbedtls_mpi serial;
	unsigned char pem[8192];
	char file[80];

	mbedtls_pk_init(&own);
	mbedtls_pk_init(&issuer);
	mbedtls_mpi_init(&serial);
	mbedtls_x509write_crt_init(&w);
	assert_int_equal(mbedtls_pk_setup(&own, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)), 0);
	assert_int_equal(mbedtls_ecp_gen_key(m->curve, mbedtls_pk_ec(own), rng, NULL), 0);
	assert_int_equal(mbedtls_pk_write_key_pem(&own, pem, sizeof pem), 0);
	write_text(m->name, "key", (char *)pem);
	snprintf(file, sizeof file, "%s.key", m->by ? m->by : m->name);
	assert_int_equal(mbedtls_pk_parse_keyfile(&issuer, path(dir, file), NULL), 0);
	mbedtls_mpi_lset(&serial, (int)randombytes_uniform(1 << 30) + 1);
	mbedtls_x509write_crt_set_version(&w, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(&w, m->md);
	mbedtls_x509write_crt_set_subject_key(&w, &own);
	mbedtls_x509write_crt_set_issuer_key(&w, &issuer);
	assert_int_equal(mbedtls_x509write_crt_set_serial(&w, &serial), 0);
	assert_int_equal(mbedtls_x509write_crt_set_validity(&w, "20200101000000", "20490101000000"), 0);
	assert_int_equal(mbedtls_x509write_crt_set_subject_name(&w, m->subject), 0);
	assert_int_equal(mbedtls_x509write_crt_set_issuer_name(&w, m->issuer), 0);
	assert_int_equal(mbedtls_x509write_crt_set_basic_constraints(&w, m->is_ca, -1), 0);
	assert_int_equal(mbedtls_x509write_crt_set_key_usage(&w, m->usage), 0);
	assert_int_equal(mbedtls_x509write_crt_pem(&w, pem, sizeof pem, rng, NULL), 0);
	write_text(m->name, "pem", (char *)pem);
	mbedtls_x509write_crt_free(&w);
	mbedtls_mpi_free(&serial);
	mbedtls_pk_free(&own);
	mbedtls_pk_free(&issuer);
}

/* The name of who a certificate is for, as mbedtls writes it. */
static const char *subject_of(const char *name)
{
	static char text[256];
	mbedtls_x509_crt crt;
	char file[80];

	snprintf(file, sizeof file, "%s.pem", name);
	mbedtls_x509_crt_init(&crt);
	assert_int_equal(mbedtls_x509_crt_parse_file(&crt, path(dir, file)), 0);
	assert_true(mbedtls_x509_dn_gets(text, sizeof text, &crt.subject) > 0);
	mbedtls_x509_crt_free(&crt);
	return text;
}

/* As our CA has it, but by our own hand. */
static struct making usual(const char *name)
{
	return (struct making){.name = name, .subject = "CN=eve,OU=client", .issuer = subject_of("ca"), .by = "ca",
		.curve = MBEDTLS_ECP_DP_SECP384R1, .md = MBEDTLS_MD_SHA384, .usage = MBEDTLS_X509_KU_DIGITAL_SIGNATURE};
}

/* ---- the other end ---- */

struct stranger {
	/* as an attacker would have it; 0, NULL: as ours */
	int max_minor;
	const int *suites, *hashes;
	const mbedtls_ecp_group_id *curves;
	const char *cert; /* NAME; and who signed it, for a chain */
	const char *chain;
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config conf;
	mbedtls_x509_crt own;
	mbedtls_pk_context key;
	uint8_t in[32768], out[32768];
	size_t in_at, in_end, out_end;
};

static int stranger_send(void *ctx, const unsigned char *p, size_t len)
{
	struct stranger *s = ctx;

	assert_true(len <= sizeof s->out - s->out_end);
	memcpy(s->out + s->out_end, p, len);
	s->out_end += len;
	return (int)len;
}

static int stranger_recv(void *ctx, unsigned char *p, size_t len)
{
	struct stranger *s = ctx;
	size_t n = s->in_end - s->in_at < len ? s->in_end - s->in_at : len;

	if (n == 0)
		return MBEDTLS_ERR_SSL_WANT_READ;
	memcpy(p, s->in + s->in_at, n);
	s->in_at += n;
	return (int)n;
}

/* It believes everybody. */
static void stranger_init(struct stranger *s, bool server)
{
	static const mbedtls_x509_crt_profile any = {0xfffffff, 0xfffffff, 0xfffffff, 1024};
	char file[80];

	mbedtls_ssl_init(&s->ssl);
	mbedtls_ssl_config_init(&s->conf);
	mbedtls_x509_crt_init(&s->own);
	mbedtls_pk_init(&s->key);
	assert_int_equal(mbedtls_ssl_config_defaults(&s->conf, server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
		MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT), 0);
	mbedtls_ssl_conf_rng(&s->conf, rng, NULL);
	mbedtls_ssl_conf_authmode(&s->conf, MBEDTLS_SSL_VERIFY_NONE);
	mbedtls_ssl_conf_cert_profile(&s->conf, &any);
	if (s->max_minor) {
		mbedtls_ssl_conf_min_version(&s->conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_1);
		mbedtls_ssl_conf_max_version(&s->conf, MBEDTLS_SSL_MAJOR_VERSION_3, s->max_minor);
	}
	if (s->suites)
		mbedtls_ssl_conf_ciphersuites(&s->conf, s->suites);
	if (s->hashes)
		mbedtls_ssl_conf_sig_hashes(&s->conf, s->hashes);
	if (s->curves)
		mbedtls_ssl_conf_curves(&s->conf, s->curves);
	snprintf(file, sizeof file, "%s.pem", s->cert);
	assert_int_equal(mbedtls_x509_crt_parse_file(&s->own, path(dir, file)), 0);
	if (s->chain) {
		snprintf(file, sizeof file, "%s.pem", s->chain);
		assert_int_equal(mbedtls_x509_crt_parse_file(&s->own, path(dir, file)), 0);
	}
	snprintf(file, sizeof file, "%s.key", s->cert);
	assert_int_equal(mbedtls_pk_parse_keyfile(&s->key, path(dir, file), NULL), 0);
	assert_int_equal(mbedtls_ssl_conf_own_cert(&s->conf, &s->own, &s->key), 0);
	assert_int_equal(mbedtls_ssl_setup(&s->ssl, &s->conf), 0);
	mbedtls_ssl_set_bio(&s->ssl, s, stranger_send, stranger_recv, NULL);
}

static void stranger_fini(struct stranger *s)
{
	mbedtls_ssl_free(&s->ssl);
	mbedtls_ssl_config_free(&s->conf);
	mbedtls_x509_crt_free(&s->own);
	mbedtls_pk_free(&s->key);
}

/* The curve of the ServerKeyExchange in there, 0: there is none (RFC 8422, section 5.4). */
static unsigned curve_said(const uint8_t *p, size_t len)
{
	size_t at, in, n;

	for (at = 0; at + 5 <= len; at += 5 + n) {
		n = (size_t)p[at + 3] << 8 | p[at + 4];
		for (in = at + 5; p[at] == 22 && in + 7 <= at + 5 + n && in + 7 <= len;
			in += 4 + ((size_t)p[in + 1] << 16 | (size_t)p[in + 2] << 8 | p[in + 3]))
			if (p[in] == 12 && p[in + 4] == 3)
				return (unsigned)p[in + 5] << 8 | p[in + 6];
	}
	return 0;
}

struct outcome {
	int ours, strangers; /* 0: let in */
	unsigned alert;      /* of ours to the stranger; 0: none */
	unsigned curve;
	char why[192];
};

/* A handshake of ours and a stranger, which was told how to be. */
static struct outcome talk(struct stranger *s, const char *name, bool we_serve)
{
	struct trust *t = load_name(dir, name);
	struct handshake *h = handshake_create(t, &ops, we_serve);
	struct outcome o = {.ours = -EAGAIN, .strangers = MBEDTLS_ERR_SSL_WANT_READ};
	const uint8_t *p;
	size_t len;
	int turns;

	stranger_init(s, !we_serve);
	for (turns = 0; turns < 6; turns++) {
		if (o.strangers == MBEDTLS_ERR_SSL_WANT_READ)
			o.strangers = mbedtls_ssl_handshake(&s->ssl);
		if (!o.curve)
			o.curve = we_serve ? 0 : curve_said(s->out, s->out_end);
		if (s->out_end)
			(void)!handshake_feed(h, s->out, s->out_end);
		s->out_end = 0;
		o.ours = handshake_run(h);
		len = handshake_out(h, &p);
		assert_true(len <= sizeof s->in - s->in_end);
		memcpy(s->in + s->in_end, p, len);
		if (!o.curve && we_serve)
			o.curve = curve_said(p, len);
		if (len >= 7 && p[len - 7] == 21)
			o.alert = p[len - 1];
		s->in_end += len;
		handshake_sent(h, len);
	}
	snprintf(o.why, sizeof o.why, "%s", handshake_why(h));
	stranger_fini(s);
	handshake_destroy(h);
	trust_drop(t);
	return o;
}

static void let_in(struct stranger s, const char *name, bool we_serve)
{
	struct outcome o = talk(&s, name, we_serve);

	if (o.ours || o.strangers)
		fail_msg("ours %d (%s), the stranger's -0x%04x", o.ours, o.why, (unsigned)-o.strangers);
	assert_int_equal(o.curve, 24); /* secp384r1 */
}

static void sent_away(struct stranger s, const char *name, bool we_serve, unsigned alert)
{
	struct outcome o = talk(&s, name, we_serve);

	if (o.ours != -EACCES || (alert && o.alert != alert))
		fail_msg("ours %d (%s), alert %u", o.ours, o.why, o.alert);
}

/* ---- of TLS ---- */

static const int sha256[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_NONE};
static const mbedtls_ecp_group_id many[] = {MBEDTLS_ECP_DP_SECP521R1, MBEDTLS_ECP_DP_SECP256R1,
	MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_NONE};

/* What the others are compared with. */
static void test_stranger_as_ours(void **state)
{
	let_in((struct stranger){.cert = "node"}, "zone", true);
	let_in((struct stranger){.cert = "zone"}, "node", false);
}

static void test_version(void **state)
{
	/* by its own alert, before any suite is looked for */
	sent_away((struct stranger){.cert = "node", .max_minor = MBEDTLS_SSL_MINOR_VERSION_1}, "zone", true,
		MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION);
	sent_away((struct stranger){.cert = "node", .max_minor = MBEDTLS_SSL_MINOR_VERSION_2}, "zone", true,
		MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION);
}

static void test_suite(void **state)
{
	static const int weaker[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384, MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, 0};

	sent_away((struct stranger){.cert = "node", .suites = weaker}, "zone", true,
		MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE);
	sent_away((struct stranger){.cert = "zone", .suites = weaker}, "node", false, 0);
}

/* Whatever it would rather have, or would let us choose from. */
static void test_curve(void **state)
{
	let_in((struct stranger){.cert = "node", .curves = many}, "zone", true);
	let_in((struct stranger){.cert = "zone", .curves = many}, "node", false);
}

static void test_hash(void **state)
{
	sent_away((struct stranger){.cert = "node", .hashes = sha256}, "zone", true, 0);
	sent_away((struct stranger){.cert = "zone", .hashes = sha256}, "node", false, 0);
}

/* ---- of certificates ---- */

static void no_load(const char *name, const char *says)
{
	struct trust_files f = files_of(dir, name);
	struct trust *t;

	assert_int_equal(trust_load(&t, &f, &err), -EINVAL);
	if (!strstr(err.s, says))
		fail_msg("it says: %s", err.s);
}

/* The CA's own signature does not make a weak certificate a good one: of others, and of our own. */
static void test_profile(void **state)
{
	struct making m = usual("eve");

	make(&m);
	let_in((struct stranger){.cert = "eve"}, "zone", true);
	m.md = MBEDTLS_MD_SHA256;
	make(&m);
	sent_away((struct stranger){.cert = "eve"}, "zone", true, 0);
	no_load("eve", "hash");
	m = usual("eve");
	m.curve = MBEDTLS_ECP_DP_SECP256R1;
	make(&m);
	sent_away((struct stranger){.cert = "eve"}, "zone", true, 0);
	no_load("eve", "key");
}

static void test_key_usage(void **state)
{
	struct making m = usual("eve");

	m.usage = MBEDTLS_X509_KU_KEY_AGREEMENT;
	make(&m);
	sent_away((struct stranger){.cert = "eve"}, "zone", true, 0);
}

/* Who has a certificate issues one himself, for a role that he has not. */
static void test_issued_by_a_node(void **state)
{
	struct making m = usual("eve");

	m.issuer = subject_of("dba");
	m.by = "dba";
	make(&m);
	sent_away((struct stranger){.cert = "eve", .chain = "dba"}, "zone", true, 0);
}

/* A CA that another one makes, by other means than hedbctl, lets in nobody: whom it signs for, no list of
 * ours revokes. */
static void test_issued_by_a_sub_ca(void **state)
{
	char ca[256], kept[256], key[256];
	struct making m = usual("root");

	/* one without a limit to the length of chains takes the place of ours */
	snprintf(ca, sizeof ca, "%s", path(dir, "ca.pem"));
	snprintf(key, sizeof key, "%s", path(dir, "ca.key"));
	snprintf(kept, sizeof kept, "%s", path(dir, "kept.pem"));
	assert_int_equal(rename(ca, kept), 0);
	m.subject = m.issuer = "CN=root";
	m.by = NULL;
	m.is_ca = true;
	m.usage = MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN;
	make(&m);
	assert_int_equal(link(path(dir, "root.pem"), ca), 0);
	m.name = "sub";
	m.subject = "CN=sub";
	m.by = "root";
	make(&m);
	m = (struct making){.name = "sworn", .subject = "CN=sworn,OU=server:ops", .issuer = "CN=root", .by = "root",
		.curve = MBEDTLS_ECP_DP_SECP384R1, .md = MBEDTLS_MD_SHA384, .usage = MBEDTLS_X509_KU_DIGITAL_SIGNATURE};
	make(&m);
	m.name = "eve";
	m.subject = "CN=eve,OU=client";
	make(&m);
	let_in((struct stranger){.cert = "eve"}, "sworn", true);
	m.issuer = "CN=sub";
	m.by = "sub";
	make(&m);
	sent_away((struct stranger){.cert = "eve", .chain = "sub"}, "sworn", true, 0);
	assert_int_equal(rename(kept, ca), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stranger_as_ours),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_suite),
		cmocka_unit_test(test_curve),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_profile),
		cmocka_unit_test(test_key_usage),
		cmocka_unit_test(test_issued_by_a_node),
		cmocka_unit_test(test_issued_by_a_sub_ca),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
