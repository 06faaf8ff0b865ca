/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/error.h>
#include <mbedtls/hkdf.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <sodium.h>

#include "entropy.h"

enum {
	BYTES_MAX = 32 << 10, /* each way, in all; a usual one has three. Of a stream: at once */
	RECORD_EXTRA = 256,   /* more than TLS adds to what is said */
	ALPN = 4 + 16 + 1,
	MASTER = 48,
	RANDOM = 32,
};

/* What waits to be read, or sent. */
struct queue {
	uint8_t p[BYTES_MAX];
	size_t at, end;
};

struct handshake {
	struct trust *trust;
	struct life life;
	struct seal_place place;
	char service[SEAL_NAME + 1];
	bool server, stream, configured, done;
	int failed; /* mbedtls's number */
	int refused; /* -errno of the view */
	struct view_grant grant; /* with a manager: of the channel's range */
	enum view_right right;   /* a server: its peer's */
	char alpn[ALPN];
	const char *alpn_list[2];
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config conf;
	mbedtls_x509_crt own, ca;
	mbedtls_x509_crl crl;
	mbedtls_pk_context key;
	const mbedtls_x509_crt *voucher; /* one of `ca`, which signed the peer's */
	struct peer peer;
	uint8_t secret[2][SEAL_SECRET]; /* the client's, the server's */
	char why[192];
	struct queue in, out;
};

/* ---- what mbedtls asks for ---- */

static int rng(void *unused, unsigned char *p, size_t len)
{
	entropy_fill(p, len);
	return 0;
}

/* Of a stream: what is gone makes room. */
static void close_up(struct queue *q)
{
	memmove(q->p, q->p + q->at, q->end - q->at);
	q->end -= q->at;
	q->at = 0;
}

static int bio_send(void *ctx, const unsigned char *p, size_t len)
{
	struct handshake *h = ctx;
	struct queue *q = &h->out;

	if (h->stream && h->done)
		close_up(q);
	if (len > BYTES_MAX - q->end)
		return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
	memcpy(q->p + q->end, p, len);
	q->end += len;
	return (int)len;
}

static int bio_recv(void *ctx, unsigned char *p, size_t len)
{
	struct queue *q = &((struct handshake *)ctx)->in;
	size_t n = q->end - q->at < len ? q->end - q->at : len;

	if (n == 0)
		return MBEDTLS_ERR_SSL_WANT_READ;
	memcpy(p, q->p + q->at, n);
	q->at += n;
	return (int)n;
}

/* RFC 5705: PRF(master, label, client random + server random + length + context). */
static int export_one(uint8_t secret[SEAL_SECRET], mbedtls_tls_prf_types prf,
	const uint8_t *master, const char *label, const uint8_t *seed, size_t len)
{
	return mbedtls_ssl_tls_prf(prf, master, MASTER, label, seed, len, secret, SEAL_SECRET);
}

static int export_keys(void *ctx, const unsigned char *master, const unsigned char *block,
	size_t mac, size_t key, size_t iv, const unsigned char client[RANDOM],
	const unsigned char server[RANDOM], mbedtls_tls_prf_types prf)
{
	struct handshake *h = ctx;
	uint8_t seed[2 * RANDOM + 2 + sizeof h->place];
	int rc;

	memcpy(seed, client, RANDOM);
	memcpy(seed + RANDOM, server, RANDOM);
	seed[2 * RANDOM] = 0;
	seed[2 * RANDOM + 1] = sizeof h->place;
	memcpy(seed + 2 * RANDOM + 2, &h->place, sizeof h->place);
	rc = export_one(h->secret[0], prf, master, "EXPORTER-cxl client", seed, sizeof seed);
	if (!rc)
		rc = export_one(h->secret[1], prf, master, "EXPORTER-cxl server", seed, sizeof seed);
	return rc;
}

static bool managed(const struct handshake *h)
{
	return h->trust->view && !h->stream;
}

/* Does the manager let that client in, and do both mean the same key? */
static bool has_right(struct handshake *h, const struct peer *p)
{
	struct err_text e = {""};
	int rc;

	if (!managed(h) || !h->server)
		return true;
	rc = h->refused;
	if (!rc && !mbedtls_ssl_get_alpn_protocol(&h->ssl)) {
		snprintf(h->why, sizeof h->why, "\"%s\" has not asked the manager (--sec-mgr)", p->name);
		return false;
	}
	if (!rc)
		rc = view_peer(h->trust->view, h->service, h->place.channel, p->print, h->grant.key_id,
			&h->right, &e);
	if (rc && !h->why[0])
		snprintf(h->why, sizeof h->why, "\"%s\": %.120s", p->name, e.s);
	return rc == 0;
}

static void say_role(struct handshake *h, const struct peer *p)
{
	snprintf(h->why, sizeof h->why, "\"%s\" has no role that goes with %s \"%s\"", p->name,
		h->server ? "a client of" : "the server of", h->service);
}

/* On the way from the CA down: depth 0 is the peer's own. */
static int verify(void *ctx, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	struct handshake *h = ctx;

	if (depth > 1)
		*flags |= MBEDTLS_X509_BADCERT_OTHER;
	if (depth) {
		h->voucher = crt;
		return 0;
	}
	trust_read_peer(&h->peer, crt, h->voucher ? h->voucher : crt);
	if (!peer_may(&h->peer, h->service, !h->server)) {
		say_role(h, &h->peer);
		*flags |= MBEDTLS_X509_BADCERT_OTHER;
	} else if (!*flags && !has_right(h, &h->peer)) {
		*flags |= MBEDTLS_X509_BADCERT_OTHER;
	}
	return 0;
}

static int find_key(void *ctx, mbedtls_ssl_context *ssl, const unsigned char *name, size_t len)
{
	struct handshake *h = ctx;
	uint8_t key[TRUST_PSK];
	int rc = -1;

	if (trust_find_key(h->trust, (const char *)name, len, key, &h->peer)) {
		if (peer_may(&h->peer, h->service, false))
			rc = mbedtls_ssl_set_hs_psk(ssl, key, sizeof key);
		else
			say_role(h, &h->peer);
	}
	sodium_memzero(key, sizeof key);
	return rc;
}

/* ---- life ---- */

static int use_certificate(struct handshake *h)
{
	const struct trust *t = h->trust;
	int rc = mbedtls_x509_crt_parse(&h->own, t->cert.p, t->cert.len);

	if (!rc)
		rc = mbedtls_x509_crt_parse(&h->ca, t->ca.p, t->ca.len);
	if (!rc)
		rc = mbedtls_pk_parse_key(&h->key, t->key.p, t->key.len, NULL, 0);
	if (!rc && t->crl.p)
		rc = mbedtls_x509_crl_parse(&h->crl, t->crl.p, t->crl.len);
	if (!rc)
		rc = mbedtls_ssl_conf_own_cert(&h->conf, &h->own, &h->key);
	mbedtls_ssl_conf_ca_chain(&h->conf, &h->ca, t->crl.p ? &h->crl : NULL);
	return rc;
}

/* A server has all keys, a client the first one of its file. */
static int use_key(struct handshake *h)
{
	uint8_t key[TRUST_PSK];
	struct peer p;
	int rc;

	if (h->server) {
		mbedtls_ssl_conf_psk_cb(&h->conf, find_key, h);
		return 0;
	}
	if (!trust_find_key(h->trust, NULL, 0, key, &p))
		return -1;
	rc = mbedtls_ssl_conf_psk(&h->conf, key, sizeof key, (const uint8_t *)p.name,
		strlen(p.name));
	sodium_memzero(key, sizeof key);
	h->peer = p; /* who knows the key is the server, as far as one can tell */
	return rc;
}

static const int *suites(const struct handshake *h)
{
	static const int all[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		MBEDTLS_TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256, 0};
	static const int certificate[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, 0};

	if (h->trust->cert.p)
		return h->server && h->trust->psk.p && !h->stream ? all : certificate;
	return all + 1;
}

/* The view's key of the channel's range. A server that has none goes on until it knows whom to
 * refuse. */
static int use_grant(struct handshake *h)
{
	struct err_text e = {""};

	h->right = RIGHT_WRITE;
	if (!managed(h))
		return 0;
	h->refused = view_own(h->trust->view, h->service, h->place.channel, &h->grant, &e);
	if (h->refused) {
		snprintf(h->why, sizeof h->why, "%.180s", e.s);
		return h->server ? 0 : -1;
	}
	snprintf(h->alpn, sizeof h->alpn, "cxl/%016llx", (unsigned long long)h->grant.key_id);
	h->alpn_list[0] = h->alpn;
	return mbedtls_ssl_conf_alpn_protocols(&h->conf, h->alpn_list);
}

static int configure(struct handshake *h)
{
	static const mbedtls_ecp_group_id curves[] = {MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_NONE};
	static const int hashes[] = {MBEDTLS_MD_SHA384, MBEDTLS_MD_NONE};
	mbedtls_ssl_config *c = &h->conf;
	int rc = mbedtls_ssl_config_defaults(c,
		h->server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
		MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);

	if (rc)
		return rc;
	mbedtls_ssl_conf_rng(c, rng, NULL);
	mbedtls_ssl_conf_min_version(c, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
	mbedtls_ssl_conf_max_version(c, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
	mbedtls_ssl_conf_ciphersuites(c, suites(h));
	mbedtls_ssl_conf_curves(c, curves);
	mbedtls_ssl_conf_sig_hashes(c, hashes);
	mbedtls_ssl_conf_cert_profile(c, &trust_profile);
	mbedtls_ssl_conf_authmode(c, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_verify(c, verify, h);
	mbedtls_ssl_conf_renegotiation(c, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
	mbedtls_ssl_conf_legacy_renegotiation(c, MBEDTLS_SSL_LEGACY_BREAK_HANDSHAKE);
	mbedtls_ssl_conf_session_tickets(c, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
	mbedtls_ssl_conf_extended_master_secret(c, MBEDTLS_SSL_EXTENDED_MS_ENABLED);
	mbedtls_ssl_conf_cert_req_ca_list(c, MBEDTLS_SSL_CERT_REQ_CA_LIST_DISABLED);
	mbedtls_ssl_conf_export_keys_ext_cb(c, export_keys, h);
	rc = use_grant(h);
	if (!rc && h->trust->cert.p)
		rc = use_certificate(h);
	if (!rc && !h->stream && h->trust->psk.p && (h->server || !h->trust->cert.p))
		rc = use_key(h);
	return rc ? rc : mbedtls_ssl_setup(&h->ssl, c);
}

struct handshake *handshake_create(struct trust *t, const struct seal_place *place, bool server)
{
	struct handshake *h = calloc(1, sizeof *h);

	if (!h)
		return NULL;
	life_read(&h->life);
	h->trust = trust_hold(t);
	h->place = *place;
	memcpy(h->service, place->service, SEAL_NAME);
	h->server = server;
	mbedtls_ssl_init(&h->ssl);
	mbedtls_ssl_config_init(&h->conf);
	mbedtls_x509_crt_init(&h->own);
	mbedtls_x509_crt_init(&h->ca);
	mbedtls_x509_crl_init(&h->crl);
	mbedtls_pk_init(&h->key);
	return h;
}

struct handshake *handshake_create_stream(struct trust *t, bool server)
{
	static const struct seal_place place = {.service = PEER_MANAGER};
	struct handshake *h = handshake_create(t, &place, server);

	if (h)
		h->stream = true;
	return h;
}

void handshake_destroy(struct handshake *h)
{
	if (!h)
		return;
	mbedtls_ssl_free(&h->ssl);
	mbedtls_ssl_config_free(&h->conf);
	mbedtls_x509_crt_free(&h->own);
	mbedtls_x509_crt_free(&h->ca);
	mbedtls_x509_crl_free(&h->crl);
	mbedtls_pk_free(&h->key);
	trust_drop(h->trust);
	sodium_memzero(h, sizeof *h);
	free(h);
}

/* ---- steps ---- */

int handshake_feed(struct handshake *h, const void *p, size_t len)
{
	struct queue *q = &h->in;

	if (h->stream && h->done)
		close_up(q);
	if ((h->done && !h->stream) || h->failed || len > BYTES_MAX - q->end)
		return -EPROTO;
	memcpy(q->p + q->end, p, len);
	q->end += len;
	return 0;
}

/* Alerts that a person can do something about. */
static const char *alert_text(unsigned number)
{
	static const struct {
		unsigned number;
		const char *text;
	} known[] = {
		{MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE, "nothing in common, or no certificate"},
		{MBEDTLS_SSL_ALERT_MSG_NO_CERT, "it wants a certificate"},
		{MBEDTLS_SSL_ALERT_MSG_BAD_CERT, "it does not accept our certificate"},
		{MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT, "our certificate is of another kind"},
		{MBEDTLS_SSL_ALERT_MSG_CERT_REVOKED, "our certificate is revoked"},
		{MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED, "our certificate has expired"},
		{MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN, "it does not accept our certificate"},
		{MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA, "our certificate is of another CA"},
		{MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED, "our certificate has not the role for this, the manager gives it no right, or only one end asks a manager"},
		{MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR, "it has no answer from the manager, or no memory"},
		{MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL, "the range has another key"},
		{MBEDTLS_SSL_ALERT_MSG_UNKNOWN_PSK_IDENTITY, "it does not know our key's name"},
		{MBEDTLS_SSL_ALERT_MSG_BAD_RECORD_MAC, "its key is another one"},
		{MBEDTLS_SSL_ALERT_MSG_DECRYPT_ERROR, "its key is another one"},
	};
	size_t i;

	for (i = 0; i < sizeof known / sizeof known[0]; i++)
		if (known[i].number == number)
			return known[i].text;
	return "alert";
}

static void explain(struct handshake *h, int rc)
{
	static const char whose[] = "the other end's certificate: ";
	uint32_t flags = mbedtls_ssl_get_verify_result(&h->ssl);

	if (h->why[0])
		return;
	if (rc == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
		snprintf(h->why, sizeof h->why, "the other end refused: %s (%u)",
			alert_text(h->ssl.in_msg[1]), h->ssl.in_msg[1]);
	else if (rc == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED && flags && flags != UINT32_MAX)
		mbedtls_x509_crt_verify_info(h->why, sizeof h->why, whose, flags);
	else if (rc == MBEDTLS_ERR_SSL_UNKNOWN_IDENTITY)
		snprintf(h->why, sizeof h->why, "no key of that name");
	else
		mbedtls_strerror(rc, h->why, sizeof h->why);
	h->why[strcspn(h->why, "\n")] = 0;
}

/* Who asks a manager takes nobody who does not: its key would be missing. */
static bool both_managed(struct handshake *h)
{
	if (!managed(h) || mbedtls_ssl_get_alpn_protocol(&h->ssl))
		return true;
	snprintf(h->why, sizeof h->why, "the other end has not asked the manager");
	return false;
}

static int mix(uint8_t secret[SEAL_SECRET], const struct view_grant *g)
{
	const mbedtls_md_info_t *md = mbedtls_md_info_from_type(MBEDTLS_MD_SHA384);
	uint8_t mixed[SEAL_SECRET];
	int rc = mbedtls_hkdf(md, g->key, sizeof g->key, secret, SEAL_SECRET, (const uint8_t *)g->range,
		strlen(g->range), mixed, sizeof mixed);

	memcpy(secret, mixed, sizeof mixed);
	sodium_memzero(mixed, sizeof mixed);
	return rc;
}

/* The last thing: the range's key into both secrets. */
static int finish(struct handshake *h)
{
	int rc = 0;

	if (!both_managed(h))
		return MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION;
	if (managed(h))
		rc = mix(h->secret[0], &h->grant) ? -1 : mix(h->secret[1], &h->grant);
	h->done = rc == 0;
	return rc ? MBEDTLS_ERR_SSL_ALLOC_FAILED : 0;
}

/* A server that cannot know now whom to let in says so in place of its first flight; who asks may
 * ask again. By hand: mbedtls has no version to put on a record before it has read one. */
static bool put_off(struct handshake *h)
{
	static const uint8_t alert[] = {MBEDTLS_SSL_MSG_ALERT, MBEDTLS_SSL_MAJOR_VERSION_3,
		MBEDTLS_SSL_MINOR_VERSION_3, 0, 2, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
		MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR};

	if (!h->server || h->refused != -ETIMEDOUT)
		return false;
	return bio_send(h, alert, sizeof alert) > 0;
}

/* What the failure is to who asked. */
static int verdict(const struct handshake *h)
{
	unsigned alert = h->failed == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE ? h->ssl.in_msg[1] : 0;
	bool passes = managed(h) && (h->failed == MBEDTLS_ERR_SSL_BAD_HS_CLIENT_HELLO ||
		alert == MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL ||
		alert == MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR);

	return passes ? -ESTALE : -EACCES;
}

int handshake_run(struct handshake *h)
{
	int rc;

	if (h->done || h->failed)
		return h->done ? 0 : -EACCES;
	/* What copies read differs from now on, and the answer to it, an alert even, is under the keys
	 * that a stream goes on with. */
	if (h->stream && !life_is(&h->life)) {
		snprintf(h->why, sizeof h->why, "this process is a copy of another, which is in the same handshake");
		h->failed = MBEDTLS_ERR_SSL_INTERNAL_ERROR;
		return -EACCES;
	}
	rc = h->configured ? 0 : configure(h);
	if (rc == 0 && !h->configured)
		mbedtls_ssl_set_bio(&h->ssl, h, bio_send, bio_recv, NULL);
	h->configured = true;
	if (rc == 0)
		rc = put_off(h) ? MBEDTLS_ERR_SSL_ALLOC_FAILED : mbedtls_ssl_handshake(&h->ssl);
	if (rc == MBEDTLS_ERR_SSL_WANT_READ)
		return -EAGAIN;
	if (rc == 0 && (h->stream || h->in.at == h->in.end))
		rc = finish(h);
	else if (rc == 0)
		rc = MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE;
	if (rc == 0)
		return 0;
	h->failed = rc;
	explain(h, h->failed);
	return verdict(h);
}

const char *handshake_why(const struct handshake *h)
{
	return h->why;
}

size_t handshake_out(const struct handshake *h, const uint8_t **p)
{
	*p = h->out.p + h->out.at;
	return h->out.end - h->out.at;
}

void handshake_sent(struct handshake *h, size_t len)
{
	h->out.at += len;
}

const struct seal_place *handshake_place(const struct handshake *h)
{
	return &h->place;
}

const struct peer *handshake_peer(const struct handshake *h)
{
	return &h->peer;
}

const struct life *handshake_life(const struct handshake *h)
{
	return &h->life;
}

void handshake_secrets(const struct handshake *h, uint8_t client[SEAL_SECRET],
	uint8_t server[SEAL_SECRET])
{
	memcpy(client, h->secret[0], SEAL_SECRET);
	memcpy(server, h->secret[1], SEAL_SECRET);
}

enum view_right handshake_right(const struct handshake *h)
{
	return h->right;
}

uint64_t handshake_key_id(const struct handshake *h)
{
	return h->grant.key_id;
}

/* ---- data of a stream ---- */

int handshake_say(struct handshake *h, const void *p, size_t len)
{
	struct queue *q = &h->out;

	if (!h->done || h->failed || !h->stream || len == 0 || len > HANDSHAKE_SAY)
		return -EPROTO;
	if (BYTES_MAX - (q->end - q->at) < len + RECORD_EXTRA)
		return -EAGAIN;
	if (!life_is(&h->life)) { /* another has the session's keys and counters */
		snprintf(h->why, sizeof h->why, "this process is a copy, or was copied");
		return -EPROTO;
	}
	h->failed = mbedtls_ssl_write(&h->ssl, p, len);
	if (h->failed != (int)len)
		return -EPROTO;
	h->failed = 0;
	return 0;
}

int handshake_hear(struct handshake *h, void *p, size_t size, size_t *got)
{
	int rc;

	if (!h->done || h->failed || !h->stream)
		return -EPROTO;
	rc = mbedtls_ssl_read(&h->ssl, p, size);
	if (rc == MBEDTLS_ERR_SSL_WANT_READ)
		return -EAGAIN;
	if (rc > 0) {
		*got = (size_t)rc;
		return 0;
	}
	h->failed = rc ? rc : MBEDTLS_ERR_SSL_CONN_EOF;
	if (rc == 0 || rc == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
		return -ECONNRESET;
	explain(h, rc);
	return -EPROTO;
}
