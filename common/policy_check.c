/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy.h"

#include <string.h>

#include "eval.h"

unsigned policy_domain(const struct policy_role *r, uint16_t key_id, uint8_t type)
{
	const struct policy *p = r ? r->policy : NULL;
	unsigned d, k, of_key = p && p->keys ? keyring_domain_of(p->keys, key_id) : 0;

	for (d = 1; p && d < p->ndomains; d++) {
		const struct policy_domain *of = &p->domain[d];

		if (of->types && !(of->types >> type & 1))
			continue;
		if ((!of->nkeys && !of->nnamed) || of->named >> of_key & 1)
			return d;
		for (k = 0; k < of->nkeys; k++)
			if (p->key[of->first + k] == key_id)
				return d;
	}
	return 0;
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
static uint16_t domains_of(const struct policy_seen *seen, uint64_t args)
{
	uint16_t all = 0;

	for (; args; args &= args - 1)
		all |= seen->domain[__builtin_ctzll(args)];
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
	uint16_t domains = domains_of(q->seen, f->direct | f->made), d;
	char what[96];

	snprintf(what, sizeof what, "%s", op->name);
	/* none: its arguments have not been opened yet, or have no values */
	for (d = domains; d; d &= (uint16_t)(d - 1)) {
		unsigned i = (unsigned)__builtin_ctz(d);

		if (!(q->role->rule[i].op[op->code / 64] >> op->code % 64 & 1))
			return deny(q, what, i);
	}
	if (domains & (domains - 1) && !q->role->mixed && !apart(op)) {
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
		if (!q->role->rule[d].encrypt)
			return deny(q, "encrypt", d);
	}
	return 0;
}

/* The domain of keys of these arguments' values. */
static uint8_t keys_of(const struct policy_seen *seen, uint64_t args)
{
	uint8_t d = 0;

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
	uint8_t d = keys_of(q->seen, from);

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
	uint16_t from, key_id;
	unsigned to;
	int i;

	for (i = 0; i < p->nresults; i++) {
		if (!optable_is_secret(p->result[i].type) || p->result[i].reveal)
			continue;
		key_id = key_of_result(q, i);
		if (!key_id)
			continue;
		to = policy_domain(q->role, key_id, p->result[i].type);
		if (q->seen->into && to && !q->role->rule[to].transfer && !is_home(q))
			return deny(q, "to bring values", to);
		from = domains_of(q->seen, p->result[i].from);
		from &= (uint16_t)~(1u | 1u << to);
		for (; from; from &= (uint16_t)(from - 1)) {
			unsigned d = (unsigned)__builtin_ctz(from);

			if (!q->role->rule[d].transfer)
				return deny(q, "a result outside of its domain", d);
		}
	}
	return 0;
}

/* Do results go to the same domains of keys? */
static bool same_keys(const struct policy_seen *a, const struct policy_seen *b, int nargs)
{
	return a->key_id == b->key_id && a->into == b->into &&
		memcmp(a->keys, b->keys, (size_t)nargs) == 0;
}

/* Has all of that been allowed before? */
static bool known(const struct verdict *v, const struct policy_role *r, int nargs,
	const struct policy_seen *seen)
{
	uint16_t more = 0;
	int i;

	if (v->role != r->id || !same_keys(&v->seen, seen, nargs) ||
		seen->computed & ~v->seen.computed)
		return false;
	for (i = 0; i < nargs; i++)
		more |= seen->domain[i] & (uint16_t)~v->seen.domain[i];
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
		if (v->seen.domain[i] & ~seen->domain[i])
			same = false;
	if (v->role != r->id || same || !same_keys(&v->seen, seen, p->nargs))
		*v = (struct verdict){r->id, *seen};
	return 0;
}
