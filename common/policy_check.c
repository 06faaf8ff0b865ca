/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy.h"

#include <string.h>

#include "eval.h"

/* Does it have values that are under that key, of that domain of keys? */
static bool has_key(const struct policy *p, const struct policy_domain *of, uint16_t key_id,
	unsigned of_key)
{
	unsigned k;

	if (!of->nkeys && !of->nnamed)
		return true;
	for (k = 0; of_key && k < of->nnamed; k++)
		if (p->named[of->first_named + k].keys == of_key)
			return true;
	for (k = 0; k < of->nkeys; k++)
		if (p->key[of->first + k] == key_id)
			return true;
	return false;
}

unsigned policy_domain(const struct policy_role *r, uint16_t key_id, uint8_t type)
{
	const struct policy *p = r ? r->policy : NULL;
	unsigned of_key = p && p->keys ? keyring_domain_of(p->keys, key_id) : 0, d;

	for (d = p && p->keys ? p->start[of_key] : 1; p && d < p->ndomains; d++) {
		const struct policy_domain *of = &p->domain[d];

		if ((!of->types || of->types >> type & 1) && has_key(p, of, key_id, of_key))
			return d;
	}
	return 0;
}

const struct policy_rule *policy_rule(const struct policy_role *r, unsigned domain)
{
	const struct policy_special *s = r->nspecial ? r->policy->special + r->first : NULL;
	unsigned lo = 0, hi = r->nspecial;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (s[mid].domain == domain)
			return &s[mid].rule;
		if (s[mid].domain < domain)
			lo = mid + 1;
		else
			hi = mid;
	}
	return &r->rule;
}

/* ---- domains of values ---- */

static void set_bit(struct policy_set *set, unsigned domain)
{
	set->bit[domain / 64] |= UINT64_C(1) << domain % 64;
}

void policy_set_add(uint16_t *to, struct policy_set *set, unsigned domain)
{
	if (*to == domain)
		return;
	if (*to == POLICY_NONE) {
		*to = (uint16_t)domain;
		return;
	}
	if (*to != POLICY_MANY) {
		memset(set, 0, sizeof *set);
		set_bit(set, *to);
		*to = POLICY_MANY;
	}
	set_bit(set, domain);
}

/* The first one from `from` on, or -1. */
static int set_next(uint16_t of, const struct policy_set *set, unsigned from)
{
	unsigned w = from / 64, words = sizeof set->bit / sizeof set->bit[0];
	uint64_t bits;

	if (of != POLICY_MANY)
		return of != POLICY_NONE && of >= from ? of : -1;
	if (w >= words)
		return -1;
	bits = set->bit[w] & ~UINT64_C(0) << from % 64;
	while (!bits && ++w < words)
		bits = set->bit[w];
	return bits ? (int)(w * 64 + (unsigned)__builtin_ctzll(bits)) : -1;
}

/* A question under way. */
struct question {
	const struct policy_role *role;
	const struct program *program;
	const struct policy_seen *seen;
	struct err_text *e;
};

static int deny(const struct question *q, const char *what, unsigned domain)
{
	const struct policy *p = q->role->policy;

	if (domain)
		err_set(q->e, "policy \"%s\" denies role %s %s in domain %s", p->name,
			q->role->name, what, p->domain[domain].name);
	else
		err_set(q->e, "policy \"%s\" denies role %s %s", p->name, q->role->name, what);
	return -EACCES;
}

/* The domains of all arguments in the set. */
static uint16_t domains_of(
	const struct policy_seen *seen, uint64_t args, struct policy_set *set)
{
	uint16_t all = POLICY_NONE;
	int d;

	for (; args; args &= args - 1) {
		int i = __builtin_ctzll(args);

		for (d = set_next(seen->domain[i], &seen->set[i], 0); d >= 0;
			d = set_next(seen->domain[i], &seen->set[i], (unsigned)d + 1))
			policy_set_add(&all, set, (unsigned)d);
	}
	return all;
}

/* Does it look at each value by itself, and say nothing of it? Then values of several domains do
 * not meet in it. */
static bool apart(const struct op *op)
{
	return op->nargs == 1 && !(op->flags & (OP_WHOLE | OP_REDUCE)) && optable_is_secret(op->result);
}

static int check_op(const struct question *q, int at)
{
	const struct op *op = q->program->code[at].op;
	const struct program_flow *f = &q->program->flow[at];
	struct policy_set set;
	uint16_t domains = domains_of(q->seen, f->direct | f->made, &set);
	char what[96];
	int d;

	snprintf(what, sizeof what, "%s", op->name);
	/* none: its arguments have not been opened yet, or have no values */
	for (d = set_next(domains, &set, 0); d >= 0;
		d = set_next(domains, &set, (unsigned)d + 1))
		if (!(policy_rule(q->role, (unsigned)d)->op[op->code / 64] >> op->code % 64 & 1))
			return deny(q, what, (unsigned)d);
	if (domains == POLICY_MANY && !q->role->mixed && !apart(op)) {
		snprintf(what, sizeof what, "%s across domains", op->name);
		return deny(q, what, 0);
	}
	if (q->role->computed || opclass_blind(op))
		return 0;
	if (f->made || f->direct & q->seen->computed) {
		snprintf(what, sizeof what, "%s of a computed value", op->name);
		return deny(q, what, 0);
	}
	return 0;
}

static int check_encrypt(const struct question *q)
{
	const struct program *p = q->program;
	int i;

	for (i = 0; i < p->nargs; i++) {
		unsigned d;

		if (!(p->arg[i].flags & ARG_CLEAR) || !optable_is_secret(p->arg[i].type))
			continue;
		d = policy_domain(q->role, q->seen->key_id, p->arg[i].type);
		if (!policy_rule(q->role, d)->encrypt)
			return deny(q, "encrypt", d);
	}
	return 0;
}

/* The domain of keys of these arguments' values. */
static uint16_t keys_of(const struct policy_seen *seen, uint64_t args)
{
	uint16_t d = 0;

	for (; args; args &= args - 1)
		d = domain_join(d, seen->keys[__builtin_ctzll(args)]);
	return d;
}

/* Does something in the program see more than one row at a time? */
static bool sees_rows(const struct program *p)
{
	int i;

	for (i = 0; i < p->ncode; i++)
		if (p->code[i].op && p->code[i].op->flags & (OP_WHOLE | OP_REDUCE))
			return true;
	return false;
}

/* The key that a result goes under; 0: each of its values stays where it is. */
static uint16_t key_of_result(const struct question *q, int i)
{
	uint64_t from = q->program->result[i].from;
	uint16_t d = keys_of(q->seen, from);

	if (q->seen->into || d == 0 || !q->role->policy->keys)
		return q->seen->key_id;
	if (d != DOMAINS_SEVERAL)
		return keyring_active_in(q->role->policy->keys, d);
	/* Of one column, row by row: no two values have met. */
	if (!(from & (from - 1)) && !sees_rows(q->program) &&
		q->program->arg[__builtin_ctzll(from)].type == q->program->result[i].type)
		return 0;
	return q->seen->key_id;
}

/* Is the domain that the request names that of the session? */
static bool is_home(const struct question *q)
{
	const struct policy_role *r = q->role;

	return r->home && r->home == keyring_domain_of(r->policy->keys, q->seen->key_id);
}

/* Where the results go to. */
static int check_results(const struct question *q)
{
	const struct program *p = q->program;
	struct policy_set set;
	uint16_t from, key_id;
	unsigned to;
	int i, d;

	for (i = 0; i < p->nresults; i++) {
		if (!optable_is_secret(p->result[i].type) || p->result[i].reveal)
			continue;
		key_id = key_of_result(q, i);
		if (!key_id)
			continue;
		to = policy_domain(q->role, key_id, p->result[i].type);
		if (q->seen->into && to && !policy_rule(q->role, to)->transfer && !is_home(q))
			return deny(q, "to bring values", to);
		from = domains_of(q->seen, p->result[i].from, &set);
		for (d = set_next(from, &set, 1); d >= 0;
			d = set_next(from, &set, (unsigned)d + 1))
			if ((unsigned)d != to && !policy_rule(q->role, (unsigned)d)->transfer)
				return deny(q, "a result outside of its domain", (unsigned)d);
	}
	return 0;
}

/* Do results go to the same domains of keys? */
static bool same_keys(const struct policy_seen *a, const struct policy_seen *b, int nargs)
{
	return a->key_id == b->key_id && a->into == b->into &&
		memcmp(a->keys, b->keys, (size_t)nargs * sizeof a->keys[0]) == 0;
}

/* Has all of that been allowed before? */
static bool known(const struct verdict *v, const struct policy_role *r, int nargs,
	const struct policy_seen *seen)
{
	bool more = false;
	int i;

	if (v->role != r->id || !same_keys(&v->seen, seen, nargs) ||
		seen->computed & ~v->seen.computed)
		return false;
	for (i = 0; i < nargs; i++)
		more |= seen->domain[i] != POLICY_NONE && seen->domain[i] != v->seen.domain[i];
	return !more;
}

int policy_check(const struct policy_role *r, const struct program *p,
	const struct policy_seen *seen, struct verdict *v, struct err_text *e)
{
	struct question q = {r, p, seen, e};
	bool same = v->role == r->id && same_keys(&v->seen, seen, p->nargs) &&
		!(v->seen.computed & ~seen->computed);
	int i, rc;

	if (known(v, r, p->nargs, seen))
		return 0;
	if (!r->defined)
		return deny(&q, "everything", 0);
	rc = check_encrypt(&q);
	for (i = 0; i < p->ncode && !rc; i++)
		if (p->flow[i].direct | p->flow[i].made)
			rc = check_op(&q, i);
	if (!rc)
		rc = check_results(&q);
	if (rc)
		return rc;
	/* What was allowed apart need not be allowed together (mixed domains), so only a set
	 * that holds the one before takes its place. */
	for (i = 0; i < p->nargs && same; i++)
		same = v->seen.domain[i] == POLICY_NONE || v->seen.domain[i] == seen->domain[i];
	for (i = 0; i < p->nargs; i++)
		if (seen->domain[i] == POLICY_MANY)
			return 0; /* its set is the caller's, and would have to be kept */
	if (v->role != r->id || same || !same_keys(&v->seen, seen, p->nargs))
		*v = (struct verdict){r->id, *seen};
	return 0;
}
