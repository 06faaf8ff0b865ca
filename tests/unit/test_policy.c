/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_policy.c - scope: common/policy.h, policy_check.c, opclass.h and the marks of computed
 * values: what a policy's text may say, hostile bytes in it; and what a role may do with which
 * values, asked through eval_run(). Files and signatures are test_policy_file.c.
 */
#include "ask.h"

#include "opclass.h"
#include "policy.h"

static const char head[] = "[policy]\nname = test\nversion = 3\n";

static struct policy *parsed(const char *rest, int want, const char *why)
{
	struct policy *p = calloc(1, sizeof *p);
	char text[4096];
	int rc;

	snprintf(text, sizeof text, "%s%s", head, rest);
	err.s[0] = 0;
	rc = policy_parse(p, text, strlen(text), &err);
	if (rc != want || (why && !strstr(err.s, why)))
		fail_msg("%s: %d \"%s\", not %d \"%s\"", rest, rc, err.s, want, why ? why : "");
	if (rc == 0)
		return p;
	policy_free(p);
	return NULL;
}

static struct policy *good(const char *rest)
{
	return parsed(rest, 0, NULL);
}

static bool allows(const struct policy *p, const char *role, unsigned domain, uint16_t code)
{
	return policy_rule(policy_role(p, role), domain)->op[code / 64] >> code % 64 & 1;
}

/* ---- classes ---- */

static void test_classes(void **state)
{
	static const struct {
		uint16_t code;
		enum op_class c;
	} known[] = {{OP_enc_int4_eq, CLASS_EQUALITY}, {OP_enc_text_ne, CLASS_EQUALITY},
		{OP_enc_int4_lt, CLASS_ORDER}, {OP_enc_date_cmp, CLASS_ORDER},
		{OP_enc_int4_int8_eq, CLASS_EQUALITY}, {OP_enc_text_like, CLASS_MATCH},
		{OP_enc_bool_is_true, CLASS_TRUTH}, {OP_enc_int4_hash64, CLASS_HASH},
		{OP_enc_int4_digest, CLASS_HASH}, {OP_enc_text_rank, CLASS_RANK},
		{OP_enc_int4_group, CLASS_GROUP}, {OP_enc_int4_is_null, CLASS_NULL},
		{OP_enc_int4_is_distinct, CLASS_EQUALITY}, {OP_enc_int4_nullif, CLASS_EQUALITY},
		{OP_enc_int4_count, CLASS_COUNT}, {OP_enc_int4_case, CLASS_SELECT},
		{OP_enc_int4_coalesce, CLASS_SELECT}, {OP_enc_int4_first, CLASS_SELECT},
		{OP_enc_int4_min_bulk, CLASS_SELECT}, {OP_enc_int4_max, CLASS_SELECT},
		{OP_enc_int4_to_int8, CLASS_CONVERT}, {OP_enc_int8_to_int4, CLASS_COMPUTE},
		{OP_enc_int4_div, CLASS_COMPUTE}, {OP_enc_int4_sum_bulk, CLASS_AGGREGATE},
		{OP_enc_bool_not, CLASS_COMPUTE}, {OP_enc_int4_decrypt, CLASS_DECRYPT},
		{OP_bool_and, CLASS_PUBLIC}, {OP_bool_case, CLASS_PUBLIC}};
	uint32_t code;
	size_t i;

	for (i = 0; i < sizeof known / sizeof known[0]; i++)
		if (opclass_of(optable_op(known[i].code)) != known[i].c)
			fail_msg("%s is %s", optable_op(known[i].code)->name,
				opclass_name(opclass_of(optable_op(known[i].code))));
	/* Whatever answers in clear has a class that says so; what gives a secret has none. */
	for (code = 0; code < OPTABLE_CODES; code++) {
		const struct op *op = optable_op(code);
		enum op_class c = op ? opclass_of(op) : CLASS_PUBLIC;

		/* nothing makes a secret of what is public: that would be encrypting */
		if (op && c == CLASS_PUBLIC && optable_is_secret(op->result))
			fail_msg("%s", op->name);
		if (c == CLASS_PUBLIC || c == CLASS_DECRYPT || code == optable_generic(op->args[0],
				GENERIC_NULLIF))
			continue;
		if (optable_is_secret(op->result) != (c >= CLASS_SELECT))
			fail_msg("%s is %s", op->name, opclass_name(c));
	}
	assert_int_equal(opclass_find("order"), CLASS_ORDER);
	assert_int_equal(opclass_find(""), OP_CLASSES);
	assert_int_equal(opclass_find("orders"), OP_CLASSES);
}

/* ---- text ---- */

static void test_settings(void **state)
{
	struct policy *p = good("[domain pay]\nkeys = 2, 7\ntypes = enc_int4\n[role db]\nallow = all\n"
				"deny = enc_int4_div\n[role db pay]\nallow = equality ; no more\n"
				"[role app]\nkey = "
				"00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF\n"
				"allow = all encrypt\n  decrypt\ncomputed = allow\nresults = kept\n"
				"rate.comparisons = 1000/min\npeer = a.b c\n[role web]\npeer = d\n");
	const struct policy_role *db = policy_role(p, "db"), *app = policy_role(p, "app");

	assert_int_equal(p->stamp.version, 3);
	assert_string_equal(p->name, "test");
	assert_true(db->defined && !db->computed && !db->mixed && !db->rated);
	assert_int_equal(db->results, RESULTS_MARKED);
	assert_true(allows(p, "db", 0, OP_enc_int4_add) && allows(p, "db", 0, OP_enc_int4_lt));
	assert_false(allows(p, "db", 0, OP_enc_int4_div));
	assert_false(allows(p, "db", 0, OP_enc_int4_decrypt) || db->rule.encrypt);
	assert_true(allows(p, "db", 1, OP_enc_int4_eq));
	assert_false(allows(p, "db", 1, OP_enc_int4_lt));
	assert_true(allows(p, "app", 0, OP_enc_int4_decrypt) && policy_rule(app, 1)->encrypt);
	assert_true(app->computed && app->rated && app->has_key);
	assert_int_equal(app->key[31], 0xff);
	assert_int_equal(app->rate[RELEASE_COMPARISONS].amount, 1000);
	assert_int_equal(app->rate[RELEASE_COMPARISONS].per_ms, 60000);
	assert_ptr_equal(policy_role_of_peer(p, "c"), app);
	assert_ptr_equal(policy_role_of_peer(p, "d"), policy_role(p, "web"));
	assert_null(policy_role_of_peer(p, "e"));
	/* Not named: denied everything. */
	assert_non_null(policy_role(p, "client"));
	assert_false(policy_role(p, "client")->defined);
	assert_int_equal(policy_domain(db, 2, T_INT4), 1);
	assert_int_equal(policy_domain(db, 7, T_INT4), 1);
	assert_int_equal(policy_domain(db, 2, T_TEXT), 0);
	assert_int_equal(policy_domain(db, 3, T_INT4), 0);
	assert_int_equal(policy_domain(NULL, 2, T_INT4), 0);
	policy_free(p);
}

static void test_wrong_text(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"[role db]\nallow = decrypt\n", "proved nothing"},
		{"[role db]\nallow = enc_int4_decrypt\n", "proved nothing"},
		{"[role db]\nallow = encrypt\n", "proved nothing"},
		{"[role db]\nallow = orders\n", "orders"},
		{"[role db]\nallow = bool_and\n", "bool_and"},
		{"[role db]\nallow = enc_int4_pluss\n", "enc_int4_pluss"},
		{"[role db]\nkey = 00\n", "not one public key"},
		{"[role db]\npeer = x\n", "neither key nor peer"},
		{"[role app]\nallow = all\n", "needs a key or a peer"},
		{"[role app]\npeer = x\n[role web]\npeer = x\n", "two roles"},
		{"[role a b c]\nallow = all\n", "not [role"},
		{"[role a b]\nallow = all\n", "no such domain"},
		{"[role a/b]\nallow = all\n", "not [role"},
		{"[role aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\npeer = x\n",
			"not [role"},
		{"[role db]\ncomputed = yes\n", "neither"},
		{"[role db]\nresults = none\n", "not marked"},
		{"[role db]\nrate.comparisons = 5\n", "a rate is like"},
		{"[role db]\nrate.comparisons = 0/s\n", "a rate is like"},
		{"[role db]\nrate.comparisons = -1/s\n", "a rate is like"},
		{"[role db]\nrate.comparisons = 99999999999999999999/s\n", "a rate is like"},
		{"[role db]\nrate.comparisons = 1/s\nrate.comparisons = 2/s\n", "a rate is like"},
		{"[role db]\nrate.things = 1/s\n", "counted"},
		{"[role db]\nfoo = 1\n", "unknown setting"},
		{"[domain d]\nkeys = 0\n", "not a key id"},
		{"[domain d]\nkeys = 65536\n", "not a key id"},
		{"[domain d]\ntypes = int4\n", "not an encrypted type"},
		{"[domain d]\nkeys = 1\n[domain e]\nkeys = 2\n[domain d]\nkeys = 3\n", "second domain"},
		{"[domain default]\nkeys = 1\n", "not a name"},
		{"[domain d]\nkeys = 1\n[role db d]\nresults = kept\n", "in a domain"},
		{"[policy]\nversion = 0\n", "bad value"},
		{"[policy]\nversion = 99999999999999999999\n", "bad value"},
		{"[policy]\nname = a b\n", "bad value"},
		{"[domain d]\nkeys = 1\n[role db]\nallow = all\n[role db d]\n", "[role db d]: no lines"},
		{"[domain d]\nkeys = 1\n[role db]\nallow = all\n[role db d]\n\n; allow = all\n # nor this\n"
		 "[role client]\nallow = all\n", "[role db d]: no lines"},
		{"[domain d]\n[role db]\nallow = all\n", "[domain d]: no lines"},
		{"[role db]\nallow = order\n  [role db d]\n", "[role"}, /* goes on with it */
		{"[something]\na = b\n", "not [policy]"},
		{"[role db\nallow = all\n", "allow"},
		{"allow all\n", "line"},
		{"[role db]\nallow = all\x01\n", "not plain text"},
		{"[role db]\nallow = \xc3\xa4\n", "not plain text"},
	};
	char text[512];
	struct policy *p = calloc(1, sizeof *p);
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		parsed(bad[i].text, -EINVAL, bad[i].why);
	assert_int_equal(policy_parse(p, "", 0, &err), -EINVAL);
	policy_fini(p);
	assert_int_equal(policy_parse(p, "[policy]\nname = x\n", 18, &err), -EINVAL);
	memset(text, 'a', sizeof text);
	policy_fini(p);
	assert_int_equal(policy_parse(p, text, sizeof text, &err), -EINVAL);
	assert_non_null(strstr(err.s, "line 1"));
	policy_free(p);
}

static void test_hostile_text(void **state)
{
	static const char sample[] =
		"[policy]\nname = x\nversion = 1\n[domain d]\nkeys = 1 2\n[role db]\nallow = all\n"
		"deny = order\nrate.errors = 5/s\n[role db d]\nallow = all\n[role app]\npeer = x y\n";
	uint64_t seed = 21;
	struct policy *p = calloc(1, sizeof *p);
	char text[sizeof sample];
	int i, k, fine = 0;

	for (i = 0; i < 20000; i++) {
		size_t len = sizeof sample - 1;

		memcpy(text, sample, len);
		for (k = (int)rig_below(&seed, 6); k >= 0; k--)
			text[rig_below(&seed, len)] = (char)(rig_below(&seed, 4) ? "[]=\n ;#0ad"[rig_below(&seed, 10)]
				: (char)rig_below(&seed, 256));
		if (rig_below(&seed, 2))
			len = rig_below(&seed, len);
		policy_fini(p);
		fine += policy_parse(p, text, len, &err) == 0;
		assert_true(p->nroles <= POLICY_ROLES + 2 && p->ndomains <= POLICY_DOMAINS &&
			p->nkeys <= POLICY_KEYS);
	}
	assert_true(fine > 100); /* not all of it was refused at the door */
	policy_free(p);
}

/* ---- asking ---- */

static uint64_t released[RELEASES];

static int count(void *ctx, const uint64_t rows[RELEASES], struct err_text *e)
{
	int i;

	for (i = 0; i < RELEASES; i++)
		released[i] += rows[i];
	return 0;
}

/* One result of the last request as it was sealed, to be an argument of the next one. */
static uint8_t sealed[64 * 1024];
static size_t sealed_each, sealed_rows;

static int run_raw(enum role role, const uint8_t *bytes, size_t len)
{
	int rc;

	err.s[0] = 0;
	rc = eval_run(ev, role, bytes, len, true, rig_room, &reply, &err);
	if (rc == 0 && reply.bytes[0] == REPLY_SECRET && optable_size(reply.bytes[1])) {
		memcpy(&sealed_rows, reply.bytes + 4, 4);
		sealed_rows = (uint32_t)sealed_rows;
		sealed_each = value_size(optable_size(reply.bytes[1]));
		memcpy(sealed, reply.bytes + PROGRAM_HEADER, sealed_rows * sealed_each);
	}
	if (rc == 0)
		assert_true(rig_reply_read(&reply, &mine->o));
	eval_done(ev);
	return rc;
}

static int ask(const struct policy_role *r, const struct rig_arg *arg, int nargs,
	const uint16_t *code, int ncode, uint32_t rows)
{
	size_t len = request(arg, nargs, code, ncode, rows);

	ev->grant = r;
	return run_raw(ROLE_DB, req, len);
}

static void denied_at(int line, int rc, const char *why)
{
	if (rc != -EACCES || !strstr(err.s, why))
		fail_msg("line %d: %d, \"%s\" and not \"%s\"", line, rc, err.s, why);
}

#define denied(rc, why) denied_at(__LINE__, rc, why)

#define TWO ARGS({CELLS(I(7), I(9)), T_INT4, 0}, {CELLS(I(7), I(2)), T_INT4, 0})

static void test_operations(void **state)
{
	struct policy *p = good("[role db]\nallow = equality compute\ndeny = enc_int4_mod\n");
	const struct policy_role *db = policy_role(p, "db");

	assert_int_equal(ask(db, TWO, CODE(PUSH, PUSH | 1, OP_enc_int4_eq), 2), 0);
	assert_true(reply.cell[0].i == 1 && reply.cell[1].i == 0);
	assert_int_equal(ask(db, TWO, CODE(PUSH, PUSH | 1, OP_enc_int4_add), 2), 0);
	denied(ask(db, TWO, CODE(PUSH, PUSH | 1, OP_enc_int4_mod), 2), "enc_int4_mod");
	denied(ask(db, TWO, CODE(PUSH, PUSH | 1, OP_enc_int4_lt), 2), "role db enc_int4_lt");
	denied(ask(policy_role(p, "client"), TWO, CODE(PUSH, PUSH | 1, OP_enc_int4_eq), 2),
		"everything");
	/* The answer does not depend on who asked before. */
	assert_int_equal(ask(db, TWO, CODE(PUSH, PUSH | 1, OP_enc_int4_eq), 2), 0);
	denied(ask(policy_role(p, "client"), TWO, CODE(PUSH, PUSH | 1, OP_enc_int4_eq), 2),
		"everything");
	/* Encrypting is a right of its own, and without a policy it was the credential's. */
	denied(ask(db, ARGS({CELLS(I(1)), T_INT4, ARG_CLEAR}), CODE(PUSH), 1), "encrypt");
	denied(ask(db, ARGS({CELLS(I(1)), T_INT4, 0}), CODE(PUSH, OP_enc_int4_decrypt), 1),
		"enc_int4_decrypt");
	policy_free(p);
}

/* Of three roles: who may look at nothing that was computed, who may, whose results are clean. */
static struct policy *three_roles(void)
{
	return good("[role db]\nallow = all\n[role app]\npeer = x\nallow = all\n"
		"computed = allow\nresults = kept\n[role fix]\npeer = y\nallow = all\n"
		"computed = allow\nresults = clean\n");
}

/* Two ones that `db` made of stored values, marked. */
static void mark_two(const struct policy_role *db, uint8_t stored[2 * 32])
{
	assert_int_equal(ask(db, TWO, CODE(PUSH, PUSH, OP_enc_int4_div), 2), 0);
	assert_true(sealed[0] & VALUE_COMPUTED && sealed[32] & VALUE_COMPUTED);
	memcpy(stored, sealed, 2 * 32);
}

/* The smuggle attack, program by program: HEDB's, and what else makes constants. */
static void test_computed(void **state)
{
	struct policy *p = three_roles();
	const struct policy_role *db = policy_role(p, "db");

	denied(ask(db, TWO, CODE(PUSH, PUSH | 1, PUSH | 1, OP_enc_int4_div, OP_enc_int4_eq), 2),
		"enc_int4_eq of a computed value");
	denied(ask(db, TWO, CODE(PUSH, PUSH | 1, OP_enc_int4_sub, OP_enc_int4_hash64), 2),
		"enc_int4_hash64 of a computed");
	denied(ask(db, TWO, CODE(PUSH, PUSH, OP_enc_int4_div, PUSH | 1, OP_enc_int4_div), 2),
		"enc_int4_div of a computed"); /* its error would tell */
	denied(ask(db, TWO, CODE(PUSH, PUSH, OP_enc_int4_div, PUSH | 1, OP_enc_int4_nullif), 2),
		"enc_int4_nullif of a computed");
	denied(ask(db, ARGS({CELLS(I(7), I(9)), T_INT4, 0}),
		CODE(PUSH, OP_enc_int4_sum_bulk, OP_enc_numeric_to_int4), 2), "of a computed");
	/* passed on, cast and chosen: still computed */
	denied(ask(db, TWO, CODE(PUSH, PUSH, OP_enc_int4_div, PUSH | 1, OP_enc_int4_coalesce,
		PUSH | 1, OP_enc_int4_eq), 2), "of a computed");
	denied(ask(db, TWO, CODE(PUSH, PUSH, OP_enc_int4_div, OP_enc_int4_to_int8,
		OP_enc_int8_hash64), 2), "of a computed");
	assert_int_equal(ask(db, TWO, CODE(PUSH, OP_enc_int4_to_int8, OP_enc_int8_hash64), 2), 0);
	policy_free(p);
}

/* The same in steps: the constant is stored, and comes back. */
static void test_computed_comes_back(void **state)
{
	struct policy *p = three_roles();
	const struct policy_role *db = policy_role(p, "db"), *app = policy_role(p, "app");
	uint8_t stored[2 * 32];
	size_t at, len;

	mark_two(db, stored);
	/* that the same program was allowed over values that were not computed says nothing */
	assert_int_equal(ask(db, TWO, CODE(PUSH, PUSH | 1, OP_enc_int4_eq), 2), 0);
	len = request(TWO, CODE(PUSH, PUSH | 1, OP_enc_int4_eq), 2);
	at = len - sizeof stored;
	memcpy(req + at, stored, sizeof stored);
	ev->grant = db;
	denied(run_raw(ROLE_DB, req, len), "of a computed");
	ev->grant = app; /* who may, may */
	assert_int_equal(run_raw(ROLE_DB, req, len), 0);
	assert_true(reply.cell[0].i == 0 && reply.cell[1].i == 0);
	ev->grant = db; /* and what he may is not remembered for others */
	denied(run_raw(ROLE_DB, req, len), "of a computed");
	/* the mark is authenticated */
	req[at] &= (uint8_t)~VALUE_COMPUTED;
	req[at + 32] &= (uint8_t)~VALUE_COMPUTED;
	assert_int_equal(run_raw(ROLE_DB, req, len), 0);
	assert_int_equal(reply.cell[0].state, ROW_FORGED);
	policy_free(p);
}

static void test_marks_spread(void **state)
{
	struct policy *p = three_roles();
	const struct policy_role *db = policy_role(p, "db"), *app = policy_role(p, "app");
	uint8_t stored[2 * 32];
	size_t len;

	mark_two(db, stored);
	ev->grant = db;
	/* one marked value in a column is enough, and the others keep no mark from it */
	len = request(TWO, CODE(PUSH, PUSH | 1, OP_enc_int4_coalesce), 2);
	memcpy(req + len - 32, stored, 32);
	assert_int_equal(run_raw(ROLE_DB, req, len), 0);
	assert_false(sealed[0] & VALUE_COMPUTED);
	assert_true(sealed[32] & VALUE_COMPUTED);
	/* an application's own results are as entered ones, but not what it makes of marked ones */
	assert_int_equal(ask(app, TWO, CODE(PUSH, PUSH | 1, OP_enc_int4_add), 2), 0);
	assert_false(sealed[0] & VALUE_COMPUTED);
	len = request(TWO, CODE(PUSH, PUSH | 1, OP_enc_int4_add), 2);
	memcpy(req + len - 32, stored, 32);
	assert_int_equal(run_raw(ROLE_DB, req, len), 0);
	assert_false(sealed[0] & VALUE_COMPUTED);
	assert_true(sealed[32] & VALUE_COMPUTED);
	/* the owner's way out */
	ev->grant = policy_role(p, "fix");
	assert_int_equal(run_raw(ROLE_DB, req, len), 0);
	assert_false(sealed[32] & VALUE_COMPUTED);
	/* without a policy nothing is denied, and marks are made all the same */
	ev->grant = NULL;
	assert_int_equal(run_raw(ROLE_DB, req, len), 0);
	assert_true(sealed[0] & VALUE_COMPUTED && sealed[32] & VALUE_COMPUTED);
	assert_int_equal(run_raw(ROLE_CLIENT, req, len), 0);
	assert_false(sealed[0] & VALUE_COMPUTED);
	policy_free(p);
}

/* By group, and behind a filter: columns that are opened late are looked at as well. */
static void test_late_columns(void **state)
{
	struct policy *p = good("[role db]\nallow = all\n");
	const struct policy_role *db = policy_role(p, "db");
	struct cell n[2] = {I(0), I(0)}, yes[2] = {I(1), I(1)};
	uint8_t stored[32];
	size_t len;

	assert_int_equal(ask(db, TWO, CODE(PUSH, PUSH, OP_enc_int4_div), 2), 0);
	memcpy(stored, sealed, sizeof stored);
	len = request(ARGS({n, T_PUB_INT4, 0}, {CELLS(I(7), I(9)), T_INT4, 0}),
		CODE(PUSH | 1, PUSH, PROGRAM_GROUPED | OP_enc_int4_min_bulk), 2);
	memcpy(req + len - 32, stored, 32);
	assert_int_equal(run_raw(ROLE_DB, req, len), 0);
	assert_int_equal(sealed_rows, 1);
	assert_true(sealed[0] & VALUE_COMPUTED);
	/* AND opens its right side only where it has to */
	len = request(ARGS({yes, T_PUB_BOOL, 0}, {CELLS(I(7), I(9)), T_INT4, 0},
				  {CELLS(I(7), I(9)), T_INT4, 0}),
		CODE(PUSH, PUSH | 1, PUSH | 2, OP_enc_int4_eq, OP_bool_and), 2);
	memcpy(req + len - 32, stored, 32);
	denied(run_raw(ROLE_DB, req, len), "of a computed");
	/* a filter's other results */
	len = request(ARGS({yes, T_PUB_BOOL, 0}, {CELLS(I(7), I(9)), T_INT4, 0}),
		CODE(PUSH, PUSH | 1, OP_enc_int4_hash64), 2);
	req[1] = PROGRAM_FILTERED | 1;
	memcpy(req + len - 32, stored, 32);
	denied(run_raw(ROLE_DB, req, len), "of a computed");
	policy_free(p);
}

static void test_domains(void **state)
{
	struct policy *p = good("[domain texts]\ntypes = enc_text\n[role db]\nallow = all\n"
				"computed = allow\n[role db texts]\nallow = equality\n"
				"[role app]\npeer = x\nallow = all\ncomputed = allow\n[role app texts]\n"
				"allow = all transfer\n");
	const struct policy_role *db = policy_role(p, "db"), *app = policy_role(p, "app");
	struct cell t[1] = {S("text")};
	char text[256];

	assert_int_equal(ask(db, ARGS({t, T_TEXT, 0}, {t, T_TEXT, 0}),
		CODE(PUSH, PUSH | 1, OP_enc_text_eq), 1), 0);
	denied(ask(db, ARGS({t, T_TEXT, 0}, {t, T_TEXT, 0}), CODE(PUSH, PUSH | 1, OP_enc_text_lt), 1),
		"enc_text_lt in domain texts");
	denied(ask(db, ARGS({t, T_TEXT, 0}), CODE(PUSH, OP_enc_text_length), 1),
		"enc_text_length in domain texts");
	/* a length is of another domain */
	assert_int_equal(ask(app, ARGS({t, T_TEXT, 0}), CODE(PUSH, OP_enc_text_length), 1), 0);
	/* each operation has one domain, or the role may mix them */
	denied(ask(app, ARGS({t, T_TEXT, 0}, {CELLS(I(2)), T_INT4, 0}),
		CODE(PUSH, PUSH | 1, OP_enc_text_substring_from), 1), "across domains");
	policy_free(p);
	/* by key: the rig's values are under key 1 */
	snprintf(text, sizeof text, "[domain mine]\nkeys = %u\n[domain others]\nkeys = 9\n"
		"[role db]\nallow = all\n[role db mine]\nallow = order\n", keyring_active(keys));
	p = good(text);
	db = policy_role(p, "db");
	assert_int_equal(ask(db, TWO, CODE(PUSH, PUSH | 1, OP_enc_int4_lt), 2), 0);
	denied(ask(db, TWO, CODE(PUSH, PUSH | 1, OP_enc_int4_eq), 2), "in domain mine");
	policy_free(p);
}

static void test_transfer(void **state)
{
	struct policy *p = good("[domain texts]\ntypes = enc_text\n[role db]\nallow = all\n");
	struct cell t[1] = {S("text")};

	denied(ask(policy_role(p, "db"), ARGS({t, T_TEXT, 0}), CODE(PUSH, OP_enc_text_length), 1),
		"a result outside of its domain");
	assert_int_equal(ask(policy_role(p, "db"), ARGS({t, T_TEXT, 0}), CODE(PUSH, OP_enc_text_lower), 1), 0);
	policy_free(p);
}

static void test_released(void **state)
{
	ev->releases = count;
	memset(released, 0, sizeof released);
	ask(NULL, TWO, CODE(PUSH, PUSH | 1, OP_enc_int4_eq), 2);
	assert_int_equal(released[RELEASE_COMPARISONS], 2);
	ask(NULL, TWO, CODE(PUSH, PUSH | 1, OP_enc_int4_lt, PUSH, PUSH | 1, OP_enc_int4_gt, OP_bool_and),
		2);
	assert_int_equal(released[RELEASE_COMPARISONS], 4); /* one answer a row */
	ask(NULL, TWO, CODE(PUSH, OP_enc_int4_rank), 2);
	assert_int_equal(released[RELEASE_RANKS], 2);
	ask(NULL, TWO, CODE(PUSH, OP_enc_int4_hash64), 2);
	assert_int_equal(released[RELEASE_HASHES], 2);
	/* groups: of each row the number of those that are equal to it, whatever comes of them */
	if (ask(NULL, ARGS({CELLS(I(0)), T_PUB_INT4, ARG_ONE}, {CELLS(I(7), I(9), I(7)), T_INT4, 0}),
			CODE(PUSH | 1, PUSH, PUSH | 1, OP_enc_int4_group, PROGRAM_GROUPED | OP_enc_int4_min_bulk), 3))
		fail_msg("%s", err.s);
	assert_int_equal(released[RELEASE_RANKS], 2 + 3);
	ask(NULL, TWO, CODE(PUSH, PUSH | 1, OP_enc_int4_add), 2); /* says nothing */
	assert_int_equal(released[RELEASE_COMPARISONS] + released[RELEASE_ERRORS], 4);
	ask(NULL, TWO, CODE(PUSH, PUSH | 1, PUSH | 1, OP_enc_int4_sub, OP_enc_int4_div), 2);
	assert_int_equal(released[RELEASE_ERRORS], 2); /* by zero */
	ask(NULL, ARGS({CELLS(I(1)), T_PUB_BOOL, 0}), CODE(PUSH, OP_bool_not), 1);
	assert_int_equal(released[RELEASE_COMPARISONS], 4); /* nothing secret in it */
	assert_int_equal(run(ROLE_CLIENT, req, request(ARGS({CELLS(I(1)), T_INT4, 0}),
		CODE(PUSH, OP_enc_int4_decrypt), 1)), 0);
	assert_int_equal(released[RELEASE_VALUES], 1);
	ev->releases = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_wrong_text),
		cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_computed),
		cmocka_unit_test(test_computed_comes_back),
		cmocka_unit_test(test_marks_spread),
		cmocka_unit_test(test_late_columns),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_transfer),
		cmocka_unit_test(test_released),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
