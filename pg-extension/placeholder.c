/* SPDX-License-Identifier: BSD-3-Clause */
#include "placeholder.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/guc_tables.h"
#include "utils/memutils.h"

static const struct config_string *find(const char *name)
{
	struct config_generic **all = get_guc_variables();
	int n = GetNumConfigOptions(), i;

	for (i = 0; i < n; i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i]->flags & GUC_CUSTOM_PLACEHOLDER ? (struct config_string *)all[i] : NULL;
	return NULL;
}

/* Anybody can set a placeholder. */
static bool may(GucContext setter, GucContext context)
{
	return context == PGC_USERSET || (setter != PGC_USERSET && setter != PGC_BACKEND);
}

static const char *value_of(const char *name, GucContext context)
{
	const struct config_string *s = IsInParallelMode() ? find(name) : NULL;

	if (!s)
		return NULL;
	if (may(s->gen.scontext, context))
		return *s->variable;
	return may(s->gen.reset_scontext, context) ? s->reset_val : NULL;
}

const char *placeholder_string(const char *name, GucContext context, const char *boot)
{
	const char *value = value_of(name, context);

	return value ? MemoryContextStrdup(TopMemoryContext, value) : boot;
}

int placeholder_int(const char *name, GucContext context, int boot, int flags)
{
	const char *value = value_of(name, context);
	int n;

	return value && parse_int(value, &n, flags, NULL) ? n : boot;
}

bool placeholder_bool(const char *name, GucContext context, bool boot)
{
	const char *value = value_of(name, context);
	bool b;

	return value && parse_bool(value, &b) ? b : boot;
}

int placeholder_enum(const char *name, GucContext context, int boot,
	const struct config_enum_entry *options)
{
	const char *value = value_of(name, context);

	for (; value && options->name; options++)
		if (pg_strcasecmp(value, options->name) == 0)
			return options->val;
	return boot;
}
