/* SPDX-License-Identifier: BSD-3-Clause */
#include "mgrlink.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "address.h"

enum { READ = 4096, GROW = 4096, SILENT_MS = 10000 };

/* ---- life ---- */

int mgrlink_open(struct mgrlink *l, int fd, struct trust *t, bool server)
{
	memset(l, 0, sizeof *l);
	l->fd = fd;
	l->server = server;
	l->thinks = !server; /* who connects begins */
	l->max = server ? MGR_REQUEST_MAX : MGR_ANSWER_MAX;
	l->h = handshake_create_stream(t, server);
	if (l->h)
		return 0;
	mgrlink_close(l);
	return -ENOMEM;
}

static void drop(uint8_t **p, size_t *cap)
{
	if (*p)
		sodium_memzero(*p, *cap);
	free(*p);
	*p = NULL;
	*cap = 0;
}

void mgrlink_close(struct mgrlink *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	l->open = l->thinks = false;
	handshake_destroy(l->h);
	l->h = NULL;
	drop(&l->in, &l->in_cap);
	drop(&l->out, &l->out_cap);
	l->in_len = l->taken = l->out_len = l->out_at = 0;
}

int mgrlink_copy(struct sockaddr_storage at[MGR_ADDRESSES], socklen_t len[MGR_ADDRESSES],
	const struct addrinfo *all)
{
	int n = 0;

	for (; all && n < MGR_ADDRESSES; all = all->ai_next) {
		memset(&at[n], 0, sizeof at[n]);
		memcpy(&at[n], all->ai_addr, all->ai_addrlen);
		len[n++] = all->ai_addrlen;
	}
	return n;
}

/* getaddrinfo() with these flags; of what AI_NUMERICHOST does not take, 0. */
static int find(const char *address, int flags, struct sockaddr_storage at[MGR_ADDRESSES],
	socklen_t len[MGR_ADDRESSES], struct err_text *e)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags}, *all;
	char host[ADDRESS_HOST_MAX];
	const char *port = address_split(address, host);
	int rc = port && host[0] ? getaddrinfo(host, port, &hints, &all) : EAI_SERVICE, n;

	if (rc == EAI_NONAME && flags)
		return 0;
	if (rc) {
		err_set(e, "manager \"%s\": %s", address,
			port && host[0] ? gai_strerror(rc) : "is not HOST:PORT");
		return -EINVAL;
	}
	n = mgrlink_copy(at, len, all);
	freeaddrinfo(all);
	return n;
}

int mgrlink_resolve(const char *address, struct sockaddr_storage at[MGR_ADDRESSES],
	socklen_t len[MGR_ADDRESSES], struct err_text *e)
{
	return find(address, 0, at, len, e);
}

int mgrlink_numeric(const char *address, struct sockaddr_storage at[MGR_ADDRESSES],
	socklen_t len[MGR_ADDRESSES], struct err_text *e)
{
	return find(address, AI_NUMERICHOST, at, len, e);
}

int mgrlink_dial(const struct sockaddr_storage *sa, socklen_t len)
{
	int fd = socket(sa->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1, silent = SILENT_MS, rc;

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent, sizeof silent);
	if (connect(fd, (const struct sockaddr *)sa, len) == 0 || errno == EINPROGRESS)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

/* ---- buffers ---- */

/* Room for `more` bytes behind `len`; what is moved is wiped where it was. */
static int make_room(uint8_t **p, size_t *cap, size_t len, size_t more)
{
	size_t want = (len + more + GROW - 1) / GROW * GROW;
	uint8_t *bigger;

	if (len + more <= *cap)
		return 0;
	want = want < 2 * *cap ? 2 * *cap : want;
	bigger = malloc(want);
	if (!bigger)
		return -ENOMEM;
	if (len)
		memcpy(bigger, *p, len);
	drop(p, cap);
	*p = bigger;
	*cap = want;
	return 0;
}

static int ends(struct mgrlink *l, int rc, const char *why)
{
	if (!l->why[0])
		snprintf(l->why, sizeof l->why, "%s", why);
	return rc;
}

/* ---- bytes ---- */

/* All that the handshake has to send, as far as the socket takes it. */
static int flush(struct mgrlink *l)
{
	const uint8_t *p;
	size_t len;
	ssize_t n;

	while ((len = handshake_out(l->h, &p)) > 0) {
		n = send(l->fd, p, len, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n < 0)
			return ends(l, -errno, strerror(errno));
		handshake_sent(l->h, (size_t)n);
	}
	return 0;
}

static int say(struct mgrlink *l)
{
	size_t left, n;
	int rc = flush(l);

	while (!rc && l->open && l->out_at < l->out_len) {
		left = l->out_len - l->out_at;
		n = left < HANDSHAKE_SAY ? left : HANDSHAKE_SAY;
		rc = handshake_say(l->h, l->out + l->out_at, n);
		if (rc == -EAGAIN)
			return 0;
		if (rc)
			return ends(l, rc, handshake_why(l->h)[0] ? handshake_why(l->h) : "TLS broke");
		sodium_memzero(l->out + l->out_at, n);
		l->out_at += n;
		rc = flush(l);
	}
	if (l->out_at == l->out_len)
		l->out_at = l->out_len = 0;
	return rc;
}

/* What is decrypted, into `in`. */
static int hear(struct mgrlink *l)
{
	size_t got;
	int rc = 0;

	while (!rc && l->open) {
		rc = make_room(&l->in, &l->in_cap, l->in_len, READ);
		if (rc)
			return ends(l, rc, "no memory");
		rc = handshake_hear(l->h, l->in + l->in_len, READ, &got);
		if (rc == 0)
			l->in_len += got;
	}
	if (rc == -ECONNRESET)
		return ends(l, rc, "the other end closed the connection");
	return rc == -EAGAIN || rc == 0 ? 0 : ends(l, rc, handshake_why(l->h));
}

/* More than this is not read before it was taken. */
static bool full(const struct mgrlink *l)
{
	return l->in_len - l->taken >= l->max + MGR_HEAD;
}

static int listen_in(struct mgrlink *l)
{
	uint8_t bytes[READ];
	ssize_t n;
	int rc = 0;

	while (!rc && !l->thinks && !full(l)) {
		n = recv(l->fd, bytes, sizeof bytes, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0)
			return ends(l, n ? -errno : -ECONNRESET,
				n ? strerror(errno) : "the other end closed the connection");
		rc = handshake_feed(l->h, bytes, (size_t)n);
		if (rc)
			return ends(l, rc, "more than a handshake has");
		if (l->open)
			rc = hear(l);
		else
			l->thinks = true;
	}
	return rc;
}

int mgrlink_carry(struct mgrlink *l)
{
	int rc = l->overlong ? ends(l, -EMSGSIZE, "a message that is too long") : say(l);

	if (!rc)
		rc = listen_in(l);
	return rc;
}

int mgrlink_think(struct mgrlink *l)
{
	int rc = 0, said;

	if (!l->thinks)
		return 0;
	l->thinks = false;
	rc = handshake_run(l->h);
	said = flush(l);
	if (rc == -EAGAIN)
		return said;
	if (rc)
		return ends(l, rc, handshake_why(l->h));
	l->peer = *handshake_peer(l->h);
	l->open = true;
	if (!said)
		said = hear(l); /* what came with the last flight */
	return said ? said : say(l);
}

short mgrlink_events(const struct mgrlink *l)
{
	const uint8_t *p;
	bool more = handshake_out(l->h, &p) > 0 || (l->open && l->out_at < l->out_len);

	return (short)((full(l) || l->thinks ? 0 : POLLIN) | (more ? POLLOUT : 0));
}

/* ---- messages ---- */

int mgrlink_put(struct mgrlink *l, uint8_t kind, const void *p, size_t len)
{
	uint8_t head[MGR_HEAD];
	uint32_t n = (uint32_t)len + 1;
	int rc;

	if (len > MGR_ANSWER_MAX || l->out_len - l->out_at + len > MGR_WAITING_MAX)
		return -EMSGSIZE;
	rc = make_room(&l->out, &l->out_cap, l->out_len, MGR_HEAD + len);
	if (rc)
		return rc;
	memcpy(head, &n, sizeof n);
	head[4] = kind;
	memcpy(l->out + l->out_len, head, MGR_HEAD);
	if (len)
		memcpy(l->out + l->out_len + MGR_HEAD, p, len);
	l->out_len += MGR_HEAD + len;
	return 0;
}

size_t mgrlink_waiting(const struct mgrlink *l)
{
	const uint8_t *p;

	return l->out_len - l->out_at + (l->h ? handshake_out(l->h, &p) : 0);
}

/* What was taken the last time. */
static void forget_taken(struct mgrlink *l)
{
	if (!l->taken)
		return;
	memmove(l->in, l->in + l->taken, l->in_len - l->taken);
	sodium_memzero(l->in + l->in_len - l->taken, l->taken);
	l->in_len -= l->taken;
	l->taken = 0;
}

bool mgrlink_ready(const struct mgrlink *l)
{
	size_t left = l->in_len - l->taken;
	uint32_t n;

	if (!l->open || left < MGR_HEAD)
		return false;
	memcpy(&n, l->in + l->taken, sizeof n);
	return n == 0 || n > l->max + 1 || left >= 4 + (size_t)n;
}

bool mgrlink_take(struct mgrlink *l, uint8_t *kind, struct cursor *body)
{
	uint32_t n;

	forget_taken(l);
	if (l->in_len < MGR_HEAD)
		return false;
	memcpy(&n, l->in, sizeof n);
	l->overlong = n == 0 || n > l->max + 1;
	if (l->overlong || l->in_len < 4 + (size_t)n)
		return false;
	*kind = l->in[4];
	*body = cursor_of(l->in + MGR_HEAD, n - 1);
	l->taken = 4 + (size_t)n;
	return true;
}
