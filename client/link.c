/* SPDX-License-Identifier: BSD-3-Clause */
#include "link.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "clock.h"

enum {
	SILENT_MS = 30000, /* sent and not acknowledged: the host is gone */
	HOST_MAX = 256,
};

static const char unix_prefix[] = "unix:";

static const char *unix_path(const struct link_target *t)
{
	size_t n = sizeof unix_prefix - 1;

	return strncmp(t->spec, unix_prefix, n) == 0 ? t->spec + n : NULL;
}

/* HOST:PORT, [V6]:PORT. The port, or NULL. */
static const char *split(const char *spec, char host[HOST_MAX])
{
	const char *colon = strrchr(spec, ':');
	bool bracket = spec[0] == '[' && colon && colon > spec && colon[-1] == ']';
	size_t n = colon ? (size_t)(colon - spec) - 2 * bracket : 0;

	if (n == 0 || n >= HOST_MAX || !colon[1] || colon[1 + strspn(colon + 1, "0123456789")])
		return NULL;
	memcpy(host, spec + bracket, n);
	host[n] = 0;
	return colon + 1;
}

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
	char host[HOST_MAX];
	const char *path = unix_path(t);
	SSL_CTX *ctx;
	int ok;

	if (path ? !path[0] || strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path
			 : !split(t->spec, host)) {
		err_set(e, "--backend takes HOST:PORT or unix:PATH, not \"%s\"", t->spec);
		return -EINVAL;
	}
	if (!t->tls)
		return 0;
	if (path) {
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
	char host[HOST_MAX];
	unsigned char address[sizeof(struct in6_addr)];
	SSL *tls = SSL_new(t->tls_context);
	int ok = tls && split(t->spec, host);

	if (ok && (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1))
		ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host);
	else
		ok = ok && SSL_set1_host(tls, host) && SSL_set_tlsext_host_name(tls, host);
	if (!ok || !SSL_set_fd(tls, l->fd)) {
		SSL_free(tls);
		snprintf(l->why, sizeof l->why, "TLS: %s", tls_error());
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
	snprintf(l->why, sizeof l->why, "TLS: %s",
		verdict == X509_V_OK ? tls_error() : X509_verify_cert_error_string(verdict));
	ERR_clear_error();
	return -1;
}

/* ---- connecting ---- */

static void forget_addresses(struct link *l)
{
	if (l->all)
		freeaddrinfo(l->all);
	l->all = l->at = NULL;
}

static void drop_socket(struct link *l)
{
	SSL_free(l->tls);
	l->tls = NULL;
	if (l->fd >= 0)
		close(l->fd); /* leaves the epoll set with it */
	l->fd = -1;
}

void link_close(struct link *l)
{
	drop_socket(l);
	forget_addresses(l);
	l->state = LINK_DOWN;
}

static int fail(struct link *l, const char *why)
{
	if (why)
		snprintf(l->why, sizeof l->why, "%s", why);
	link_close(l);
	return -1;
}

static int try_socket(struct link *l, int family, const struct sockaddr *sa, socklen_t len,
	int epoll, uint64_t tag)
{
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u64 = tag};
	int one = 1, silent = SILENT_MS;

	l->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return -1;
	if (family != AF_UNIX) {
		setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		setsockopt(l->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
		setsockopt(l->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent, sizeof silent);
	}
	/* A unix socket whose queue is full says EAGAIN, and would never tell more. */
	if ((connect(l->fd, sa, len) < 0 && errno != EINPROGRESS) ||
		epoll_ctl(epoll, EPOLL_CTL_ADD, l->fd, &ev) < 0) {
		int saved = errno;

		drop_socket(l);
		errno = saved;
		return -1;
	}
	return 0;
}

/* From the present address on, the first that can be tried. */
static int try_addresses(struct link *l, int epoll, uint64_t tag)
{
	for (; l->at; l->at = l->at->ai_next) {
		if (try_socket(l, l->at->ai_family, l->at->ai_addr, l->at->ai_addrlen, epoll, tag) == 0)
			return 0;
		snprintf(l->why, sizeof l->why, "%s", strerror(errno));
	}
	return fail(l, NULL);
}

int link_start(struct link *l, const struct link_target *t, int epoll, uint64_t tag)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	const char *path = unix_path(t), *port;
	char host[HOST_MAX];
	int rc;

	l->since_ms = clock_ms();
	l->state = LINK_CONNECTING;
	if (path) {
		strncpy(sa.sun_path, path, sizeof sa.sun_path - 1);
		if (try_socket(l, AF_UNIX, (struct sockaddr *)&sa, sizeof sa, epoll, tag) < 0)
			return fail(l, strerror(errno));
		return 0;
	}
	port = split(t->spec, host);
	rc = port ? getaddrinfo(host, port, &hints, &l->all) : EAI_NONAME;
	if (rc)
		return fail(l, gai_strerror(rc));
	l->at = l->all;
	return try_addresses(l, epoll, tag);
}

/* Is the socket connected? 0, -EAGAIN, or -1 with the reason. */
static int connected(struct link *l)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof peer, n = sizeof(int);
	int err = 0;

	getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &err, &n);
	if (err) {
		snprintf(l->why, sizeof l->why, "%s", strerror(err));
		return -1;
	}
	return getpeername(l->fd, (struct sockaddr *)&peer, &len) == 0 ? 0 : -EAGAIN;
}

int link_step(struct link *l, const struct link_target *t, int epoll, uint64_t tag)
{
	int rc;

	if (l->state == LINK_CONNECTING) {
		rc = connected(l);
		if (rc == -1 && l->at && l->at->ai_next) {
			drop_socket(l);
			l->at = l->at->ai_next;
			return try_addresses(l, epoll, tag) ? -1 : -EAGAIN;
		}
		if (rc == -1)
			return fail(l, NULL);
		if (rc)
			return rc;
		forget_addresses(l);
		if (!t->tls)
			l->state = LINK_UP;
		else if (tls_begin(l, t))
			return fail(l, NULL);
	}
	if (l->state == LINK_GREETING) {
		rc = tls_result(l, SSL_connect(l->tls));
		if (rc < 0)
			return fail(l, NULL);
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
	snprintf(l->why, sizeof l->why, "%s", n < 0 ? strerror(errno) : why_zero);
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
		n = recv(l->fd, p, len, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return result(l, n, "it closed the connection");
}

ssize_t link_write(struct link *l, const void *p, size_t len)
{
	ssize_t n;

	if (l->tls)
		return tls_result(l, SSL_write(l->tls, p, at_most_int(len)));
	do
		n = send(l->fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return result(l, n, "it takes no bytes");
}

void link_shutdown(struct link *l)
{
	if (l->tls && SSL_shutdown(l->tls) < 0)
		ERR_clear_error(); /* then the socket alone has to say it */
	shutdown(l->fd, SHUT_WR);
}
