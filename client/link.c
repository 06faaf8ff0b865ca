/* SPDX-License-Identifier: BSD-3-Clause */
#include "link.h"

#include "address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

/* ---- TLS ---- */

static const char *tls_error(void)
{
	unsigned long code = ERR_get_error();
	const char *text = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return text ? text : "the connection was closed";
}

int link_prepare(struct link_target *t, struct err_text *e)
{
	SSL_CTX *ctx;
	int ok;

	if (!address_valid(t->spec)) {
		err_set(e, "--backend takes HOST:PORT or unix:PATH, not \"%s\"", t->spec);
		return -EINVAL;
	}
	if (!t->tls)
		return 0;
	if (address_unix(t->spec)) {
		err_set(e, "TLS is for TCP, not for a unix socket");
		return -EINVAL;
	}
	ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx)
		return -ENOMEM;
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	ok = t->cacert ? SSL_CTX_load_verify_file(ctx, t->cacert)
				   : SSL_CTX_set_default_verify_paths(ctx);
	t->tls_context = ctx;
	if (ok)
		return 0;
	err_set(e, "no certificates in %s: %s", t->cacert ? t->cacert : "the system's store",
		tls_error());
	link_release(t);
	return -EINVAL;
}

void link_release(struct link_target *t)
{
	SSL_CTX_free(t->tls_context);
	t->tls_context = NULL;
}

/* The certificate has to be that host's, whether it is a name or an address. */
static int tls_begin(struct link *l, const struct link_target *t)
{
	char host[ADDRESS_HOST_MAX];
	unsigned char address[sizeof(struct in6_addr)];
	SSL *tls = SSL_new(t->tls_context);
	int ok = tls && address_split(t->spec, host);

	if (ok && (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1))
		ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host);
	else
		ok = ok && SSL_set1_host(tls, host) && SSL_set_tlsext_host_name(tls, host);
	if (!ok || !SSL_set_fd(tls, l->dial.fd)) {
		SSL_free(tls);
		snprintf(l->dial.why, sizeof l->dial.why, "TLS: %s", tls_error());
		return -1;
	}
	l->tls = tls;
	l->state = LINK_GREETING;
	return 0;
}

/* What a call of OpenSSL came to: `rc` when it is good, 0: would block, or -1. */
static int tls_result(struct link *l, int rc)
{
	long verdict;

	if (rc > 0)
		return rc;
	rc = SSL_get_error(l->tls, rc);
	if (rc == SSL_ERROR_WANT_READ || rc == SSL_ERROR_WANT_WRITE) {
		ERR_clear_error();
		return 0;
	}
	verdict = SSL_get_verify_result(l->tls);
	snprintf(l->dial.why, sizeof l->dial.why, "TLS: %s",
		verdict == X509_V_OK ? tls_error() : X509_verify_cert_error_string(verdict));
	ERR_clear_error();
	return -1;
}

/* ---- life ---- */

void link_close(struct link *l)
{
	SSL_free(l->tls);
	l->tls = NULL;
	dial_close(&l->dial);
	l->state = LINK_DOWN;
}

/* l->dial.why is told already. */
static int fail(struct link *l)
{
	link_close(l);
	return -1;
}

int link_start(struct link *l, const struct link_target *t, int epoll, uint64_t tag)
{
	l->state = LINK_CONNECTING;
	return dial_start(&l->dial, t->spec, epoll, tag) ? fail(l) : 0;
}

int link_step(struct link *l, const struct link_target *t, int epoll, uint64_t tag)
{
	int rc;

	if (l->state == LINK_CONNECTING) {
		rc = dial_step(&l->dial, epoll, tag);
		if (rc == -1)
			return fail(l);
		if (rc)
			return rc;
		if (!t->tls)
			l->state = LINK_UP;
		else if (tls_begin(l, t))
			return fail(l);
	}
	if (l->state == LINK_GREETING) {
		rc = tls_result(l, SSL_connect(l->tls));
		if (rc < 0)
			return fail(l);
		if (rc == 0)
			return -EAGAIN;
		l->state = LINK_UP;
	}
	return 0;
}

/* ---- bytes ---- */

static ssize_t result(struct link *l, ssize_t n, const char *why_zero)
{
	if (n > 0)
		return n;
	if (n < 0 && errno == EAGAIN)
		return 0;
	snprintf(l->dial.why, sizeof l->dial.why, "%s", n < 0 ? strerror(errno) : why_zero);
	return -1;
}

static int at_most_int(size_t len)
{
	return len > 1 << 30 ? 1 << 30 : (int)len;
}

ssize_t link_read(struct link *l, void *p, size_t len)
{
	ssize_t n;

	if (l->tls)
		return tls_result(l, SSL_read(l->tls, p, at_most_int(len)));
	do
		n = recv(l->dial.fd, p, len, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return result(l, n, "it closed the connection");
}

ssize_t link_write(struct link *l, const void *p, size_t len)
{
	ssize_t n;

	if (l->tls)
		return tls_result(l, SSL_write(l->tls, p, at_most_int(len)));
	do
		n = send(l->dial.fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return result(l, n, "it takes no bytes");
}

void link_shutdown(struct link *l)
{
	if (l->tls && SSL_shutdown(l->tls) < 0)
		ERR_clear_error(); /* then the socket alone has to say it */
	shutdown(l->dial.fd, SHUT_WR);
}
