/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_domains.c - scope: domains of keys (common/keyring.h) where they are used: which domain's
 * key a result goes under (eval.h), PROGRAM_INTO, and what a policy makes of them: `keys = NAME`,
 * `domain = NAME`, two tenants, values that leave a domain or are brought into one.
 */
#include "ask.h"

#include "policy.h"

enum { A = 1, B = 2, EMPTY = 3, HERE = 0, EACH = 32 /* bytes of an encrypted int4 */ };

static const char head[] = "[policy]\nname = test\nversion = 3\n";
static struct value_sealer *sealer[3];

/* ---- a keyring of three domains, of which two have keys ---- */

static uint16_t new_key(const char *domain)
{
	uint16_t id = 0;

	assert_int_equal(keyring_add_key(keys, domain, &id, &err), 0);
	assert_int_equal(keyring_rotate(keys, domain, &id, &err), 0);
	return id;
}

static void begin(void)
{
	unsigned d;

	assert_int_equal(value_sealer_init(&mine->s, gcm, keys), 0);
	value_opener_init(&mine->o, gcm, keys);
	ev = eval_create(gcm, keys);
	assert_non_null(ev);
	for (d = 0; d < 3; d++)
		assert_int_equal(value_sealer_init_in(sealer[d], gcm, keys, d), 0);
}

static void end(void)
{
	unsigned d;

	for (d = 0; d < 3; d++)
		value_sealer_fini(sealer[d]);
	eval_destroy(ev);
	value_sealer_fini(&mine->s);
	value_opener_fini(&mine->o);
}

static int setup_domains(void **state)
{
	uint16_t id;
	unsigned d;

	if (setup(state))
		return -1;
	eval_destroy(ev);
	value_sealer_fini(&mine->s);
	value_opener_fini(&mine->o);
	keyring_destroy(keys);
	keys = keyring_create();
	for (d = 0; d < 3; d++)
		sealer[d] = sodium_malloc((sizeof **sealer + 63) & ~(size_t)63);
	assert_int_equal(new_key("a"), 2);
	assert_int_equal(new_key("b"), 3);
	assert_int_equal(keyring_add_key(keys, "empty", &id, &err), 0);
	begin();
	return 0;
}

static int teardown_domains(void **state)
{
	unsigned d;

	for (d = 0; d < 3; d++) {
		value_sealer_fini(sealer[d]);
		sodium_free(sealer[d]);
	}
	return teardown(state);
}

/* ---- asking ---- */

struct in {
	int v;
	unsigned domain;
};

/* Columns of enc_int4, one behind the other, `rows` of each. */
static size_t request_of(const struct in *in, int nargs, uint32_t rows, const uint16_t *code, int ncode)
{
	static const struct cell none[8];
	struct rig_arg arg[4];
	size_t len, i, n = (size_t)nargs * rows;

	for (i = 0; i < (size_t)nargs; i++)
		arg[i] = (struct rig_arg){none, T_INT4, 0};
	len = request(arg, nargs, code, ncode, rows);
	for (i = 0; i < n; i++)
		assert_int_equal(value_seal(sealer[in[i].domain], T_INT4, &in[i].v, 4,
			req + len - (n - i) * EACH), 0);
	return len;
}

#define IN(...) (const struct in[]){__VA_ARGS__}

static uint8_t raw[4096]; /* the reply as it came */

static int said(enum role role, size_t len)
{
	int rc;

	err.s[0] = 0;
	rc = eval_run(ev, role, req, len, true, rig_room, &reply, &err);
	eval_done(ev);
	if (rc)
		return rc;
	assert_true(reply.len <= sizeof raw);
	memcpy(raw, reply.bytes, reply.len);
	assert_true(rig_reply_read(&reply, &mine->o));
	return 0;
}

/* The key that row i of the reply is under. The reply has one column of values of a fixed size. */
static uint16_t key_at(uint32_t i)
{
	const struct value_header none = {0};
	struct value_header h = none;
	size_t each = value_size(optable_size(reply.type));

	assert_int_equal(raw[0], REPLY_SECRET);
	assert_int_equal(value_header_parse(raw + PROGRAM_HEADER + i * each, each, &h), 0);
	return h.key_id;
}

/* The first row's key and plaintext are that. */
static void gives_at(int line, size_t len, uint16_t key, int v)
{
	if (said(ROLE_DB, len) != 0 || key_at(0) != key || reply.cell[0].i != v)
		fail_msg("line %d: key %u, %d (%s)", line, key_at(0), (int)reply.cell[0].i, err.s);
}

#define gives(len, key, v) gives_at(__LINE__, len, key, v)
#define ADD CODE(PUSH, PUSH | 1, OP_enc_int4_add)

/* The same request, its results for a domain. */
static size_t into(size_t len, const char *name)
{
	size_t n = strlen(name);

	memmove(req + PROGRAM_HEADER + 1 + n, req + PROGRAM_HEADER, len - PROGRAM_HEADER);
	req[1] |= PROGRAM_INTO;
	req[PROGRAM_HEADER] = (uint8_t)n;
	memcpy(req + PROGRAM_HEADER + 1, name, n);
	return len + 1 + n;
}

/* ---- without a policy ---- */

static void test_results_stay(void **state)
{
	ev->grant = NULL;
	gives(request_of(IN({5, HERE}, {6, HERE}), 2, 1, ADD), 1, 11);
	gives(request_of(IN({5, A}, {6, A}), 2, 1, ADD), 2, 11);
	gives(request_of(IN({5, B}, {6, HERE}), 2, 1, ADD), 3, 11);
	gives(request_of(IN({5, HERE}, {6, B}), 2, 1, ADD), 3, 11);
	/* of two domains: nobody's, so the session's */
	gives(request_of(IN({5, A}, {6, B}), 2, 1, ADD), 1, 11);
	gives(request_of(IN({5, A}, {6, B}, {7, A}), 3, 1,
		CODE(PUSH, PUSH | 1, OP_enc_int4_add, PUSH | 2, OP_enc_int4_add)), 1, 18);
	/* more than one operation; casts; what is only passed on */
	gives(request_of(IN({5, A}, {6, HERE}), 2, 1,
		CODE(PUSH, PUSH | 1, OP_enc_int4_add, PUSH | 1, OP_enc_int4_mult)), 2, 66);
	gives(request_of(IN({5, A}), 1, 1, CODE(PUSH, OP_enc_int4_to_int8)), 2, 5);
	gives(request_of(IN({5, B}), 1, 1, CODE(PUSH)), 3, 5);
}

static void test_rows(void **state)
{
	static const uint16_t want[] = {2, 3, 1, 3, 2};
	const struct in in[] = {{1, A}, {2, B}, {3, HERE}, {4, B}, {5, A}};
	int i;

	ev->grant = NULL;
	/* each row by itself, whichever the order */
	assert_int_equal(said(ROLE_DB, request_of(in, 1, 5, CODE(PUSH, OP_enc_int4_reencrypt))), 0);
	for (i = 0; i < 5; i++) {
		assert_int_equal(key_at((uint32_t)i), want[i]);
		assert_int_equal(reply.cell[i].i, i + 1);
	}
	/* a column of one domain */
	assert_int_equal(said(ROLE_DB, request_of(IN({1, A}, {2, A}, {3, A}), 1, 3,
		CODE(PUSH, OP_enc_int4_reencrypt))), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(key_at((uint32_t)i), 2);
	/* aggregates are of all that they saw */
	assert_int_equal(said(ROLE_DB, request_of(IN({1, A}, {2, A}), 1, 2,
		CODE(PUSH, OP_enc_int4_max_bulk))), 0);
	assert_true(key_at(0) == 2 && reply.cell[0].i == 2);
	assert_int_equal(said(ROLE_DB, request_of(IN({1, HERE}, {2, B}), 1, 2,
		CODE(PUSH, OP_enc_int4_max_bulk))), 0);
	assert_true(key_at(0) == 3 && reply.cell[0].i == 2);
	assert_int_equal(said(ROLE_DB, request_of(in, 1, 5, CODE(PUSH, OP_enc_int4_max_bulk))), 0);
	assert_true(key_at(0) == 1 && reply.cell[0].i == 5);
}

/* Values of variable size, where rows are written one by one. */
static void test_texts(void **state)
{
	static const char *const words[] = {"one", "two"};
	struct cell cells[2] = {S("one"), S("two")};
	size_t len = request(ARGS({cells, T_TEXT, 0}), CODE(PUSH, OP_enc_text_upper), 2), i;
	struct value_header h = {0};

	ev->grant = NULL;
	for (i = 0; i < 2; i++)
		assert_int_equal(value_seal(sealer[i ? B : A], T_TEXT, words[i], 3,
			req + len - (2 - i) * value_size(3)), 0);
	assert_int_equal(said(ROLE_DB, len), 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(value_header_parse(
			raw + PROGRAM_HEADER + 8 + i * value_size(3), value_size(3), &h), 0);
		assert_int_equal(h.key_id, i ? 3 : 2);
	}
	assert_memory_equal(reply.cell[1].p, "TWO", 3);
}

static void test_into(void **state)
{
	ev->grant = NULL;
	gives(into(request_of(IN({5, A}), 1, 1, CODE(PUSH)), "b"), 3, 5);
	gives(into(request_of(IN({5, B}), 1, 1, CODE(PUSH)), "default"), 1, 5);
	gives(into(request_of(IN({5, A}, {6, B}), 2, 1, ADD), "a"), 2, 11);
	gives(request_of(IN({5, A}), 1, 1, CODE(PUSH)), 2, 5); /* it holds for one request */
	assert_int_equal(said(ROLE_DB, into(request_of(IN({5, A}), 1, 1, CODE(PUSH)), "empty")), -ENOKEY);
	assert_int_equal(said(ROLE_DB, into(request_of(IN({5, A}), 1, 1, CODE(PUSH)), "c")), -ENOKEY);
	assert_int_equal(said(ROLE_DB, into(request_of(IN({5, A}), 1, 1, CODE(PUSH)), "")), -ENOKEY);
	assert_int_equal(said(ROLE_DB, into(request_of(IN({5, A}), 1, 1, CODE(PUSH)),
		"abcdefghijklmnopqrstu")), -EPROTO);
	into(request_of(IN({5, A}), 1, 1, CODE(PUSH)), "b");
	assert_int_equal(said(ROLE_DB, PROGRAM_HEADER + 1), -EPROTO); /* ends in the name */
	assert_int_equal(said(ROLE_DB, PROGRAM_HEADER), -EPROTO);
}

/* ---- with one ---- */

static struct policy *policy_of(const char *rest)
{
	struct policy *p = calloc(1, sizeof *p);
	char text[4096];

	snprintf(text, sizeof text, "%s%s", head, rest);
	if (policy_parse(p, text, strlen(text), &err) || policy_bind(p, keys, &err))
		fail_msg("%s", err.s);
	return p;
}

static void denied_at(int line, size_t len, const char *why)
{
	int rc = said(ROLE_DB, len);

	if (rc != -EACCES || !strstr(err.s, why))
		fail_msg("line %d: %d, \"%s\" and not \"%s\"", line, rc, err.s, why);
}

#define denied(len, why) denied_at(__LINE__, len, why)

static const char tenants[] = "[domain a]\nkeys = a\n[domain b]\nkeys = b\n"
	"[role db]\nallow = select\n[role db a]\nallow = select null\n[role db b]\nallow = select null\n"
	"[role for_a]\npeer = a\ndomain = a\nallow = all\n[role for_a a]\nallow = all encrypt decrypt\n"
	"[role for_a b]\ndeny = all\n"
	"[role for_b]\npeer = b\ndomain = b\n[role for_b b]\nallow = all encrypt decrypt\n"
	"[role both]\npeer = c\nmixed = allow\nallow = all\n[role both b]\nallow = all transfer\n";

static void test_tenants(void **state)
{
	struct policy *p = policy_of(tenants);

	ev->grant = policy_role(p, "for_a");
	gives(request_of(IN({5, A}, {6, A}), 2, 1, ADD), 2, 11);
	denied(request_of(IN({5, B}, {6, B}), 2, 1, ADD), "for_a enc_int4_add in domain b");
	denied(request_of(IN({5, B}), 1, 1, CODE(PUSH, OP_enc_int4_decrypt)), "enc_int4_decrypt in domain b");
	denied(request_of(IN({5, B}), 1, 1, CODE(PUSH, OP_enc_int4_hash64)), "enc_int4_hash64 in domain b");
	denied(request_of(IN({5, A}, {5, B}), 2, 1, CODE(PUSH, PUSH | 1, OP_enc_int4_eq)), "in domain b");
	denied(request_of(IN({1, A}, {2, B}), 1, 2, CODE(PUSH, OP_enc_int4_max_bulk)), "in domain b");
	denied(request_of(IN({5, B}), 1, 1, CODE(PUSH, OP_enc_int4_reencrypt)), "in domain b");
	denied(into(request_of(IN({5, B}), 1, 1, CODE(PUSH)), "a"), "outside of its domain in domain b");
	denied(into(request_of(IN({5, A}), 1, 1, CODE(PUSH)), "b"), "to bring values in domain b");
	/* what is nobody's becomes the tenant's, also what it encrypts */
	gives(request_of(IN({5, HERE}, {6, HERE}), 2, 1, ADD), 2, 11);
	assert_int_equal(said(ROLE_CLIENT, request(ARGS({CELLS(I(9)), T_INT4, ARG_CLEAR}), CODE(PUSH), 1)), 0);
	assert_true(key_at(0) == 2 && reply.cell[0].i == 9);
	/* the same programs, by the other one: verdicts are each role's */
	ev->grant = policy_role(p, "for_b");
	gives(request_of(IN({5, B}, {6, B}), 2, 1, ADD), 3, 11);
	denied(request_of(IN({5, A}, {6, A}), 2, 1, ADD), "for_b enc_int4_add in domain a");
	denied(request_of(IN({5, HERE}, {6, HERE}), 2, 1, ADD), "for_b enc_int4_add");
	policy_free(p);
}

static void test_maintenance(void **state)
{
	struct policy *p = policy_of(tenants);
	size_t len;

	/* who may see neither brings both under new keys, in one batch, and mixes nothing */
	ev->grant = policy_role(p, "db");
	assert_int_equal(said(ROLE_DB, request_of(IN({1, A}, {2, B}, {3, HERE}), 1, 3,
		CODE(PUSH, OP_enc_int4_reencrypt))), 0);
	assert_true(key_at(0) == 2 && key_at(1) == 3 && key_at(2) == 1);
	denied(request_of(IN({1, A}, {2, B}), 1, 2, CODE(PUSH, OP_enc_int4_max_bulk)), "across domains");
	denied(request_of(IN({1, A}, {2, B}), 2, 1, CODE(PUSH, PUSH | 1, OP_enc_int4_coalesce)), "across domains");
	denied(request_of(IN({1, A}, {2, HERE}), 2, 1, CODE(PUSH, PUSH | 1, OP_enc_int4_coalesce)), "across domains");
	denied(into(request_of(IN({5, A}), 1, 1, CODE(PUSH)), "b"), "to bring values in domain b");
	/* a role with both: what it makes of both is the session's, if it may leave */
	ev->grant = policy_role(p, "both");
	denied(request_of(IN({1, A}, {2, B}), 2, 1, ADD), "outside of its domain in domain a");
	gives(request_of(IN({1, HERE}, {2, B}), 2, 1, ADD), 3, 3);
	gives(into(request_of(IN({5, B}), 1, 1, CODE(PUSH)), "default"), 1, 5);
	denied(into(request_of(IN({5, B}), 1, 1, CODE(PUSH)), "a"), "to bring values in domain a");
	gives(into(request_of(IN({5, HERE}), 1, 1, CODE(PUSH)), "b"), 3, 5);
	denied(request_of(IN({1, A}, {2, B}), 1, 2, CODE(PUSH, OP_enc_int4_max_bulk)),
		"outside of its domain in domain a");
	assert_int_equal(said(ROLE_DB, request_of(IN({1, A}, {2, B}), 1, 2,
		CODE(PUSH, OP_enc_int4_reencrypt))), 0);
	assert_true(key_at(0) == 2 && key_at(1) == 3);
	/* a verdict for one place is none for another */
	len = request_of(IN({5, A}), 1, 1, CODE(PUSH));
	gives(len, 2, 5);
	denied(into(len, "default"), "outside of its domain in domain a");
	policy_free(p);
}

/* Columns whose rows are of several domains: that one such column was allowed says nothing of the next one. */
static void test_verdicts_of_several(void **state)
{
	struct policy *p = policy_of("[domain a]\nkeys = a\n[domain b]\nkeys = b\n[role db]\nmixed = allow\n"
				"[role db a]\nallow = all\n[role db b]\nallow = all\n");
	const uint16_t eq[] = {PUSH, PUSH | 1, OP_enc_int4_eq};
	int i;

	ev->grant = policy_role(p, "db");
	for (i = 0; i < 2; i++) {
		assert_int_equal(said(ROLE_DB, request_of(
			IN({1, A}, {2, B}, {4, A}, {1, A}, {3, B}, {4, A}), 2, 3, eq, 3)), 0);
		assert_true(reply.cell[0].i == 1 && reply.cell[1].i == 0);
		denied(request_of(IN({1, A}, {2, B}, {4, HERE}, {1, A}, {3, B}, {4, A}), 2, 3, eq, 3), "enc_int4_eq");
		denied(request_of(IN({1, A}, {2, B}, {4, A}, {1, A}, {3, B}, {4, HERE}), 2, 3, eq, 3), "enc_int4_eq");
	}
	policy_free(p);
}

/* Two domains of keys that are one for the policy: what is made of both is still not let out. */
static void test_united(void **state)
{
	struct policy *p = policy_of("[domain both]\nkeys = a b\n[role db]\nallow = all\n"
				"[role for_b]\npeer = x\ndomain = b\nallow = all\n");

	ev->grant = policy_role(p, "db");
	gives(request_of(IN({1, A}, {2, A}), 2, 1, ADD), 2, 3);
	denied(request_of(IN({1, A}, {2, B}), 2, 1, ADD), "outside of its domain in domain both");
	denied(request_of(IN({1, A}, {2, B}), 1, 2, CODE(PUSH, OP_enc_int4_max_bulk)),
		"outside of its domain in domain both");
	assert_int_equal(said(ROLE_DB, request_of(IN({1, A}, {2, B}), 1, 2,
		CODE(PUSH, OP_enc_int4_reencrypt))), 0);
	assert_true(key_at(0) == 2 && key_at(1) == 3);
	ev->grant = policy_role(p, "for_b");
	gives(request_of(IN({1, A}, {2, B}), 2, 1, ADD), 3, 3);
	policy_free(p);
}

static void test_binding(void **state)
{
	struct policy *p = calloc(1, sizeof *p);
	char text[512];

	snprintf(text, sizeof text, "%s[domain x]\nkeys = nobody\n[role db]\nallow = all\n", head);
	assert_int_equal(policy_parse(p, text, strlen(text), &err), 0);
	assert_int_equal(policy_bind(p, keys, &err), -EINVAL);
	assert_non_null(strstr(err.s, "names \"nobody\", a domain of keys that the key file has not"));
	policy_fini(p);
	snprintf(text, sizeof text, "%s[role x]\npeer = x\ndomain = nobody\nallow = all\n", head);
	assert_int_equal(policy_parse(p, text, strlen(text), &err), 0);
	assert_int_equal(policy_bind(p, keys, &err), -EINVAL);
	policy_free(p);
	/* ids and names in one domain, and types beside them */
	p = policy_of("[domain some]\nkeys = 1 b\ntypes = enc_int4\n[role db]\nallow = all\n");
	assert_int_equal(policy_domain(policy_role(p, "db"), 1, T_INT4), 1);
	assert_int_equal(policy_domain(policy_role(p, "db"), 3, T_INT4), 1);
	assert_int_equal(policy_domain(policy_role(p, "db"), 3, T_TEXT), 0);
	assert_int_equal(policy_domain(policy_role(p, "db"), 2, T_INT4), 0);
	assert_int_equal(policy_domain(policy_role(p, "db"), 999, T_INT4), 0);
	policy_free(p);
}

/* A policy's name means keys to come, too. */
static void test_rotation(void **state)
{
	struct policy *p = policy_of(tenants);
	uint16_t old = keyring_active_in(keys, A), fresh;

	end();
	fresh = new_key("a");
	begin();
	assert_true(fresh > old);
	ev->grant = policy_role(p, "for_a");
	gives(request_of(IN({5, A}, {6, A}), 2, 1, ADD), fresh, 11);
	ev->grant = policy_role(p, "for_b");
	denied(request_of(IN({5, A}, {6, A}), 2, 1, ADD), "in domain a");
	policy_free(p);
}

/* Last: it has no key in domain a any more. */
static void test_destroyed(void **state)
{
	struct policy *p = policy_of(tenants);
	size_t len = request_of(IN({5, A}, {6, HERE}), 2, 1, ADD);

	end();
	assert_int_equal(keyring_destroy_domain(keys, "a", &err), 0);
	keyring_rotate(keys, "empty", &(uint16_t){0}, &err) ? fail() : (void)0;
	assert_int_equal(value_sealer_init(&mine->s, gcm, keys), 0);
	assert_int_equal(value_sealer_init_in(sealer[A], gcm, keys, A), -ENOKEY);
	value_opener_init(&mine->o, gcm, keys);
	ev = eval_create(gcm, keys);
	ev->grant = NULL;
	assert_int_equal(said(ROLE_DB, len), 0);
	assert_int_equal(reply.cell[0].state, ROW_KEY_DESTROYED);
	assert_int_equal(value_sealer_init_in(sealer[HERE], gcm, keys, HERE), 0);
	assert_int_equal(value_sealer_init_in(sealer[B], gcm, keys, B), 0);
	gives(request_of(IN({5, B}, {6, HERE}), 2, 1, ADD), 3, 11);
	/* the tenant's session makes nothing any more */
	ev->grant = policy_role(p, "for_a");
	len = request_of(IN({5, HERE}, {6, HERE}), 2, 1, ADD);
	assert_int_equal(said(ROLE_DB, len), -ENOKEY);
	assert_non_null(strstr(err.s, "no active key"));
	ev->grant = NULL;
	assert_int_equal(value_sealer_init_in(sealer[A], gcm, keys, EMPTY), 0); /* for teardown */
	policy_free(p);
}

/* ---- a domain for each of a thousand tenants ---- */

enum { TENANTS = KEYRING_DOMAINS - 1, TENANT_TEXT = 160 };

static uint16_t tenant_key(unsigned t)
{
	return keyring_active_in(keys, t);
}

/* Its session computes on its own values, and on no other's. */
static void is_fenced(const struct policy *p, unsigned t, unsigned other)
{
	char name[32], why[64];

	snprintf(name, sizeof name, "for_%u", t);
	snprintf(why, sizeof why, "in domain t%u", other);
	ev->grant = policy_role(p, name);
	assert_non_null(ev->grant);
	value_sealer_fini(sealer[A]);
	value_sealer_fini(sealer[B]);
	assert_int_equal(value_sealer_init_in(sealer[A], gcm, keys, t), 0);
	assert_int_equal(value_sealer_init_in(sealer[B], gcm, keys, other), 0);
	gives(request_of(IN({5, A}, {6, A}), 2, 1, ADD), tenant_key(t), 11);
	gives(request_of(IN({5, HERE}, {6, HERE}), 2, 1, ADD), tenant_key(t), 11);
	denied(request_of(IN({5, B}, {6, B}), 2, 1, ADD), why);
	denied(request_of(IN({5, A}, {6, B}), 2, 1, ADD), why);
	denied(request_of(IN({1, A}, {2, B}), 1, 2, CODE(PUSH, OP_enc_int4_reencrypt)), why);
	denied(request_of(IN({5, B}), 1, 1, CODE(PUSH, OP_enc_int4_decrypt)), why);
}

/* Each value stays under its own key, also when there are more domains than sealers. */
static void stays_apart(unsigned t, unsigned other)
{
	uint32_t i;

	value_sealer_fini(sealer[A]);
	value_sealer_fini(sealer[B]);
	assert_int_equal(value_sealer_init_in(sealer[A], gcm, keys, t), 0);
	assert_int_equal(value_sealer_init_in(sealer[B], gcm, keys, other), 0);
	assert_int_equal(said(ROLE_DB, request_of(IN({1, A}, {2, B}, {3, HERE}, {4, A}, {5, B}, {6, B}), 1, 6,
		CODE(PUSH, OP_enc_int4_reencrypt))), 0);
	for (i = 0; i < 6; i++) {
		static const int from[6] = {A, B, HERE, A, B, B};

		assert_int_equal(reply.cell[i].i, i + 1);
		assert_int_equal(key_at(i), from[i] == A ? tenant_key(t) : from[i] == B ? tenant_key(other)
										: ev->grant ? tenant_key(ev->grant->home)
											    : keyring_active(keys));
	}
}

/* After test_destroyed(): a keyring of its own, as large as there is one. */
static void test_thousand(void **state)
{
	struct policy *p = calloc(1, sizeof *p);
	char *text = malloc(TENANTS * TENANT_TEXT + 512), *at = text, name[16];
	uint8_t *bytes = malloc(KEYRING_BYTES_MAX);
	struct keyring *again;
	size_t len;
	unsigned t;

	end();
	keyring_destroy(keys);
	keys = keyring_create();
	at += sprintf(at, "%s[role db]\nallow = select\n[role all]\npeer = all\nmixed = allow\nallow = all\n", head);
	for (t = 1; t <= TENANTS; t++) {
		snprintf(name, sizeof name, "t%u", t);
		assert_int_equal(new_key(name), t + 1);
		at += sprintf(at, "[domain %s]\nkeys = %s\n[role for_%u]\npeer = %s\ndomain = %s\n", name,
			name, t, name, name);
		at += sprintf(at, "[role for_%u default]\nallow = all\n[role for_%u %s]\n"
			"allow = all encrypt decrypt\n", t, t, name);
	}
	assert_int_equal(policy_parse(p, text, strlen(text), &err), 0);
	assert_int_equal(policy_bind(p, keys, &err), 0);
	assert_int_equal(p->ndomains, KEYRING_DOMAINS);
	/* the key file's bytes have them all */
	len = keyring_encode(keys, bytes);
	assert_int_equal(keyring_version(keys), 4);
	assert_int_equal(keyring_decode(&again, 3, bytes, len), -EBADMSG);
	assert_int_equal(keyring_decode(&again, 4, bytes, len), 0);
	for (t = 1; t <= TENANTS; t++) {
		snprintf(name, sizeof name, "t%u", t);
		assert_int_equal(keyring_domain(again, name), t);
		assert_int_equal(keyring_active_in(again, t), tenant_key(t));
		assert_int_equal(policy_domain(policy_role(p, "db"), tenant_key(t), T_INT4), t);
	}
	keyring_destroy(again);
	begin();
	is_fenced(p, 1, TENANTS);
	is_fenced(p, TENANTS, 1);
	is_fenced(p, 15, 16);
	is_fenced(p, 64, 1);
	is_fenced(p, 257, 1);
	is_fenced(p, 1, 257);
	is_fenced(p, 768, 512);
	ev->grant = policy_role(p, "all");
	stays_apart(1, 1 + EVAL_SEALERS);
	stays_apart(1, 2);
	stays_apart(TENANTS, TENANTS - EVAL_SEALERS);
	for (t = 1; t <= 3 * EVAL_SEALERS; t++)
		stays_apart(t, TENANTS - t % 7);
	denied(into(request_of(IN({5, A}), 1, 1, CODE(PUSH)), "t7"), "to bring values in domain t7");
	ev->grant = NULL;
	stays_apart(3, 3 + 2 * EVAL_SEALERS);
	policy_free(p);
	free(text);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_results_stay),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_into),
		cmocka_unit_test(test_tenants),
		cmocka_unit_test(test_maintenance),
		cmocka_unit_test(test_verdicts_of_several),
		cmocka_unit_test(test_united),
		cmocka_unit_test(test_binding),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_destroyed),
		cmocka_unit_test(test_thousand),
	};

	return cmocka_run_group_tests(tests, setup_domains, teardown_domains);
}
