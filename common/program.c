/* SPDX-License-Identifier: BSD-3-Clause */
#include "program.h"

#include "cursor.h"
#include "opclass.h"

/* What may be kept: one value, of a public type, that nobody takes for a secret. */
static bool keeps(uint8_t type, uint8_t flags)
{
	return type == T_PUB_ZONE &&
		(flags == (ARG_ONE | ARG_KEEP) || flags == (ARG_ONE | ARG_KEPT));
}

static int check_args(struct program *p, struct cursor *c, struct err_text *e)
{
	int i;

	for (i = 0; i < p->nargs; i++) {
		uint8_t type = cursor_u8(c), flags = cursor_u8(c);

		if (!optable_type(type).name || (flags & ~ARG_FLAGS) ||
			((flags & (ARG_KEEP | ARG_KEPT)) && !keeps(type, flags))) {
			err_set(e, "argument %d: unknown type %u or flags %u", i, type, flags);
			return -EPROTO;
		}
		if ((flags & ARG_CLEAR) && optable_is_secret(type))
			p->role = ROLE_CLIENT;
		p->arg[i].type = type;
		p->arg[i].flags = flags;
	}
	return 0;
}

/* What lies on the stack, as far as it is known before there are rows. */
struct items {
	struct {
		uint8_t type;
		bool reveal;
		uint8_t start; /* its first instruction */
		uint8_t says;
		uint64_t direct, made; /* as in program.flow */
	} item[PROGRAM_STACK];
	int depth;
	/* Right sides of AND and OR: instructions from .. to - 1. Inner ones come first. */
	struct side {
		uint8_t from, to;
		bool is;
	} side[PROGRAM_CODE_MAX];
	int nsides;
};

static void push(struct program *p, struct items *s, int at, uint8_t start, uint8_t type,
	bool reveal)
{
	if (s->depth == 0) /* the first result so far, if nothing uses it */
		p->first = (uint8_t)(at + 1);
	s->item[s->depth].type = type;
	s->item[s->depth].reveal = reveal;
	s->item[s->depth].start = start;
	s->item[s->depth].says = 0;
	s->item[s->depth].direct = s->item[s->depth].made = 0;
	s->depth++;
}

/* What an operation sees: the `n` items from `base` on, all together. */
struct sight {
	uint64_t direct, made;
	uint8_t says;
};

static struct sight look(const struct items *s, int base, int n)
{
	struct sight all = {0, 0, 0};
	int i;

	for (i = base; i < base + n; i++) {
		all.direct |= s->item[i].direct;
		all.made |= s->item[i].made;
		all.says = all.says ? all.says : s->item[i].says;
	}
	return all;
}

/* Its result is on top of the stack. */
static void find_flow(struct program *p, struct items *s, int at, const struct sight *saw)
{
	const struct op *op = p->code[at].op;
	bool secret = saw->direct | saw->made;
	int top = s->depth - 1;

	p->flow[at].direct = saw->direct;
	p->flow[at].made = saw->made;
	if (!optable_is_secret(op->result)) {
		s->item[top].says = secret ? (uint8_t)opclass_of(op) : saw->says;
		p->ngroups += secret && opclass_of(op) == CLASS_GROUP;
	} else if (opclass_passes_on(op)) {
		s->item[top].direct = saw->direct;
		s->item[top].made = saw->made;
	} else {
		s->item[top].made = saw->direct | saw->made;
	}
}

/* Take one argument of `op` off the stack; they come in order from `base`. */
static int check_item(const struct items *s, int base, int i, uint8_t want, int at,
	const struct op *op, struct err_text *e)
{
	if (s->item[base + i].reveal) {
		err_set(e, "instruction %d: a revealed value can only be a result", at);
		return -EPROTO;
	}
	if (s->item[base + i].type == want)
		return 0;
	err_set(e, "instruction %d: %s takes no argument of type %u at %d", at, op->name,
		s->item[base + i].type, i);
	return -EPROTO;
}

/* Apply one operation to the stack of types. */
static int check_op(struct program *p, const struct program_code *code, struct items *s,
	int at, struct err_text *e)
{
	const struct op *op = code->op;
	int n = op->nargs + code->grouped, i, rc = 0;
	struct sight saw;

	if (s->depth < n) {
		err_set(e, "instruction %d: %s needs %d arguments", at, op->name, n);
		return -EPROTO;
	}
	s->depth -= n;
	saw = look(s, s->depth, n);
	for (i = 0; i < n && !rc; i++)
		rc = check_item(s, s->depth, i,
			i < op->nargs ? op->args[i] : (uint8_t)T_PUB_INT4, at, op, e);
	if (!rc && (op->code == OP_bool_and || op->code == OP_bool_or))
		s->side[s->nsides++] = (struct side){
			s->item[s->depth + 1].start, (uint8_t)at, op->code == OP_bool_or};
	if (!rc)
		push(p, s, at, s->item[s->depth].start, op->result, op->flags & OP_REVEAL);
	if (!rc)
		find_flow(p, s, at, &saw);
	if (op->flags & OP_REVEAL)
		p->role = ROLE_CLIENT;
	return rc;
}

static int check_push(struct program *p, struct items *s, uint16_t code, int at,
	struct err_text *e)
{
	uint16_t arg = code & (uint16_t)~PROGRAM_PUSH;

	if (arg >= p->nargs || s->depth == PROGRAM_STACK) {
		err_set(e, "instruction %d: no such argument, or stack full", at);
		return -EPROTO;
	}
	p->code[at].op = NULL;
	p->code[at].copy = false;
	p->code[at].arg = (uint8_t)arg;
	push(p, s, at, (uint8_t)at, p->arg[arg].type, false);
	p->flow[at] = (struct program_flow){0, 0};
	if (optable_is_secret(p->arg[arg].type))
		s->item[s->depth - 1].direct = UINT64_C(1) << arg;
	return 0;
}

static int check_copy(struct program *p, struct items *s, uint16_t code, int at,
	struct err_text *e)
{
	uint16_t place = code & (uint16_t)~PROGRAM_COPY;

	if (place >= s->depth || s->depth == PROGRAM_STACK || s->item[place].reveal) {
		err_set(e, "instruction %d: nothing to copy at %u, or stack full", at, place);
		return -EPROTO;
	}
	p->code[at].op = NULL;
	p->code[at].copy = true;
	p->code[at].arg = (uint8_t)place;
	push(p, s, at, (uint8_t)at, s->item[place].type, false);
	p->flow[at] = (struct program_flow){0, 0};
	s->item[s->depth - 1].direct = s->item[place].direct;
	s->item[s->depth - 1].made = s->item[place].made;
	s->item[s->depth - 1].says = s->item[place].says;
	return 0;
}

static int check_instruction(
	struct program *p, struct items *s, uint16_t code, int at, struct err_text *e)
{
	struct program_code *c = &p->code[at];

	if (code & PROGRAM_PUSH)
		return check_push(p, s, code, at, e);
	if ((code & (PROGRAM_COPY | PROGRAM_GROUPED)) == PROGRAM_COPY)
		return check_copy(p, s, code, at, e);
	c->grouped = code & PROGRAM_GROUPED;
	c->op = optable_op(code & (uint16_t)~PROGRAM_GROUPED);
	if (!c->op || (c->grouped && !(c->op->flags & OP_REDUCE))) {
		err_set(e, "instruction %d: unknown operation %u", at, code);
		return -EPROTO;
	}
	return check_op(p, c, s, at, e);
}

/* Arguments that are pushed only behind the first result. */
static void find_late(struct program *p)
{
	int i;

	for (i = 0; i < p->nargs; i++)
		p->arg[i].late = true;
	for (i = 0; i < p->first; i++)
		if (!p->code[i].op && !p->code[i].copy)
			p->arg[p->code[i].arg].late = false;
}

/* Is the argument pushed within those instructions, and nowhere else? */
static bool only_within(const struct program *p, uint8_t arg, const struct side *side)
{
	bool any = false;
	int i;

	for (i = 0; i < p->ncode; i++) {
		if (p->code[i].op || p->code[i].copy || p->code[i].arg != arg)
			continue;
		any = true;
		if (i < side->from || i >= side->to)
			return false;
	}
	return any;
}

/* Arguments that only the right side of an AND or OR needs. */
static void find_guards(struct program *p, const struct items *s)
{
	uint8_t a;
	int i;

	p->guarded = false;
	for (a = 0; a < p->nargs; a++) {
		p->arg[a].guard = 0;
		for (i = 0; i < s->nsides && !p->arg[a].guard; i++) {
			if (!only_within(p, a, &s->side[i]))
				continue;
			p->arg[a].guard = s->side[i].from;
			p->arg[a].guard_is = s->side[i].is;
			p->guarded = true;
		}
	}
}

/* Whose result has a size of its own, or is looked for in a text, may take seconds. */
static bool lasts(const struct op *op)
{
	int i;

	for (i = 0; i < op->nargs; i++)
		if (!optable_size(op->args[i]) && !(op->flags & OP_PRED))
			return true;
	return !optable_size(op->result) && !(op->flags & OP_PRED);
}

static uint32_t rows_max(const struct program *p)
{
	int i;

	for (i = 0; i < p->ncode; i++)
		if (p->code[i].op && (p->code[i].op->flags & (OP_WHOLE | OP_REDUCE)))
			return PROGRAM_WHOLE_ROWS_MAX;
	return PROGRAM_ROWS_MAX;
}

int program_compile(struct program *p, uint8_t nargs, uint16_t ncode, const uint8_t *bytes,
	struct err_text *e)
{
	struct cursor c = cursor_of(bytes, 2u * nargs + 2u * ncode);
	struct items s;
	int i, rc;

	if (nargs > PROGRAM_ARGS_MAX || ncode == 0 || ncode > PROGRAM_CODE_MAX) {
		err_set(e, "%u arguments and %u instructions: too many, or none", nargs, ncode);
		return -EPROTO;
	}
	s.depth = s.nsides = 0;
	p->nargs = nargs;
	p->ncode = (uint8_t)ncode;
	p->role = ROLE_DB;
	p->ngroups = 0;
	rc = check_args(p, &c, e);
	for (i = 0; i < ncode && !rc; i++)
		rc = check_instruction(p, &s, cursor_u16(&c), i, e);
	if (rc)
		return rc;
	p->lasts = false;
	for (i = 0; i < ncode; i++)
		p->lasts |= p->code[i].op && lasts(p->code[i].op);
	p->nresults = (uint8_t)s.depth;
	for (i = 0; i < s.depth; i++) {
		p->result[i].type = s.item[i].type;
		p->result[i].reveal = s.item[i].reveal;
		p->result[i].from = s.item[i].direct | s.item[i].made;
		p->result[i].made = s.item[i].made;
		p->result[i].says = s.item[i].reveal ? (uint8_t)CLASS_DECRYPT : s.item[i].says;
	}
	p->rows_max = rows_max(p);
	find_late(p);
	find_guards(p, &s);
	return 0;
}
