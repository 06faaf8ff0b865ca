/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * node_explain.c - what EXPLAIN shows of a Zone node.
 *
 *     Zone Filter, Zone Output    what it filters by and computes
 *     Zone Group Key              of a Zone Aggregate; VERBOSE has its states in Output
 *     VERBOSE: Zone Program       one line for each: instructions, postfix; $1 is the
 *                                 first of Zone Arguments
 *     ANALYZE: rows and batches that went to the zone, round trips, bytes, waiting
 */
#include "node_batch.h"

#include "catalog/pg_type.h"
#include "commands/explain.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "utils/ruleutils.h"

/* Expressions over the child, which is what OUTER_VAR means in the node. */
static List *texts(CustomScanState *css, List *exprs, List *ancestors, ExplainState *es)
{
	List *context = set_deparse_context_plan(es->deparse_cxt, css->ss.ps.plan, ancestors);
	bool prefix = list_length(es->rtable) > 1 || es->verbose;
	List *result = NIL;
	ListCell *lc;

	foreach (lc, exprs)
		result = lappend(result, deparse_expression(lfirst(lc), context, prefix, false));
	return result;
}

/* One filter after the other, as PostgreSQL shows them. */
static void show_filter(CustomScanState *css, List *filters, List *ancestors, ExplainState *es)
{
	Expr *all = make_ands_explicit(filters);

	ExplainPropertyText("Zone Filter",
		linitial(texts(css, list_make1(all), ancestors, es)), es);
}

/* The expressions that are computed, digests by their function's name. */
static List *computed(const struct zone_state *z)
{
	CustomScan *scan = (CustomScan *)z->css.ss.ps.plan;

	return list_copy_tail(scan->custom_scan_tlist,
		list_length(scan->custom_scan_tlist) - z->spec.ncolumns);
}

static void show_output(struct zone_state *z, List *ancestors, ExplainState *es)
{
	List *columns = NIL;
	int column = 0;
	ListCell *lc;

	foreach (lc, computed(z)) {
		Expr *e = lfirst_node(TargetEntry, lc)->expr;
		bool digest = IsA(e, RelabelType) && ((RelabelType *)e)->resulttype == UUIDOID;
		char *text;

		if (column++ == z->spec.number)
			continue;
		text = linitial(texts(&z->css,
			list_make1(digest ? ((RelabelType *)e)->arg : e), ancestors, es));

		columns = lappend(columns, digest ? psprintf("digest of %s", text) : text);
	}
	if (columns)
		ExplainPropertyList("Zone Output", columns, es);
}

static void show_keys(struct zone_state *z, List *ancestors, ExplainState *es)
{
	if (z->spec.keys)
		ExplainPropertyList(
			"Zone Group Key", texts(&z->css, z->spec.keys, ancestors, es), es);
}

static void show_top(struct zone_state *z, List *ancestors, ExplainState *es)
{
	const char *by = linitial(texts(&z->css, list_make1(z->spec.top_by), ancestors, es));

	ExplainPropertyText("Zone Top", psprintf("%s %d values of %s",
		z->spec.top_last ? "last" : "first", z->spec.top, by), es);
}

static void show_programs(struct zone_state *z, List *ancestors, ExplainState *es)
{
	ListCell *lc;

	ExplainPropertyList(
		"Zone Arguments", texts(&z->css, z->spec.args, ancestors, es), es);
	foreach (lc, z->spec.requests)
		ExplainPropertyText("Zone Program", batch_program_text(&z->spec, lfirst(lc)), es);
}

static void show_counters(struct zone_state *z, ExplainState *es)
{
	const struct zone_counters *n = &z->count;
	double ms = INSTR_TIME_GET_MILLISEC(n->waited);

	ExplainPropertyInteger("Zone Rows", NULL, (int64)n->rows, es);
	if (z->spec.grouped)
		ExplainPropertyInteger("Zone Groups", NULL, (int64)n->groups, es);
	ExplainPropertyInteger("Zone Batches", NULL, (int64)n->batches, es);
	ExplainPropertyInteger("Zone Round Trips", NULL, (int64)n->requests, es);
	ExplainPropertyInteger("Zone Bytes Sent", NULL, (int64)n->bytes_out, es);
	ExplainPropertyInteger("Zone Bytes Received", NULL, (int64)n->bytes_in, es);
	if (es->timing)
		ExplainPropertyFloat("Zone Waiting", "ms", ms, 3, es);
}

void zone_explain(CustomScanState *css, List *ancestors, ExplainState *es)
{
	struct zone_state *z = (struct zone_state *)css;

	if (z->spec.filters)
		show_filter(css, z->spec.filters, ancestors, es);
	if (z->spec.match)
		ExplainPropertyText("Zone Join", z->spec.match == MATCH_FIRST ? "Semi" : "Anti", es);
	if (z->spec.top_by)
		show_top(z, ancestors, es);
	if (z->spec.grouped)
		show_keys(z, ancestors, es);
	else
		show_output(z, ancestors, es);
	if (es->verbose)
		show_programs(z, ancestors, es);
	if (es->analyze)
		show_counters(z, es);
}
