/* SPDX-License-Identifier: BSD-3-Clause */
#include "account.h"

#include <string.h>

static uint64_t get(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void set(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

void account_role(struct account *a, const char *role)
{
	uint64_t words[ACCOUNT_NAME / 8] = {0};
	unsigned i;

	_Static_assert((int)POLICY_NAME < ACCOUNT_NAME, "a role's name fits");
	memcpy(words, role, strnlen(role, ACCOUNT_NAME - 1));
	for (i = 0; i < ACCOUNT_NAME / 8; i++)
		set(&a->role[i], words[i]);
}

void account_clear(struct account *a)
{
	int i;

	for (i = 0; i < RELEASES; i++)
		set(&a->rows[i], 0);
	set(&a->denied, 0);
	account_role(a, "");
}

static bool same_rate(const struct policy_rate *a, const struct policy_rate *b)
{
	return a->amount == b->amount && a->per_ms == b->per_ms;
}

static struct account_purse *find_purse(struct account_purse purse[ACCOUNT_ROLES], const char *role)
{
	int i;

	for (i = 0; i < ACCOUNT_ROLES - 1; i++)
		if (!purse[i].role[0] || strcmp(purse[i].role, role) == 0)
			break;
	return &purse[i];
}

struct account_bucket *account_fill(struct account_purse purse[ACCOUNT_ROLES],
	const struct policy_role *r, uint64_t now_ms)
{
	struct account_purse *mine = r ? find_purse(purse, r->name) : purse;
	int i;

	for (i = 0; r && i < RELEASES; i++) {
		const struct policy_rate *rate = &r->rate[i];
		struct account_bucket *b = &mine->bucket[i];

		if (!rate->amount)
			continue;
		if (!b->of.amount || (b->version != r->policy->stamp.version && !same_rate(&b->of, rate)))
			*b = (struct account_bucket){.left = rate->amount, .at_ms = now_ms};
		else if (b->left > rate->amount)
			b->left = rate->amount;
		b->of = *rate;
		b->version = r->policy->stamp.version;
	}
	if (r)
		strcpy(mine->role, r->name);
	return mine->bucket;
}

/* What has flown in since. An hour's amount is below 2^40, and so is a day's time in ms
 * below 2^27: the product fits. */
static void refill(struct account_bucket *b, const struct policy_rate *rate, uint64_t now_ms)
{
	uint64_t passed = now_ms - b->at_ms, more;

	if (passed > rate->per_ms || now_ms < b->at_ms) {
		b->left = rate->amount;
		b->at_ms = now_ms;
		return;
	}
	more = rate->amount * passed / rate->per_ms;
	b->left = b->left + more > rate->amount ? rate->amount : b->left + more;
	/* Only the time that it took, rounded up: what is begun adds up, and never to more. */
	b->at_ms += (more * rate->per_ms + rate->amount - 1) / rate->amount;
}

int account_release(struct account *a, struct account_bucket buckets[RELEASES],
	const struct policy_role *r, const uint64_t rows[RELEASES], uint64_t now_ms,
	struct err_text *e)
{
	int i;

	for (i = 0; r && i < RELEASES; i++) {
		if (!r->rate[i].amount || !rows[i])
			continue;
		refill(&buckets[i], &r->rate[i], now_ms);
		if (rows[i] <= buckets[i].left)
			continue;
		err_set(e, "policy \"%s\" allows role %s %llu %s in %llu ms, and no more now",
			r->policy->name, r->name, (unsigned long long)r->rate[i].amount,
			release_names[i], (unsigned long long)r->rate[i].per_ms);
		return -EACCES;
	}
	for (i = 0; i < RELEASES; i++) {
		if (r && r->rate[i].amount)
			buckets[i].left -= rows[i];
		if (rows[i])
			set(&a->rows[i], a->rows[i] + rows[i]);
	}
	return 0;
}

void account_denied(struct account *a)
{
	set(&a->denied, a->denied + 1);
}

uint64_t account_denials(const struct account *a)
{
	return get(&a->denied);
}

void account_add(struct account *sum, const struct account *a)
{
	int i;

	for (i = 0; i < RELEASES; i++)
		__atomic_fetch_add(&sum->rows[i], get(&a->rows[i]), __ATOMIC_RELAXED);
	__atomic_fetch_add(&sum->denied, get(&a->denied), __ATOMIC_RELAXED);
}

void account_name(const struct account *a, char name[ACCOUNT_NAME + 1])
{
	unsigned i;

	for (i = 0; i < ACCOUNT_NAME / 8; i++) {
		uint64_t w = get(&a->role[i]);

		memcpy(name + 8 * i, &w, 8);
	}
	name[ACCOUNT_NAME] = 0;
}

void account_print(const struct account *a, FILE *to)
{
	char name[ACCOUNT_NAME + 1];
	int i;

	account_name(a, name);
	fprintf(to, " role %s", name[0] ? name : "-");
	for (i = 0; i < RELEASES; i++)
		fprintf(to, " %s %llu", release_names[i], (unsigned long long)get(&a->rows[i]));
	fprintf(to, " denied %llu", (unsigned long long)get(&a->denied));
}

void account_print_lines(const struct account *a, FILE *to)
{
	char name[ACCOUNT_NAME + 1];
	int i;

	account_name(a, name);
	if (name[0])
		fprintf(to, "role %s\n", name);
	for (i = 0; i < RELEASES; i++)
		fprintf(to, "released_%s %llu\n", release_names[i],
			(unsigned long long)get(&a->rows[i]));
	fprintf(to, "denied %llu\n", (unsigned long long)get(&a->denied));
}

char *account_text(const struct account *a)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	account_print_lines(a, f);
	fclose(f);
	return text;
}
