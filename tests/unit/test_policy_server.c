/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_policy_server.c - scope: policy and audit log in an ops_server: who is which role (standing.h),
 * proofs and passes, hostile ones among them; rates; what sessions are told (account.h); what the
 * audit log says of it all (witness.h), and what a full disk stops.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../keyrig.h"
#include "../carig.h"
#include "../serverrig.h"

#include "ca.h"

#include <sys/resource.h>

#include "audit.h"
#include "proof.h"

static char dir[64], psk[96], policy[96], owner[96], app[96], app_public[112], audit[96], audit_key[96];
static char generation[96]; /* 16 bytes, the id of this machine's life */
static uint8_t app_secret[SIGNKEY_SECRET];

static void write_policy(uint64_t version, const char *rest)
{
	uint8_t key[SIGNKEY_PUBLIC], secret[SIGNKEY_SECRET], sig[SIGNKEY_SIGNATURE];
	char text[4096], hex[2 * SIGNKEY_SIGNATURE + 1], name[128];
	int n;

	assert_int_equal(signkey_read_public(key, app_public, &err), 0);
	assert_int_equal(signkey_read_secret(secret, owner, &err), 0);
	sodium_bin2hex(hex, sizeof hex, key, sizeof key);
	n = snprintf(text, sizeof text,
		"[policy]\nname = test\nversion = %llu\n[role app]\nkey = %s\nallow = all\n"
		"computed = allow\nresults = kept\n%s",
		(unsigned long long)version, hex, rest);
	policy_sign(sig, text, (size_t)n, secret);
	write_file(policy, text, (size_t)n);
	sodium_bin2hex(hex, sizeof hex, sig, sizeof sig);
	snprintf(name, sizeof name, "%s.sig", policy);
	write_file(name, hex, 2 * SIGNKEY_SIGNATURE);
}

static const char narrow[] = "[role db]\nallow = equality\n[role client]\nallow = encrypt decrypt\n"
							 "[role web]\npeer = other node1 node3\nallow = order\n";

static uint32_t channels = CHANNELS;

static int begin_policy(void **state)
{
	static const char keys[] =
		"node1 db 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
		"node2 db,client 10112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
		"node3 db,client 20112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";
	static char public[112];
	static const char *more[32];
	int n = 0;

	strcpy(dir, "/tmp/policy-test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(policy, sizeof policy, "%s/policy", dir);
	snprintf(owner, sizeof owner, "%s/owner", dir);
	snprintf(public, sizeof public, "%s.pub", owner);
	snprintf(app, sizeof app, "%s/app", dir);
	snprintf(app_public, sizeof app_public, "%s.pub", app);
	snprintf(audit, sizeof audit, "%s/audit", dir);
	snprintf(audit_key, sizeof audit_key, "%s/audit-key", dir);
	assert_int_equal(mkdir(audit, 0700), 0);
	assert_int_equal(signkey_create(owner, &err), 0);
	assert_int_equal(signkey_create(app, &err), 0);
	assert_int_equal(signkey_create(audit_key, &err), 0);
	assert_int_equal(signkey_read_secret(app_secret, app, &err), 0);
	write_policy(2, narrow);
	more[n++] = "--policy";
	more[n++] = policy;
	more[n++] = "--policy-key";
	more[n++] = public;
	more[n++] = "--audit";
	more[n++] = audit;
	more[n++] = "--audit-key";
	more[n++] = audit_key;
	snprintf(psk, sizeof psk, "%s/psk", dir);
	write_file(psk, keys, sizeof keys - 1);
	more[n++] = "--secure";
	more[n++] = "sealed";
	more[n++] = "--cert";
	more[n++] = in_ca("zone.pem");
	more[n++] = "--key";
	more[n++] = in_ca("zone.key");
	more[n++] = "--ca";
	more[n++] = in_ca("ca.pem");
	more[n++] = "--psk";
	more[n++] = psk;
	more[n++] = "--credential";
	more[n++] = f.credential;
	snprintf(generation, sizeof generation, "%s/generation", dir);
	write_file(generation, "0123456789abcdef", 16);
	more[n++] = "--generation";
	more[n++] = generation;
	return begin_with(channels, more);
}

static int begin_one_channel(void **state)
{
	int rc;

	channels = 1;
	rc = begin_policy(state);
	channels = CHANNELS;
	return rc;
}

static int end_policy(void **state)
{
	char command[96];
	int rc = end(state);

	snprintf(command, sizeof command, "rm -r %s", dir);
	return system(command) || rc;
}

/* ---- asking ---- */

static int ask_op(struct ops_client *c, uint16_t op)
{
	struct cell six = {.i = 6}, seven = {.i = 7};
	struct rig_arg arg[2] = {{&six, T_INT4, 0}, {&seven, T_INT4, 0}};
	uint16_t code[] = {PUSH, PUSH | 1, op};
	uint8_t req[256];

	return ask(c, OPS_EVAL, req, rig_request(req, sizeof req, f.s, arg, 2, code, 3, 1));
}

static int ask_decrypt(struct ops_client *c)
{
	struct cell six = {.i = 6};
	struct rig_arg arg[1] = {{&six, T_INT4, 0}};
	uint16_t code[] = {PUSH, OP_enc_int4_decrypt};
	uint8_t req[256];

	return ask(c, OPS_EVAL, req, rig_request(req, sizeof req, f.s, arg, 1, code, 2, 1));
}

/* The proof for a challenge that is asked for now. Its length. */
static size_t make_proof(struct ops_client *c, const char *role, uint8_t out[256])
{
	char text[PROOF_TEXT];
	size_t n = strlen(role), len;

	assert_int_equal(ask(c, OPS_HELLO, NULL, 0), 0);
	assert_int_equal(reply.len, OPS_CHALLENGE);
	len = proof_text(text, role, reply.bytes);
	assert_true(proof_is_text((text[len] = 0, text)));
	out[0] = OPS_BY_KEY;
	out[1] = (uint8_t)n;
	memcpy(out + 2, role, n);
	crypto_sign_detached(out + 2 + n, NULL, (uint8_t *)text, len, app_secret);
	return 2 + n + SIGNKEY_SIGNATURE;
}

static void become_app(struct ops_client *c)
{
	uint8_t proof[256];
	size_t len = make_proof(c, "app", proof);

	assert_int_equal(ask(c, OPS_PROVE, proof, len), 0);
	assert_int_equal(reply.len, OPS_PASS);
	memcpy(c->pass, reply.bytes, OPS_PASS);
}

static uint64_t account(struct ops_client *c, const char *name)
{
	char *at;

	assert_int_equal(ask(c, OPS_ACCOUNT, NULL, 0), 0);
	reply.bytes[reply.len - 1] = 0;
	at = strstr((char *)reply.bytes, name);
	assert_non_null(at);
	return strtoull(at + strlen(name) + 1, NULL, 10);
}

/* In any segment of the audit log; waits for a second's lines. */
static bool logged(const char *what)
{
	static char bytes[1 << 20];
	char path[160];
	FILE *g;
	int i, turn;

	for (turn = 0; turn < 50; turn++, usleep(20000))
		for (i = 1; i < 9; i++) {
			char name[AUDIT_NAME];
			size_t n;

			audit_segment_name(name, (uint64_t)i);
			snprintf(path, sizeof path, "%s/%s", audit, name);
			g = fopen(path, "r");
			n = g ? fread(bytes, 1, sizeof bytes - 1, g) : 0;
			bytes[n] = 0;
			if (g)
				fclose(g);
			if (strstr(bytes, what))
				return true;
		}
	return false;
}

/* How many lines of the audit log that is now, the first segment, say it. */
static int count_logged(const char *what)
{
	static char bytes[1 << 20];
	char path[160], name[AUDIT_NAME], *at;
	int n = 0;
	FILE *g;

	audit_segment_name(name, 1);
	snprintf(path, sizeof path, "%s/%s", audit, name);
	g = fopen(path, "r");
	assert_non_null(g);
	bytes[fread(bytes, 1, sizeof bytes - 1, g)] = 0;
	fclose(g);
	for (at = bytes; (at = strstr(at, what)); at++)
		n++;
	return n;
}

static void reload(void)
{
	kill(f.pid, SIGHUP);
	assert_notified("READY=1");
}

/* ---- tests ---- */

static void test_roles(void **state)
{
	struct ops_client *db = client_open(ROLE_DB, NULL), *client = client_open(ROLE_CLIENT, f.secret);

	assert_int_equal(ask_op(db, OP_enc_int4_eq), 0);
	assert_int_equal(ask_op(db, OP_enc_int4_lt), -EACCES);
	assert_non_null(strstr(err.s, "role db enc_int4_lt"));
	assert_int_equal(ask_op(db, OP_enc_int4_div), -EACCES);
	assert_int_equal(ask_decrypt(db), -EACCES);
	assert_int_equal(ask_decrypt(client), 0);
	assert_int_equal(ask_op(client, OP_enc_int4_eq), -EACCES);
	become_app(db);
	assert_int_equal(ask_op(db, OP_enc_int4_div), 0);
	assert_int_equal(ask_op(db, OP_enc_int4_lt), 0);
	assert_int_equal(ask_decrypt(db), -EACCES);
	/* on another channel by the pass, and after a reload too */
	db->has_pass = true;
	ops_release(db);
	assert_int_equal(ask_op(db, OP_enc_int4_lt), 0);
	write_policy(3, narrow);
	reload();
	assert_int_equal(ask_op(db, OP_enc_int4_lt), 0);
	/* not when the policy has another key for it */
	unlink(app);
	unlink(app_public);
	assert_int_equal(signkey_create(app, &err), 0);
	write_policy(4, narrow);
	reload();
	assert_int_equal(ask_op(db, OP_enc_int4_lt), -EACCES);
	ops_release(db);
	assert_int_equal(ask_op(db, OP_enc_int4_eq), -EACCES);
	assert_non_null(strstr(err.s, "not valid any more"));
	assert_true(logged(" denied "));
	assert_true(logged("why: policy 'test' denies") || logged("why: policy \"test\" denies role db enc_int4_lt"));
	assert_true(logged(" decrypt "));
	assert_true(logged(" proved "));
	assert_true(logged(" policy name=test stamp=4:"));
	client_close(db);
	client_close(client);
}

/* On a sealed channel a certificate, or a key's name, is a role by itself. */
static void test_peers(void **state)
{
	static const char *const lines[] = {
		"node1 db 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n",
		"node2 db,client 10112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n",
		"node3 db,client 20112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"};
	struct ops_client *c[3];
	struct trust *t[3];
	char path[112];
	int i;

	for (i = 0; i < 3; i++) {
		struct trust_files files = {.psk = path};

		snprintf(path, sizeof path, "%s/node%d", dir, i + 1);
		write_file(path, lines[i], strlen(lines[i]));
		if (trust_load(&t[i], &files, &err))
			fail_msg("%s", err.s);
		c[i] = client_open(ROLE_DB, NULL);
		c[i]->trust = t[i];
	}
	assert_int_equal(ask_op(c[0], OP_enc_int4_lt), 0);
	assert_int_equal(ask_op(c[0], OP_enc_int4_eq), -EACCES);
	assert_non_null(strstr(err.s, "role web enc_int4_eq"));
	assert_int_equal(ask_op(c[1], OP_enc_int4_eq), 0); /* named by no role: db */
	assert_int_equal(ask_op(c[1], OP_enc_int4_lt), -EACCES);
	become_app(c[0]); /* and what is proved comes first */
	assert_int_equal(ask_op(c[0], OP_enc_int4_eq), 0);
	ops_release(c[1]);
	c[1]->role = ROLE_CLIENT;
	assert_int_equal(ask_decrypt(c[1]), 0);
	/* whom a role names has that one, also when it asks for client and may */
	c[2]->role = ROLE_CLIENT;
	assert_int_equal(ask_op(c[2], OP_enc_int4_lt), 0);
	assert_int_equal(ask_decrypt(c[2]), -EACCES);
	assert_non_null(strstr(err.s, "role web enc_int4_decrypt"));
	assert_true(logged(" role=web peer=node1 "));
	for (i = 0; i < 3; i++) {
		client_close(c[i]);
		trust_drop(t[i]);
	}
}

/* A certificate's role is there with the first request of its channel, which another's was
 * before, and with nothing of what that one had. */
static void test_first_request(void **state)
{
	static const struct {
		const char *name; /* of a certificate; NULL: a plain channel */
		uint16_t op;
		const char *denied; /* to whom; NULL: nobody */
	} first[] = {
		{"node1", OP_enc_int4_lt, NULL},
		{"node2", OP_enc_int4_lt, "role db enc_int4_lt"},
		{"node1", OP_enc_int4_eq, "role web enc_int4_eq"},
		{"node2", OP_enc_int4_eq, NULL},
		{NULL, OP_enc_int4_lt, "role db enc_int4_lt"},
		{"node1", OP_enc_int4_lt, NULL},
	};
	struct trust_files files;
	struct ops_client *c;
	struct trust *t;
	size_t i;
	int rc;

	for (i = 0; i < sizeof first / sizeof first[0]; i++) {
		t = NULL;
		if (first[i].name) {
			files = files_of(first[i].name);
			assert_int_equal(trust_load(&t, &files, &err), 0);
		}
		c = client_open(ROLE_DB, NULL);
		c->trust = t;
		c->wait_channel_ms = TIMEOUT_MS; /* until the only channel is wiped */
		rc = ask_op(c, first[i].op);
		assert_int_equal(chan_sealed(&c->chan), t != NULL);
		if (rc != (first[i].denied ? -EACCES : 0))
			fail_msg("%zu: %d", i, rc);
		if (first[i].denied)
			assert_non_null(strstr(err.s, first[i].denied));
		client_close(c);
		trust_drop(t);
	}
	assert_true(logged(" role=web peer=node1 "));
}

static void test_hostile_proofs(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	uint8_t proof[256], other[256];
	size_t len = make_proof(c, "app", proof), i;

	for (i = 0; i < len; i++) { /* each is a challenge's only chance */
		make_proof(c, "app", other);
		other[i] ^= 1;
		assert_int_equal(ask(c, OPS_PROVE, other, len), -EACCES);
	}
	assert_int_equal(ask(c, OPS_PROVE, proof, len), -EACCES); /* of an older challenge */
	assert_int_equal(ask(c, OPS_PROVE, proof, len), -EACCES); /* without one */
	for (i = 0; i < len; i++) {
		make_proof(c, "app", other);
		assert_int_equal(ask(c, OPS_PROVE, other, i), -EACCES);
	}
	len = make_proof(c, "db", other);
	assert_int_equal(ask(c, OPS_PROVE, other, len), -EACCES);
	len = make_proof(c, "client", other);
	assert_int_equal(ask(c, OPS_PROVE, other, len), -EACCES);
	assert_int_equal(ask_op(c, OP_enc_int4_lt), -EACCES);
	/* who tries that is in the log */
	assert_true(account(c, "denied") > len);
	assert_true(logged("count=1 why: the credential is not the server's") || logged("count=1 why: the session's proof"));
	assert_true(logged("count=8 why: the signature is not that role's key's") ||
		logged("count=16 why: the signature is not that role's key's"));
	/* passes */
	become_app(c);
	memcpy(proof + 1, c->pass, OPS_PASS);
	proof[0] = OPS_BY_PASS;
	ops_release(c);
	for (i = 1; i < 1 + OPS_PASS; i++) {
		proof[i] ^= 0x10;
		assert_int_equal(ask(c, OPS_PROVE, proof, 1 + OPS_PASS), -EACCES);
		proof[i] ^= 0x10;
		assert_int_equal(ask(c, OPS_PROVE, proof, i), -EACCES);
	}
	assert_int_equal(ask_op(c, OP_enc_int4_lt), -EACCES);
	assert_int_equal(ask(c, OPS_PROVE, proof, 1 + OPS_PASS), 0);
	assert_int_equal(ask_op(c, OP_enc_int4_lt), 0);
	/* a good proof is good once */
	len = make_proof(c, "app", proof);
	assert_int_equal(ask(c, OPS_PROVE, proof, len), 0);
	assert_int_equal(ask(c, OPS_PROVE, proof, len), -EACCES);
	assert_non_null(strstr(err.s, "challenge of its own"));
	client_close(c);
}

/* A copy of the server has its secret, and takes none of its passes; proofs it takes, as the key is
 * another's. */
static void test_passes_of_a_copy(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	uint8_t proof[1 + OPS_PASS] = {OPS_BY_PASS};
	int fd;

	become_app(c);
	memcpy(proof + 1, c->pass, OPS_PASS);
	ops_release(c);
	assert_int_equal(ask(c, OPS_PROVE, proof, sizeof proof), 0);
	ops_release(c);
	fd = open(generation, O_WRONLY);
	assert_int_equal(pwrite(fd, "X", 1, 15), 1);
	close(fd);
	assert_int_equal(ask(c, OPS_PROVE, proof, sizeof proof), -EACCES);
	assert_int_equal(ask_op(c, OP_enc_int4_lt), -EACCES);
	become_app(c);
	assert_int_equal(ask_op(c, OP_enc_int4_lt), 0);
	client_close(c);
	assert_true(logged(" life: this process is a copy, or was copied "));
}

/* Which keys and which policy were in force, and what was not to be. */
static void test_zones_logged(void **state)
{
	uint16_t id;

	assert_true(logged(" keys current=1 "));
	assert_true(logged(" policy name=test stamp=2:"));
	assert_int_equal(keyrig_rotate(f.keys, &id, &err), 0);
	write_policy(3, narrow);
	reload();
	assert_true(logged(" keys current=2 "));
	assert_true(logged(" policy name=test stamp=3:"));
	write_policy(1, narrow);
	reload();
	assert_true(logged(" reload refused: "));
	assert_int_equal(count_logged(" stamp=1:"), 0);
}

/* A session that proves again what it is writes no lines with it: others need the disk. */
static void test_proofs_again(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	uint8_t proof[1 + OPS_PASS] = {OPS_BY_PASS};
	int i;

	become_app(c);
	memcpy(proof + 1, c->pass, OPS_PASS);
	for (i = 0; i < 20; i++)
		assert_int_equal(ask(c, OPS_PROVE, proof, sizeof proof), 0);
	become_app(c);
	assert_int_equal(ask_op(c, OP_enc_int4_lt), 0);
	client_close(c);
	assert_true(logged(" end "));
	assert_int_equal(count_logged(" proved "), 1);
}

static void test_account(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL);
	int i;

	for (i = 0; i < 5; i++)
		assert_int_equal(ask_op(c, OP_enc_int4_eq), 0);
	assert_int_equal(ask_op(c, OP_enc_int4_lt), -EACCES);
	assert_int_equal(account(c, "released_comparisons"), 5);
	assert_int_equal(account(c, "denied"), 1);
	for (i = 0; i < 20 && !logged(" told "); i++)
		reload(); /* a session that a worker is at is left out */
	assert_true(logged(" comparisons=5 "));
	assert_int_equal(account(c, "denied"), 1);
	assert_non_null(strstr((char *)reply.bytes, "role db\n"));
	assert_int_equal(ask(c, OPS_STATUS, NULL, 0), 0);
	reply.bytes[reply.len - 1] = 0;
	assert_non_null(strstr((char *)reply.bytes, "\npolicy test\npolicy_version 2\n"));
	assert_non_null(strstr((char *)reply.bytes, " role db comparisons 5 ranks 0 hashes 0 values 0"));
	ops_release(c);
	/* the next session begins at 0, and the sum keeps it */
	assert_int_equal(ask_op(c, OP_enc_int4_eq), 0);
	assert_int_equal(account(c, "released_comparisons"), 1);
	assert_int_equal(ask(c, OPS_STATUS, NULL, 0), 0);
	reply.bytes[reply.len - 1] = 0;
	assert_non_null(strstr((char *)reply.bytes, "\nreleased_comparisons 6\n"));
	assert_true(logged(" end ") && logged(" comparisons=5 "));
	client_close(c);
}

static void test_rates(void **state)
{
	struct ops_client *c = client_open(ROLE_DB, NULL), *d = client_open(ROLE_DB, NULL);
	int i;

	write_policy(3, "[role db]\nallow = equality\nrate.comparisons = 5/d\n");
	reload();
	for (i = 0; i < 5; i++)
		assert_int_equal(ask_op(c, OP_enc_int4_eq), 0);
	assert_int_equal(ask_op(c, OP_enc_int4_eq), -EACCES);
	assert_non_null(strstr(err.s, "allows role db 5 comparisons in 86400000 ms"));
	assert_int_equal(account(c, "released_comparisons"), 5);
	assert_int_equal(ask_op(d, OP_enc_int4_eq), 0); /* each session has its own */
	client_close(d);
	write_policy(4, "[role db]\nallow = equality\nrate.comparisons = 1000/s\n");
	reload();
	for (i = 0; i < 100; i++) /* it fills again */
		assert_int_equal(ask_op(c, OP_enc_int4_eq), 0);
	client_close(c);
}

/* What a session has left of its rate is not made more by what it can do itself, or another: proofs,
 * good ones and bad, and a reload that changes nothing of it. */
static void test_rates_stay(void **state)
{
	static const char rates[] = "rate.comparisons = 5/d\n[role db]\nallow = equality\n"
								"rate.comparisons = 3/d\n";
	struct ops_client *c = client_open(ROLE_DB, NULL);
	uint8_t bad[] = {OPS_BY_PASS, 0};
	int i;

	write_policy(3, rates);
	reload();
	for (i = 0; i < 3; i++)
		assert_int_equal(ask_op(c, OP_enc_int4_eq), 0);
	assert_int_equal(ask(c, OPS_PROVE, bad, sizeof bad), -EACCES);
	assert_int_equal(ask_op(c, OP_enc_int4_eq), -EACCES);
	reload();
	assert_int_equal(ask_op(c, OP_enc_int4_eq), -EACCES);
	write_policy(4, rates);
	reload();
	assert_int_equal(ask_op(c, OP_enc_int4_eq), -EACCES);
	ops_release(c); /* another session */
	become_app(c);
	for (i = 0; i < 5; i++)
		assert_int_equal(ask_op(c, OP_enc_int4_eq), 0);
	become_app(c);
	assert_int_equal(ask_op(c, OP_enc_int4_eq), -EACCES);
	client_close(c);
}

/* RLIMIT_FSIZE of the server is a disk that is full: EFBIG instead of ENOSPC. */
static void limit_server(rlim_t bytes)
{
	struct rlimit limit = {bytes, RLIM_INFINITY};

	assert_int_equal(prlimit(f.pid, RLIMIT_FSIZE, &limit, NULL), 0);
}

static void test_full_disk(void **state)
{
	struct ops_client *client = client_open(ROLE_CLIENT, f.secret), *db = client_open(ROLE_DB, NULL);
	struct ops_client *later = client_open(ROLE_CLIENT, f.secret);
	uint16_t id;

	assert_int_equal(ask_decrypt(client), 0);
	limit_server(64);
	assert_int_equal(ask_op(db, OP_enc_int4_eq), 0); /* a session begins, unlogged */
	assert_int_equal(ask_decrypt(client), -EFBIG);
	assert_non_null(strstr(err.s, "audit log cannot be written"));
	assert_int_equal(ask_decrypt(later), -EFBIG);
	assert_int_equal(ask_op(db, OP_enc_int4_eq), 0);
	assert_int_equal(ask_op(db, OP_enc_int4_lt), -EACCES);
	/* no other keys, no other policy */
	write_policy(9, "[role db]\nallow = all\n");
	assert_int_equal(keyrig_rotate(f.keys, &id, &err), 0);
	reload();
	assert_int_equal(ask_op(db, OP_enc_int4_lt), -EACCES);
	limit_server(RLIM_INFINITY);
	reload();
	assert_int_equal(ask_op(db, OP_enc_int4_lt), 0);
	assert_true(logged(" lost lines="));
	assert_true(logged(" policy name=test stamp=9:"));
	write_policy(10, narrow);
	reload();
	assert_int_equal(ask_decrypt(client), 0);
	assert_int_equal(ask_decrypt(later), 0);
	client_close(client);
	client_close(later);
	client_close(db);
}

/* Across a restart, too, an older policy is none, nor is having none. */
static void test_restart(void **state)
{
	const char *more[16] = {"--policy", policy, "--policy-key", NULL, "--audit", audit, "--audit-key",
		audit_key, NULL};
	const char *without[] = {"--audit", audit, "--audit-key", audit_key, NULL};
	char public[112], path[160];
	struct audit_check c = {.begun = false};
	struct ops_client *client;
	uint64_t segment;
	FILE *g;

	snprintf(public, sizeof public, "%s.pub", owner);
	more[3] = public;
	client = client_open(ROLE_DB, NULL);
	assert_int_equal(ask_op(client, OP_enc_int4_eq), 0);
	client_close(client);
	kill(f.pid, SIGTERM);
	assert_int_equal(server_join(f.pid), 0);
	write_policy(1, narrow);
	assert_int_equal(server_join(server_exec(more)), 1);
	assert_int_equal(server_join(server_exec(without)), 1);
	write_policy(3, narrow);
	server_start(more);
	rig_kill(f.pid);
	/* all of it is one chain, whatever happened */
	snprintf(path, sizeof path, "%s.pub", audit_key);
	assert_int_equal(signkey_read_public(c.key, path, &err), 0);
	if (audit_check_dir(&c, audit, false, &segment, &err))
		fail_msg("%s", err.s);
	assert_true(segment >= 2 && c.policy.version == 3);
	/* a damaged one is no start */
	snprintf(path, sizeof path, "%s/audit.%06llu.log", audit, (unsigned long long)segment);
	g = fopen(path, "r+");
	assert_non_null(g);
	assert_int_equal(fseek(g, 30, SEEK_SET), 0);
	assert_true(fputc('#', g) == '#' && fclose(g) == 0);
	assert_int_equal(server_join(server_exec(more)), 1);
	f.pid = 0;
}

/* Certificates, which are slow to make: once for all. */
static int setup(void **state)
{
	strcpy(ca, "/tmp/policy-ca.XXXXXX");
	assert_non_null(mkdtemp(ca));
	if (ca_init(ca, 2, &err) || ca_issue(ca, "zone", "server:ops", 2, &err) ||
		ca_issue(ca, "node1", "db", 2, &err) || ca_issue(ca, "node2", "db", 2, &err))
		fail_msg("%s", err.s);
	return 0;
}

static int teardown(void **state)
{
	char command[96];

	snprintf(command, sizeof command, "rm -r %s", ca);
	return system(command);
}

#define SERVED(t) cmocka_unit_test_setup_teardown(t, begin_policy, end_policy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_roles),
		SERVED(test_peers),
		cmocka_unit_test_setup_teardown(test_first_request, begin_one_channel, end_policy),
		SERVED(test_hostile_proofs),
		SERVED(test_passes_of_a_copy),
		SERVED(test_zones_logged),
		SERVED(test_proofs_again),
		SERVED(test_account),
		SERVED(test_rates),
		SERVED(test_rates_stay),
		SERVED(test_full_disk),
		SERVED(test_restart),
	};

	if (server_find())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
