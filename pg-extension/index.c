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

#include "commands/vacuum.h"
#include "common/hashfn.h"
#include "utils/builtins.h"

#include "memo.h"

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

/*
 * Statistics that need no plaintext: share of NULLs, and width. Most common values or a
 * histogram would be ciphertext that says which rows are equal or how they are ordered,
 * and would make autovacuum depend on the zone. The number of distinct values is
 * unknown; ALTER TABLE ... SET (n_distinct = ...) tells the planner.
 */
static void analyze(
	VacAttrStatsP stats, AnalyzeAttrFetchFunc fetch, int samplerows, double totalrows)
{
	bool varies = stats->attrtype->typlen < 0, isnull;
	double width = 0;
	int nulls = 0, i;
	Datum d;

	for (i = 0; i < samplerows; i++) {
		vacuum_delay_point();
		d = fetch(stats, i, &isnull);
		if (isnull)
			nulls++;
		else if (varies)
			width += VARSIZE_ANY(DatumGetPointer(d));
	}
	if (samplerows == 0)
		return;
	stats->stats_valid = true;
	stats->stanullfrac = (float4)((double)nulls / samplerows);
	if (!varies)
		stats->stawidth = stats->attrtype->typlen;
	else if (nulls < samplerows)
		stats->stawidth = (int32)(width / (samplerows - nulls));
	stats->stadistinct = 0.0; /* unknown */
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
