/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * index.c - support functions of hash operator classes, and ANALYZE.
 *
 * A hash is a keyed PRF of family and canonical value, computed in the zone under a key
 * of its own: int4 5, int8 5 and numeric 5.0 hash alike. The btree support function is
 * enc_T_cmp, made in scalar.c. There is no equalimage function: equal values differ in
 * bytes.
 */
#include "hedb.h"

#include <math.h>

#include "access/htup_details.h"
#include "commands/vacuum.h"
#include "common/hashfn.h"
#include "catalog/pg_statistic.h"
#include "postmaster/autovacuum.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "known.h"
#include "memo.h"
#include "rank.h"
#include "zone.h"

/* The value's hash is the first half of its digest. */
static uint64 hash64(FunctionCallInfo fcinfo, uint8 type)
{
	uint8 digest[DIGEST_BYTES];
	uint64 h;

	memo_digest_ask(type, PG_GETARG_DATUM(0), digest);
	memcpy(&h, digest, sizeof h);
	return h;
}

static Datum hash(FunctionCallInfo fcinfo, uint8 type)
{
	return Int32GetDatum((int32)hash64(fcinfo, type));
}

/* With seed 0 the low half equals the plain hash: PostgreSQL's contract. */
static Datum hash_extended(FunctionCallInfo fcinfo, uint8 type)
{
	uint64 h = hash64(fcinfo, type);
	uint64 seed = (uint64)PG_GETARG_INT64(1);

	return UInt64GetDatum(seed ? hash_combine64(h, seed) : h);
}

#define PUBLIC(...)
#define TYPE(name, code, sql, size, plain)                                              \
	PG_FUNCTION_INFO_V1(sql##_hash);                                                    \
	Datum sql##_hash(PG_FUNCTION_ARGS)                                                  \
	{                                                                                   \
		return hash(fcinfo, code);                                                      \
	}                                                                                   \
	PG_FUNCTION_INFO_V1(sql##_hash_extended);                                           \
	Datum sql##_hash_extended(PG_FUNCTION_ARGS)                                         \
	{                                                                                   \
		return hash_extended(fcinfo, code);                                             \
	}
#include "operations.h"

/* ---- ANALYZE ---- */

/*
 * Statistics that need no plaintext: share of NULLs, width, and the number of distinct
 * values. Most common values or a histogram would be ciphertext that says which rows are
 * equal or how they are ordered.
 *
 * Which values of the sample are equal the zone says, in one request. Autovacuum does not
 * depend on it: it leaves the number as the last ANALYZE found it.
 */

/* Values of the sample; `once`: how many of the distinct ones came once. */
struct sample {
	Datum *values;
	uint32 n, distinct, once;
	uint8 type;
};

static void count_distinct(void *arg)
{
	struct sample *s = arg;
	uint32 *ranks = palloc(s->n * sizeof *ranks), *count, i;

	s->distinct = rank_values(s->type, s->values, s->n, ranks);
	count = palloc0(s->distinct * sizeof *count);
	for (i = 0; i < s->n; i++)
		count[ranks[i]]++;
	for (i = 0; i < s->distinct; i++)
		s->once += count[i] == 1;
}

/* Did the zone answer? ANALYZE without it is as good as it can be, and does not wait for
 * it at each column. */
static bool try_count_distinct(struct sample *s, VacAttrStatsP stats)
{
	ErrorData *why;

	s->type = code_secret_type(getBaseType(stats->attrtypid)); /* of a domain */
	if (zone_try(count_distinct, s, &why))
		return true;
	if (why)
		ereport(WARNING, (errmsg("distinct values of column \"%s\" are not counted: %s",
				NameStr(stats->attr->attname), why->message)));
	return false;
}

/* PostgreSQL's estimate (Haas and Stokes, Duj1), negative: a share of the rows. `wide`
 * values of the sample were not looked at. */
static float4 estimate_distinct(
	const struct sample *s, uint32 wide, double nullfrac, double totalrows)
{
	double n = (double)s->n + wide, all = totalrows * (1.0 - nullfrac);
	double once = (double)s->once + wide, d = (double)s->distinct + wide, estimate = d;

	if (once == n)
		return (float4)-(1.0 - nullfrac);
	if (once > 0 && all > 0)
		estimate = floor(Min(Max(n * d / (n - once + once * n / all), d), all) + 0.5);
	return (float4)(estimate > 0.1 * totalrows ? -(estimate / totalrows) : estimate);
}

static float4 distinct_before(VacAttrStatsP stats)
{
	HeapTuple t = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(stats->attr->attrelid),
		Int16GetDatum(stats->attr->attnum), BoolGetDatum(false));
	float4 distinct = 0.0; /* unknown */

	if (HeapTupleIsValid(t)) {
		distinct = ((Form_pg_statistic)GETSTRUCT(t))->stadistinct;
		ReleaseSysCache(t);
	}
	return distinct;
}

static void analyze(
	VacAttrStatsP stats, AnalyzeAttrFetchFunc fetch, int samplerows, double totalrows)
{
	bool varies = stats->attrtype->typlen < 0, isnull;
	struct sample s = {.values = palloc((Size)Max(samplerows, 1) * sizeof(Datum))};
	double width = 0;
	uint32 wide = 0;
	int nulls = 0, i;
	Datum d;

	for (i = 0; i < samplerows; i++) {
		vacuum_delay_point();
		d = fetch(stats, i, &isnull);
		if (isnull) {
			nulls++;
			continue;
		}
		if (varies)
			width += VARSIZE_ANY(DatumGetPointer(d));
		if (varies && VARATT_IS_EXTERNAL(DatumGetPointer(d)))
			wide++;
		else
			s.values[s.n++] = d;
	}
	if (samplerows == 0)
		return;
	stats->stats_valid = true;
	stats->stanullfrac = (float4)((double)nulls / samplerows);
	if (!varies)
		stats->stawidth = stats->attrtype->typlen;
	else if (nulls < samplerows)
		stats->stawidth = (int32)(width / (samplerows - nulls));
	if (IsAutoVacuumWorkerProcess() || !try_count_distinct(&s, stats))
		stats->stadistinct = distinct_before(stats);
	else if (s.n + wide > 0)
		stats->stadistinct = estimate_distinct(&s, wide, stats->stanullfrac, totalrows);
}

PG_FUNCTION_INFO_V1(hedb_typanalyze);
Datum hedb_typanalyze(PG_FUNCTION_ARGS)
{
	VacAttrStats *stats = (VacAttrStats *)PG_GETARG_POINTER(0);

	if (stats->attr->attstattarget < 0)
		stats->attr->attstattarget = default_statistics_target;
	stats->compute_stats = analyze;
	stats->minrows = 300 * stats->attr->attstattarget;
	PG_RETURN_BOOL(true);
}
