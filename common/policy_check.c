/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy.h"

#include <string.h>

unsigned policy_domain(const struct policy_role *r, uint16_t key_id, uint8_t type)
{
	const struct policy *p = r ? r->policy : NULL;
	unsigned d, k;

	for (d = 1; p && d < p->ndomains; d++) {
		const struct policy_domain *of = &p->domain[d];

		if (of->types && !(of->types >> type & 1))
			continue;
		if (!of->nkeys)
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
	if (domains & (domains - 1) && !q->role->mixed) {
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

/* Where the results go to. */
static int check_results(const struct question *q)
{
	const struct program *p = q->program;
	uint16_t from;
	int i;

	for (i = 0; i < p->nresults; i++) {
		if (!optable_is_secret(p->result[i].type) || p->result[i].reveal)
			continue;
		from = domains_of(q->seen, p->result[i].from);
		from &= (uint16_t)~(
			1u | 1u << policy_domain(q->role, q->seen->key_id, p->result[i].type));
		for (; from; from &= (uint16_t)(from - 1)) {
			unsigned d = (unsigned)__builtin_ctz(from);

			if (!q->role->rule[d].transfer)
				return deny(q, "a result outside of its domain", d);
		}
	}
	return 0;
}

/* Has all of that been allowed before? */
static bool known(const struct verdict *v, const struct policy_role *r, int nargs,
	const struct policy_seen *seen)
{
	uint16_t more = 0;
	int i;

	if (v->role != r->id || v->seen.key_id != seen->key_id ||
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
	bool same = v->role == r->id && v->seen.key_id == seen->key_id &&
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
	if (v->role != r->id || same || v->seen.key_id != seen->key_id)
		*v = (struct verdict){r->id, *seen};
	return 0;
}
