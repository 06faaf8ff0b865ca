/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * concat.c - concat() and concat_ws() of encrypted texts: all of them in one request.
 * Without these PostgreSQL's own would take the call, and append ciphertext.
 */
#include "hedb.h"

#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

#include "scalar.h"
#include "zone_program.h"

/* The array's values side by side. With none, a row that is NULL. */
static void push_array(struct zone_program *p, ArrayType *array)
{
	static const uint8_t null = 1;
	struct zone_arg a = {.type = T_TEXT};
	StringInfoData values;
	uint32_t *lens;
	Datum *item;
	bool *nulls, by_value;
	char align;
	int16 width;
	int n, i;

	get_typlenbyvalalign(ARR_ELEMTYPE(array), &width, &by_value, &align);
	deconstruct_array(
		array, ARR_ELEMTYPE(array), width, by_value, align, &item, &nulls, &n);
	initStringInfo(&values);
	lens = palloc((n + 1) * sizeof *lens);
	for (i = 0; i < n; i++) {
		const uint8_t *v;
		void *copy;

		if (nulls[i])
			continue;
		v = value_stored(0, item[i], &lens[a.rows], &copy);
		appendBinaryStringInfo(&values, (const char *)v, (int)lens[a.rows++]);
	}
	a.data = a.rows ? (const void *)values.data : &null;
	a.bytes = a.rows ? (uint64_t)values.len : sizeof null;
	a.lens = a.rows ? lens : NULL;
	a.flags = a.rows ? 0 : ARG_NULLS;
	p->rows = a.rows ? a.rows : 1;
	if (p->rows > PROGRAM_ROWS_MAX)
		ereport(ERROR, (errcode(ERRCODE_TOO_MANY_ARGUMENTS),
				errmsg("concat takes at most %d encrypted values", PROGRAM_ROWS_MAX)));
	zone_push(p, &a);
}

static Datum answer(const struct zone_program *p)
{
	struct zone_result r = zone_run(ROLE_DB, p);

	return value_datum(T_TEXT, r.data, r.len);
}

PG_FUNCTION_INFO_V1(enc_text_concat);
Datum enc_text_concat(PG_FUNCTION_ARGS)
{
	struct zone_program p = {0};

	push_array(&p, PG_GETARG_ARRAYTYPE_P(0));
	zone_op(&p, OP_enc_text_concat_bulk);
	return answer(&p);
}

PG_FUNCTION_INFO_V1(enc_text_concat_ws);
Datum enc_text_concat_ws(PG_FUNCTION_ARGS)
{
	struct zone_program p = {0};
	struct zone_arg by = {.rows = 1, .type = T_TEXT, .flags = ARG_ONE};
	uint32_t len;
	void *copy;

	push_array(&p, PG_GETARG_ARRAYTYPE_P(1));
	by.data = value_stored(0, PG_GETARG_DATUM(0), &len, &copy);
	by.bytes = len;
	by.lens = &len;
	zone_push(&p, &by);
	zone_op(&p, OP_enc_text_concat_ws_bulk);
	return answer(&p);
}
