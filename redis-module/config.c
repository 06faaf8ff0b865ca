/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "greet.h"
#include "region.h"
#include "trust.h"

enum { UNSET = -1 };

struct config config;

/* Redis copies what it gets and does not free it, so there is one of each to be kept. */
static struct path {
	char *at;
	RedisModuleString *shown;
} paths[] = {{config.path, NULL}, {config.zone_path, NULL}, {config.cert, NULL},
	{config.key, NULL}, {config.ca, NULL}, {config.crl, NULL}, {config.psk, NULL},
	{config.sec_mgr, NULL}, {config.sec_pool, NULL}};

enum { PATHS = sizeof paths / sizeof paths[0] };

static void forget(struct path *p)
{
	if (p->shown)
		RedisModule_FreeString(NULL, p->shown);
	p->shown = NULL;
}

static RedisModuleString *get_path(const char *name, void *path)
{
	struct path *p = path;

	forget(p);
	p->shown = RedisModule_CreateString(NULL, p->at, strlen(p->at));
	return p->shown;
}

void config_free(void)
{
	int i;

	for (i = 0; i < PATHS; i++)
		forget(&paths[i]);
}

static int set_path(const char *name, RedisModuleString *v, void *path,
	RedisModuleString **err)
{
	const struct path *p = path;
	size_t len;
	const char *s = RedisModule_StringPtrLen(v, &len);

	if (len >= sizeof config.path) {
		*err = RedisModule_CreateStringPrintf(
			NULL, "a path has at most %zu bytes", sizeof config.path - 1);
		return REDISMODULE_ERR;
	}
	memcpy(p->at, s, len + 1);
	return REDISMODULE_OK;
}

static long long get_number(const char *name, void *at)
{
	return *(long long *)at;
}

static int set_number(const char *name, long long v, void *at, RedisModuleString **err)
{
	*(long long *)at = v;
	return REDISMODULE_OK;
}

static int get_bool(const char *name, void *at)
{
	return *(int *)at;
}

static int set_bool(const char *name, int v, void *at, RedisModuleString **err)
{
	*(int *)at = v;
	return REDISMODULE_OK;
}

static const struct number {
	const char *name;
	const char *env;
	long long *at;
	long long value; /* UNSET: argument, environment, then `fallback` */
	long long fallback;
	long long min, max;
	unsigned flags;
} numbers[] = {
	{"offset", "CXL_RING_OFFSET", &config.offset, UNSET, 0, UNSET, 1ll << 52,
		REDISMODULE_CONFIG_IMMUTABLE},
	{"map-size", "CXL_RING_MAP_SIZE", &config.map_size, UNSET, 0, UNSET, 1ll << 46,
		REDISMODULE_CONFIG_IMMUTABLE},
	{"channels", "CXL_RING_COUNT", &config.channels, UNSET, 0, UNSET,
		SERVICE_CHANNELS_MAX, REDISMODULE_CONFIG_IMMUTABLE},
	{"ring-size", "CXL_RING_SIZE", &config.ring_size, UNSET, 0, UNSET, 1 << 30,
		REDISMODULE_CONFIG_IMMUTABLE},
	{"delay-ns", "CXL_SHM_DELAY_NS", &config.delay_ns, UNSET, 0, UNSET, 1000000,
		REDISMODULE_CONFIG_IMMUTABLE},
	{"budget-us", NULL, &config.budget_us, 100, 100, 1, 10000,
		REDISMODULE_CONFIG_DEFAULT},
	{"budget-commands", NULL, &config.budget_commands, 1024, 1024, 1, 1000000,
		REDISMODULE_CONFIG_DEFAULT},
	{"spin-us", NULL, &config.spin_us, 50, 50, 0, 100000, REDISMODULE_CONFIG_DEFAULT},
	{"zone-offset", NULL, &config.zone_offset, 0, 0, 0, 1ll << 52,
		REDISMODULE_CONFIG_MEMORY},
	{"zone-map-size", NULL, &config.zone_map_size, 0, 0, 0, 1ll << 46,
		REDISMODULE_CONFIG_MEMORY},
	{"zone-timeout-ms", NULL, &config.zone_timeout_ms, 2000, 2000, 1, 3600000,
		REDISMODULE_CONFIG_DEFAULT},
};

enum { NUMBERS = sizeof numbers / sizeof numbers[0] };

static int get_enum(const char *name, void *at)
{
	return *(int *)at;
}

static int set_enum(const char *name, int v, void *at, RedisModuleString **err)
{
	*(int *)at = v;
	return REDISMODULE_OK;
}

/* One CONFIG SET may change several of these: all of them are there now. */
static int apply_secure(RedisModuleCtx *ctx, void *unused, RedisModuleString **err)
{
	struct err_text e = {""};

	if (greet_configure(&e) == 0)
		return REDISMODULE_OK;
	*err = RedisModule_CreateStringPrintf(NULL, "%s", e.s);
	return REDISMODULE_ERR;
}

static int register_secure(RedisModuleCtx *ctx)
{
	static const char *const files[] = {"cert-file", "key-file", "ca-file", "crl-file", "psk-file"};
	const char *modes[] = {"plain", "sealed", "required"};
	const int values[] = {TRUST_PLAIN, TRUST_SEALED, TRUST_REQUIRED};
	int i, bad = RedisModule_RegisterEnumConfig(ctx, "secure", TRUST_PLAIN,
		REDISMODULE_CONFIG_DEFAULT, modes, values, 3, get_enum, set_enum, apply_secure,
		&config.secure);

	for (i = 0; i < 5; i++)
		bad |= RedisModule_RegisterStringConfig(ctx, files[i], "", REDISMODULE_CONFIG_DEFAULT,
			get_path, set_path, apply_secure, &paths[2 + i]);
	bad |= RedisModule_RegisterStringConfig(ctx, "sec-mgr", "", REDISMODULE_CONFIG_IMMUTABLE,
		get_path, set_path, NULL, &paths[7]);
	bad |= RedisModule_RegisterStringConfig(ctx, "sec-pool", "", REDISMODULE_CONFIG_IMMUTABLE,
		get_path, set_path, NULL, &paths[8]);
	return bad | RedisModule_RegisterBoolConfig(ctx, "zone-secure", 0, REDISMODULE_CONFIG_DEFAULT,
				   get_bool, set_bool, apply_secure, &config.zone_secure);
}

static int register_all(RedisModuleCtx *ctx)
{
	int i, bad = register_secure(ctx);

	bad |= RedisModule_RegisterStringConfig(ctx, "path", "", REDISMODULE_CONFIG_IMMUTABLE,
		get_path, set_path, NULL, &paths[0]);
	bad |= RedisModule_RegisterStringConfig(ctx, "zone-path", "",
		REDISMODULE_CONFIG_DEFAULT, get_path, set_path, NULL, &paths[1]);
	for (i = 0; i < NUMBERS; i++)
		bad |= RedisModule_RegisterNumericConfig(ctx, numbers[i].name, numbers[i].value,
			numbers[i].flags | REDISMODULE_CONFIG_MEMORY * (numbers[i].min == UNSET),
			numbers[i].min, numbers[i].max, get_number, set_number, NULL,
			numbers[i].at);
	bad |= RedisModule_RegisterBoolConfig(ctx, "fast-path", 1, REDISMODULE_CONFIG_DEFAULT,
		get_bool, set_bool, NULL, &config.fast_path);
	bad |= RedisModule_RegisterBoolConfig(ctx, "prefetch", 1, REDISMODULE_CONFIG_DEFAULT,
		get_bool, set_bool, NULL, &config.prefetch);
	return bad ? -EINVAL : 0;
}

/* "16M", "4096" or "0", of the argument or variable `name`. */
static int take_number(
	const struct number *n, const char *name, const char *text, struct err_text *e)
{
	uint64_t v;

	if (region_parse_bytes(text, &v) || v > (uint64_t)n->max) {
		err_set(e, "%s: \"%s\" is not a number from 0 to %lld (K, M or G may follow)", name,
			text, n->max);
		return -EINVAL;
	}
	*n->at = (long long)v;
	return 0;
}

/* PATH, then pairs of name and value. What redis.conf said stays. */
static int take_arguments(RedisModuleString **argv, int argc, struct err_text *e)
{
	RedisModuleString *why = NULL;
	int i = argc % 2, n;

	if (i == 1 && !config.path[0] && set_path("path", argv[0], &paths[0], &why)) {
		err_set(e, "%s", RedisModule_StringPtrLen(why, NULL));
		RedisModule_FreeString(NULL, why);
		return -EINVAL;
	}
	for (; i + 1 < argc; i += 2) {
		const char *name = RedisModule_StringPtrLen(argv[i], NULL);
		const char *value = RedisModule_StringPtrLen(argv[i + 1], NULL);

		for (n = 0; n < NUMBERS && strcmp(numbers[n].name, name) != 0; n++)
			;
		if (n == NUMBERS || numbers[n].value != UNSET) {
			err_set(e, "unknown argument \"%s\"", name);
			return -EINVAL;
		}
		if (*numbers[n].at == UNSET && take_number(&numbers[n], name, value, e))
			return -EINVAL;
	}
	return 0;
}

static int take_environment(struct err_text *e)
{
	const char *v = getenv("CXL_RING_PATH");
	int i;

	if (!config.path[0] && v) {
		if (strlen(v) >= sizeof config.path) {
			err_set(e, "CXL_RING_PATH is too long");
			return -EINVAL;
		}
		strcpy(config.path, v);
	}
	for (i = 0; i < NUMBERS; i++) {
		if (*numbers[i].at != UNSET)
			continue;
		v = numbers[i].env ? getenv(numbers[i].env) : NULL;
		*numbers[i].at = numbers[i].fallback;
		if (v && take_number(&numbers[i], numbers[i].env, v, e))
			return -EINVAL;
	}
	return 0;
}

int config_load(RedisModuleCtx *ctx, RedisModuleString **argv, int argc, struct err_text *e)
{
	int rc = register_all(ctx);

	if (rc == 0 && RedisModule_LoadConfigs(ctx) != REDISMODULE_OK)
		rc = -EINVAL;
	if (rc) {
		err_set(e, "the cxlring.* settings were refused");
		return rc;
	}
	rc = take_arguments(argv, argc, e);
	if (rc == 0)
		rc = take_environment(e);
	if (rc == 0 && !config.path[0]) {
		err_set(e, "no region: give a path as argument, cxlring.path or CXL_RING_PATH");
		rc = -EINVAL;
	}
	return rc;
}
