/* SPDX-License-Identifier: BSD-3-Clause */
#include "program.h"

#include "cursor.h"

static int check_args(struct program *p, struct cursor *c, struct err_text *e)
{
	int i;

	for (i = 0; i < p->nargs; i++) {
		uint8_t type = cursor_u8(c), flags = cursor_u8(c);

		if (!optable_type(type).name || (flags & ~ARG_FLAGS)) {
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

/* Apply one operation to the stack of types. */
static int check_op(const struct op *op, uint8_t *stack, int *depth, int at,
	struct err_text *e)
{
	int i;

	if (*depth < op->nargs) {
		err_set(e, "instruction %d: %s needs %d arguments", at, op->name, op->nargs);
		return -EPROTO;
	}
	*depth -= op->nargs;
	for (i = 0; i < op->nargs; i++) {
		uint8_t type = stack[*depth + i];

		if (type != op->args[i]) {
			err_set(e, "instruction %d: %s takes no argument of type %u at %d", at,
				op->name, type, i);
			return -EPROTO;
		}
	}
	stack[(*depth)++] = op->result;
	return 0;
}

int program_compile(struct program *p, uint8_t nargs, uint16_t ncode, const uint8_t *bytes,
	struct err_text *e)
{
	struct cursor c = cursor_of(bytes, 2u * nargs + 2u * ncode);
	uint8_t stack[PROGRAM_STACK]; /* types */
	int depth = 0, i, rc;

	if (nargs > PROGRAM_ARGS_MAX || ncode == 0 || ncode > PROGRAM_CODE_MAX) {
		err_set(e, "%u arguments and %u instructions: too many, or none", nargs, ncode);
		return -EPROTO;
	}
	p->nargs = nargs;
	p->ncode = (uint8_t)ncode;
	p->reveal = false;
	p->role = ROLE_DB;
	rc = check_args(p, &c, e);
	if (rc)
		return rc;
	for (i = 0; i < ncode; i++) {
		uint16_t code = cursor_u16(&c);
		uint8_t arg = (uint8_t)(code & 0xff);

		p->code[i].op = NULL;
		p->code[i].arg = arg;
		if (code & PROGRAM_PUSH) {
			if ((code & ~PROGRAM_PUSH) >= nargs || depth == PROGRAM_STACK) {
				err_set(e, "instruction %d: no such argument, or stack full", i);
				return -EPROTO;
			}
			stack[depth++] = p->arg[arg].type;
			continue;
		}
		p->code[i].op = optable_op(code);
		if (!p->code[i].op) {
			err_set(e, "instruction %d: unknown operation %u", i, code);
			return -EPROTO;
		}
		rc = check_op(p->code[i].op, stack, &depth, i, e);
		if (rc)
			return rc;
		if (p->code[i].op->flags & OP_REVEAL) {
			if (i != ncode - 1) {
				err_set(e, "instruction %d: %s can only come last", i,
					p->code[i].op->name);
				return -EPROTO;
			}
			p->reveal = true;
			p->role = ROLE_CLIENT;
		}
	}
	if (depth != 1) {
		err_set(e, "%d results left, 1 expected", depth);
		return -EPROTO;
	}
	p->result = stack[0];
	p->rows_max = p->code[ncode - 1].op && (p->code[ncode - 1].op->flags & OP_WHOLE)
		? PROGRAM_WHOLE_ROWS_MAX : PROGRAM_ROWS_MAX;
	return 0;
}
