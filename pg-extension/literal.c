/* SPDX-License-Identifier: BSD-3-Clause */
#include "literal.h"

#include "nodes/pg_list.h"
#include "parser/analyze.h"
#include "parser/parse_node.h"
#include "utils/datum.h"
#include "utils/memutils.h"

struct literal {
	struct literal_key key; /* .bytes are behind it, then the value */
	Datum value;
	Size value_size, size;  /* of it, and of all of this */
};

static List *kept; /* of struct literal; they and it are in the transaction's memory */
static bool hooked; /* to its end */
static void (*reads_literal)(void *arg);
static post_parse_analyze_hook_type next_hook;

/* ---- what is parsed ---- */

/* Kinds of expressions that are compared with one another. */
static bool is_compared(ParseExprKind kind)
{
	switch (kind) {
	case EXPR_KIND_SELECT_TARGET:
	case EXPR_KIND_GROUP_BY:
	case EXPR_KIND_ORDER_BY:
	case EXPR_KIND_DISTINCT_ON:
	case EXPR_KIND_HAVING:
	case EXPR_KIND_WINDOW_PARTITION:
	case EXPR_KIND_WINDOW_ORDER:
		return true;
	default:
		return false;
	}
}

/* The statement whose literal is read just now: the parser is to say where it stands if
 * that fails, and tells so. */
static const ParseState *statement(void)
{
	const ParseState *p;

	if (!error_context_stack || error_context_stack->callback != reads_literal)
		return NULL;
	p = ((ParseCallbackState *)error_context_stack->arg)->pstate;
	if (!p || !is_compared(p->p_expr_kind))
		return NULL;
	while (p->parentParseState && !p->p_target_relation)
		p = p->parentParseState;
	return p->p_target_relation ? NULL : p;
}

struct literal_key literal_key_text(uint8 type, const char *text)
{
	return (struct literal_key){statement(), type, text, strlen(text)};
}

/* ---- what is planned ---- */

static const PlannerInfo *select_of(PlannerInfo *root)
{
	PlannerInfo *top = root;

	while (top && top->parse->commandType == CMD_SELECT && top->parent_root)
		top = top->parent_root;
	return top && top->parse->commandType == CMD_SELECT ? root : NULL;
}

struct literal_key literal_key_cast(PlannerInfo *root, Oid function, const Const *c)
{
	struct literal_key k = {select_of(root), function, &c->constvalue, sizeof c->constvalue};

	if (!c->constbyval) {
		k.bytes = DatumGetPointer(c->constvalue);
		k.len = datumGetSize(c->constvalue, false, c->constlen);
	}
	return k;
}

/* ---- what is kept ---- */

static bool same(const struct literal_key *a, const struct literal_key *b)
{
	return a->scope == b->scope && a->kind == b->kind && a->len == b->len &&
		memcmp(a->bytes, b->bytes, a->len) == 0;
}

bool literal_find(const struct literal_key *k, Datum *value)
{
	ListCell *lc;

	if (!k->scope)
		return false;
	foreach (lc, kept) {
		const struct literal *l = lfirst(lc);

		if (same(&l->key, k)) {
			*value = PointerGetDatum(memcpy(
				palloc(l->value_size), DatumGetPointer(l->value), l->value_size));
			return true;
		}
	}
	return false;
}

static void wipe(void)
{
	ListCell *lc;

	foreach (lc, kept)
		explicit_bzero(lfirst(lc), ((struct literal *)lfirst(lc))->size);
}

void literal_forget(void)
{
	wipe();
	list_free_deep(kept);
	kept = NIL;
}

/* Their memory goes by itself. */
static void at_transaction_end(void *arg)
{
	wipe();
	kept = NIL;
	hooked = false;
}

static void hook_end(void)
{
	MemoryContextCallback *end = palloc(sizeof *end);

	end->func = at_transaction_end;
	end->arg = NULL;
	MemoryContextRegisterResetCallback(TopTransactionContext, end);
	hooked = true;
}

void literal_keep(const struct literal_key *k, Datum value, Size size)
{
	MemoryContext old;
	struct literal *l;

	if (!k->scope)
		return;
	old = MemoryContextSwitchTo(TopTransactionContext);
	if (!hooked)
		hook_end();
	l = palloc(sizeof *l + MAXALIGN(k->len) + size);
	l->key = *k;
	l->key.bytes = memcpy(l + 1, k->bytes, k->len);
	l->value = PointerGetDatum(
		memcpy((char *)(l + 1) + MAXALIGN(k->len), DatumGetPointer(value), size));
	l->value_size = size;
	l->size = sizeof *l + MAXALIGN(k->len) + size;
	kept = lappend(kept, l);
	MemoryContextSwitchTo(old);
}

static void parsed(ParseState *pstate, Query *query, JumbleState *jstate)
{
	literal_forget();
	if (next_hook)
		next_hook(pstate, query, jstate);
}

void literal_init(void)
{
	ParseCallbackState s;

	setup_parser_errposition_callback(&s, NULL, -1);
	reads_literal = error_context_stack->callback;
	cancel_parser_errposition_callback(&s);
	next_hook = post_parse_analyze_hook;
	post_parse_analyze_hook = parsed;
}
