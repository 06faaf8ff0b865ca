/* SPDX-License-Identifier: BSD-3-Clause */
#include "enc_label.h"

#include "enc.h"

#define LABEL_MAX ((UINT64_C(1) << LABEL_BITS) - 1)

const char label_no_room[] = "ERR there is no room for another member";

uint64_t label_between(uint64_t left, uint64_t right, uint32_t i, uint32_t k)
{
	uint64_t all = (uint64_t)k * LABEL_STEP, step;

	if (!left && !right)
		return (LABEL_MAX + 1) / 2 + (uint64_t)i * LABEL_STEP;
	if (!right && left < LABEL_MAX - all)
		return left + (uint64_t)(i + 1) * LABEL_STEP;
	if (!left && right > all)
		return right - (uint64_t)(k - i) * LABEL_STEP;
	if (!right)
		right = LABEL_MAX + 1;
	step = (right - left) / (k + 1);
	return step ? left + step * (i + 1) : 0; /* step * k < right - left */
}

/* Elements, two of each entry. */
static long long count(RedisModuleCtx *ctx, RedisModuleString *key, uint64_t from, uint64_t to)
{
	RedisModuleCallReply *r = RedisModule_Call(
		ctx, "ZCOUNT", "Esll", key, (long long)from, (long long)to);
	long long n = r ? RedisModule_CallReplyInteger(r) : -1;

	if (r)
		RedisModule_FreeCallReply(r);
	return n;
}

/* The entries of `size` labels from `base` on, evenly over them. */
static bool spread(RedisModuleCtx *ctx, struct enc_op *op, RedisModuleString *key,
	uint64_t base, uint64_t size)
{
	RedisModuleCallReply *r = RedisModule_Call(ctx, "ZRANGE", "Esllc", key, (long long)base,
		(long long)(base + size - 1), "BYSCORE");
	size_t i, n = r ? RedisModule_CallReplyLength(r) : 0;
	RedisModuleString **argv = RedisModule_Alloc((2 * n + 1) * sizeof *argv);
	bool good;

	for (i = 0; i < n; i++) {
		/* i / 2 + 1 <= n / 2 < size: the quotient is taken first, for the product may
		 * have more than 64 bits */
		uint64_t label = base + size / (n / 2 + 1) * (i / 2 + 1);

		argv[2 * i] = RedisModule_CreateStringFromLongLong(NULL, (long long)label);
		argv[2 * i + 1] =
			RedisModule_CreateStringFromCallReply(RedisModule_CallReplyArrayElement(r, i));
	}
	good = enc_wrote(op, RedisModule_Call(ctx, "ZADD", enc_format("sv"), key, argv, 2 * n));
	for (i = 0; i < 2 * n; i++)
		RedisModule_FreeString(NULL, argv[i]);
	RedisModule_Free(argv);
	if (r)
		RedisModule_FreeCallReply(r);
	return good;
}

bool label_spread(RedisModuleCtx *ctx, struct enc_op *op, RedisModuleString *key,
	uint64_t near, uint32_t k)
{
	const double thinner = 2 / 1.3;
	double most = 1;
	int i;

	for (i = 1; i <= LABEL_BITS; i++) {
		uint64_t size = UINT64_C(1) << i, base = near & ~(size - 1);
		long long n = count(ctx, key, base, base + size - 1) / 2;

		most *= thinner;
		/* Room for k behind each of them, and before the first, and some more. */
		if (n > 0 && (double)n < most && ((uint64_t)n + 1) * (k + 3) <= size)
			return spread(ctx, op, key, base, size);
	}
	enc_fail(op, "%s", label_no_room);
	return false;
}
