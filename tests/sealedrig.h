/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sealedrig.h - an ops_server with sealed channels, a CA of its own and clients: for tests of the program
 * that was built beside them, who include cmocka.h first. setup() and teardown() are cmocka's of the group, SEALED() is a test of it.
 */
#ifndef TESTS_SEALEDRIG_H
#define TESTS_SEALEDRIG_H

#include "carig.h"
#include "serverrig.h"

#include "ca.h"
#include "secure.h"

static struct trust *node; /* db and client */
static const char canary[] = "what nobody else may read";
static const char *mode = "sealed";

static inline int remove_dir(const char *dir)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}

static inline struct trust *load(const char *name)
{
	struct trust_files files = files_of(name);
	struct trust *t;

	if (trust_load(&t, &files, &err))
		fail_msg("%s", err.s);
	return t;
}

/* With the certificate of that name. */
static inline int begin_as(const char *name)
{
	const struct trust_files own = files_of(name);
	const char *const more[] = {"--credential", f.credential, "--secure", mode, "--cert",
		own.cert, "--key", own.key, "--ca", in_ca("ca.pem"), "--crl",
		in_ca("crl.pem"), NULL};

	return begin_with(CHANNELS, more);
}

static inline int begin_sealed(void **state)
{
	return begin_as("zone");
}

static inline struct ops_client *client_with(enum role role, struct trust *t)
{
	struct ops_client *c = client_open(role, NULL);

	c->trust = t;
	return c;
}

static inline void client_and_trust_close(struct ops_client *c)
{
	struct trust *t = c->trust;

	client_close(c);
	trust_drop(t);
}

/* Ask now and then for so long; what came of it, until it fails. */
static inline int ask_for_ms(struct ops_client *c, uint64_t ms)
{
	uint64_t t0 = clock_ms();
	int rc = 0;

	while (rc == 0 && clock_ms() - t0 < ms) {
		rc = ask_lt(c);
		usleep(20000);
	}
	return rc;
}

/* ---- */

static inline int setup(void **state)
{
	strcpy(ca, "/tmp/ops-ca.XXXXXX");
	assert_non_null(mkdtemp(ca));
	if (ca_init(ca, 2, &err) || ca_issue(ca, "zone", "server:ops", 2, &err) ||
		ca_issue(ca, "node", "db,client", 2, &err) || ca_issue(ca, "dba", "db", 2, &err) ||
		ca_issue(ca, "admin", "admin", 2, &err))
		fail_msg("%s", err.s);
	node = load("node");
	return 0;
}

static inline int teardown(void **state)
{
	trust_drop(node);
	return remove_dir(ca);
}

#define SEALED(t) cmocka_unit_test_setup_teardown(t, begin_sealed, end)

#endif
