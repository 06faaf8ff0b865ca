/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * handshakerig.h - for tests of handshake.h and trust.h: the files of two CAs and of pre-shared keys, and
 * two ends that meet without a channel. setup() and teardown() are cmocka's of the group.
 */
#ifndef TESTS_HANDSHAKERIG_H
#define TESTS_HANDSHAKERIG_H

#include "ca.h"
#include "handshake.h"
#include "rig.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <sodium.h>
#include <time.h>

static char dir[64], other[64]; /* two CAs */
static struct err_text err;
static const struct seal_place ops = {"ops", 3, 9}, kv = {"kv", 3, 9};

static inline const char *path(const char *in, const char *name)
{
	static char text[32][256];
	static int i;

	i = (i + 1) % 32;
	snprintf(text[i], sizeof text[i], "%s/%s", in, name);
	return text[i];
}

static inline void issue(const char *in, const char *name, const char *roles, unsigned days)
{
	if (ca_issue(in, name, roles, days, &err))
		fail_msg("%s", err.s);
}

static inline struct trust_files files_of(const char *in, const char *name)
{
	char pem[80], key[80];

	snprintf(pem, sizeof pem, "%s.pem", name);
	snprintf(key, sizeof key, "%s.key", name);
	return (struct trust_files){
		.cert = path(in, pem), .key = path(in, key), .ca = path(in, "ca.pem")};
}

static inline struct trust *load(const struct trust_files *f)
{
	struct trust *t;

	if (trust_load(&t, f, &err))
		fail_msg("%s", err.s);
	return t;
}

static inline struct trust *load_name(const char *in, const char *name)
{
	struct trust_files f = files_of(in, name);

	return load(&f);
}

/* What one end has to say goes to the other. */
static inline void carry(struct handshake *from, struct handshake *to)
{
	const uint8_t *p;
	size_t len = handshake_out(from, &p);

	if (len && handshake_feed(to, p, len) == 0)
		handshake_sent(from, len);
	else
		handshake_sent(from, len);
}

struct pair {
	struct handshake *client, *server;
	int c, s; /* how it ended */
};

static inline void meet(struct pair *p, struct trust *client, const struct seal_place *cp,
	struct trust *server, const struct seal_place *sp)
{
	int turns;

	p->client = handshake_create(client, cp, false);
	p->server = handshake_create(server, sp, true);
	assert_non_null(p->client);
	assert_non_null(p->server);
	for (turns = 0; turns < 6; turns++) {
		p->c = handshake_run(p->client);
		carry(p->client, p->server);
		p->s = handshake_run(p->server);
		carry(p->server, p->client);
	}
	trust_drop(client);
	trust_drop(server);
}

static inline void part(struct pair *p)
{
	handshake_destroy(p->client);
	handshake_destroy(p->server);
}

static inline void same_secrets(const struct pair *p, bool same)
{
	uint8_t a[2][SEAL_SECRET], b[2][SEAL_SECRET];

	handshake_secrets(p->client, a[0], a[1]);
	handshake_secrets(p->server, b[0], b[1]);
	assert_int_equal(sodium_memcmp(a, b, sizeof a) == 0, same);
	assert_int_not_equal(sodium_memcmp(a[0], a[1], SEAL_SECRET), 0);
	assert_false(sodium_is_zero(a[0], SEAL_SECRET));
}

static inline char *read_text(const char *name)
{
	FILE *in = fopen(name, "r");
	char *text = calloc(1, 1 << 16);

	assert_non_null(in);
	assert_true(fread(text, 1, (1 << 16) - 1, in) > 0);
	fclose(in);
	return text;
}

static inline void refused(struct trust *client, struct trust *server, const struct seal_place *where,
	const char *client_says, const char *server_says)
{
	struct pair p;

	meet(&p, client, where, server, where);
	if (p.c != -EACCES || p.s == 0)
		fail_msg("client %d, server %d", p.c, p.s);
	if (!strstr(handshake_why(p.client), client_says))
		fail_msg("the client says: %s", handshake_why(p.client));
	if (!strstr(handshake_why(p.server), server_says))
		fail_msg("the server says: %s", handshake_why(p.server));
	part(&p);
}

/* ---- pre-shared keys ---- */

static inline struct trust_files keys(const char *name, const char *text)
{
	const char *file = path(dir, name);
	FILE *f;

	unlink(file);
	f = fdopen(open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600), "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return (struct trust_files){.psk = file};
}

#define KEY1 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY2 "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

/* ---- */

static inline int setup(void **state)
{
	strcpy(dir, "/tmp/handshake.XXXXXX");
	strcpy(other, "/tmp/handshake.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_non_null(mkdtemp(other));
	if (ca_init(dir, 10, &err) || ca_init(other, 10, &err))
		fail_msg("%s", err.s);
	issue(dir, "zone", "server:ops", 10);
	issue(dir, "keyspace", "server:kv", 10);
	issue(dir, "mgr", "server:mgr", 10);
	issue(dir, "node", "db,client,kv:alice", 10);
	issue(dir, "redis", "kv:alice", 10);
	issue(dir, "dba", "db", 10);
	issue(other, "node", "db,client", 10);
	issue(other, "zone", "server:ops", 10);
	return 0;
}

static inline int teardown(void **state)
{
	char command[256];

	snprintf(command, sizeof command, "rm -rf %s %s", dir, other);
	return system(command);
}

#endif
