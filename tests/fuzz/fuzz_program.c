/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_program.c - bytes into eval_run(), as a hostile or a careless client sends them.
 *
 * The first byte chooses: bit 0 the role, bit 1 whether the request counts as shared,
 * bit 2 how the rest is read. Raw, it is the request. Cooked, it is a recipe: types,
 * flags, instructions and plaintexts, of which an authentic request is made, and then
 * one byte of that is changed if the recipe says so; else hardly anything would ever be
 * decrypted. Bits 3 and 4 of a cooked one: its values are of a domain of keys, and its results
 * are to go to one. Each request runs twice and has to end alike: same error, same states,
 * same plaintexts. The arena has to be wiped. Nothing else is expected.
 */
#include "../evalrig.h"

enum {
	ARENA = 128 << 10, /* small: LIKE costs text times pattern */
	COOKED_ARGS = 6,
	COOKED_ROWS = 40,
	REQ_MAX = 1 << 20,
};

static struct keyring *keys;
static struct eval *ev;
static struct {
	struct value_sealer s, pay; /* the second: of a domain of that name */
	struct value_opener o;
} *mine;
static struct rig_reply first, second;
static uint16_t ops[OPTABLE_CODES], nops; /* codes that there are */
static uint8_t types[T_MAX], ntypes;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void *no_grow(size_t n)
{
	return NULL;
}

static void start(void)
{
	const struct gcm_backend *gcm = gcm_select(NULL);
	uint16_t id = 0;
	uint32_t i;

	keys = sodium_init() < 0 ? NULL : keyring_create();
	if (!keys || keyring_add_key(keys, "pay", &id, NULL) ||
		keyring_rotate(keys, "pay", &id, NULL) || keyring_add_key(keys, "empty", &id, NULL))
		abort();
	mine = sodium_malloc((sizeof *mine + 63) & ~(size_t)63);
	ev = keys ? eval_create(gcm, keys) : NULL;
	if (!mine || !ev || value_sealer_init(&mine->s, gcm, keys) ||
		value_sealer_init_in(&mine->pay, gcm, keys, 1))
		abort();
	value_opener_init(&mine->o, gcm, keys);
	for (i = 0; i < OPTABLE_CODES; i++)
		if (optable_op(i))
			ops[nops++] = (uint16_t)i;
	for (i = 0; i < T_MAX; i++)
		if (optable_type(i).name)
			types[ntypes++] = (uint8_t)i;
	arena_init(&ev->arena, ev->first, ARENA, 0, no_grow, free);
}

/* Zones that are there, the same ones for each input. */
static void keep_two(void)
{
	static const uint8_t bytes[2][16] = {{0x10, 0x0e}, {0xf0, 0xf1, 0xff, 0xff}};

	memset(&ev->kept, 0, sizeof ev->kept);
	kept_add(&ev->kept, bytes[0], sizeof bytes[0]);
	kept_add(&ev->kept, bytes[1], sizeof bytes[1]);
}

static struct cell cook_cell(struct cursor *c, uint8_t type, uint8_t flags)
{
	static const uint8_t states[] = {ROW_VALUE, ROW_VALUE, ROW_VALUE, ROW_VALUE, ROW_VALUE,
		ROW_NULL, ROW_FORGED, ROW_MALFORMED};
	uint8_t kind = cursor_u8(c);
	struct cell cell = {.state = states[kind & 7]};

	if (!(flags & ARG_NULLS) && cell.state == ROW_NULL)
		cell.state = ROW_VALUE;
	if (optable_type(type).size) {
		cell.i = (int64_t)cursor_u64(c) >> (kind & 0x38);
		return cell;
	}
	cell.len = kind >> 3 < c->left ? kind >> 3 : (uint32_t)c->left;
	cell.p = cursor_bytes(c, cell.len);
	return cell;
}

/* An operation, by its place among those that there are, or a push. */
static uint16_t cook_code(struct cursor *c)
{
	uint16_t w = cursor_u16(c);

	if (w & PROGRAM_PUSH)
		return (uint16_t)(PROGRAM_PUSH | (w & 7));
	if ((w & (PROGRAM_COPY | PROGRAM_GROUPED)) == PROGRAM_COPY)
		return (uint16_t)(PROGRAM_COPY | (w & 3));
	return (uint16_t)(ops[(w & 0xfff) % nops] | (w & PROGRAM_GROUPED));
}

/* As many results as the program leaves, or it would hardly ever run. */
static void cook_results(uint8_t *req, uint8_t nargs, uint8_t ncode, uint8_t filtered)
{
	static struct program p;
	struct err_text e;

	if (program_compile(&p, nargs, ncode, req + PROGRAM_HEADER, &e) == 0)
		req[1] = (uint8_t)((p.nresults - 1) | (filtered & PROGRAM_FILTERED));
}

/* The flags of an argument; of a time zone some have it kept. */
static uint8_t cook_flags(uint8_t b, uint8_t type)
{
	uint8_t flags = b >> 5;

	return type == T_PUB_ZONE && flags & ARG_NULLS ? ARG_ONE | ARG_KEEP : flags;
}

/* A time zone that is the last argument, by the digest of one that is kept. */
static size_t cook_kept(uint8_t *req, size_t len, uint8_t nargs, const struct cell *zone)
{
	req[PROGRAM_HEADER + 2 * nargs - 1] = ARG_ONE | ARG_KEPT;
	len -= 4 + zone->len;
	memcpy(req + len, ev->kept.value[zone->len % 2].digest, KEPT_DIGEST);
	return len + KEPT_DIGEST;
}

/* All results go to a domain. */
static size_t cook_into(uint8_t *req, size_t len, const char *name)
{
	size_t n = strlen(name);

	if (len + 1 + n > REQ_MAX)
		return len;
	memmove(req + PROGRAM_HEADER + 1 + n, req + PROGRAM_HEADER, len - PROGRAM_HEADER);
	req[PROGRAM_HEADER] = (uint8_t)n;
	memcpy(req + PROGRAM_HEADER + 1, name, n);
	req[1] |= PROGRAM_INTO;
	return len + 1 + n;
}

/* The request that the recipe describes; its length. */
static size_t cook(struct cursor *c, uint8_t how, uint8_t *out)
{
	static struct cell cells[COOKED_ARGS][COOKED_ROWS];
	struct rig_arg arg[COOKED_ARGS];
	uint8_t nargs = cursor_u8(c) % (COOKED_ARGS + 1), rows = cursor_u8(c) % COOKED_ROWS + 1;
	uint8_t ncode = cursor_u8(c) % 24 + 1, i, k;
	uint16_t code[24], flip = cursor_u16(c);
	size_t len;

	for (i = 0; i < nargs; i++) {
		uint8_t b = cursor_u8(c);

		arg[i] = (struct rig_arg){cells[i], types[(b & 31) % ntypes], 0};
		arg[i].flags = cook_flags(b, arg[i].type);
	}
	for (i = 0; i < ncode; i++)
		code[i] = cook_code(c);
	for (i = 0; i < nargs; i++)
		for (k = 0; k < (arg[i].flags & ARG_ONE ? 1 : rows); k++)
			cells[i][k] = cook_cell(c, arg[i].type, arg[i].flags);
	len = rig_request(out, REQ_MAX, how & 8 ? &mine->pay : &mine->s, arg, nargs, code, ncode, rows);
	if (len && nargs && flip & 2 && arg[nargs - 1].flags & ARG_KEEP)
		len = cook_kept(out, len, nargs, cells[nargs - 1]);
	if (len)
		cook_results(out, nargs, ncode, (uint8_t)(flip >> 8));
	if (len && how & 16)
		len = cook_into(out, len, flip & 4 ? "pay" : flip & 8 ? "empty" : "default");
	if (flip & 1 && len)
		out[(flip >> 4) % len] ^= (uint8_t)(1 << (flip >> 1 & 7));
	return len;
}

static int ask(struct rig_reply *r, uint8_t how, const uint8_t *req, size_t len)
{
	struct err_text e = {""};
	int rc = eval_run(ev, how & 1 ? ROLE_CLIENT : ROLE_DB, req, len, how & 2, rig_room, r, &e);

	eval_done(ev);
	if (!sodium_is_zero(ev->first, ARENA) || ev->arena.at != ev->first)
		abort();
	if (rc && !e.s[0])
		abort();
	return rc;
}

static void compare_result(void)
{
	uint32_t i, size = optable_type(first.type).size;

	if (first.rows != second.rows || first.flags != second.flags ||
		first.type != second.type)
		abort();
	for (i = 0; i < first.rows; i++) {
		const struct cell *a = &first.cell[i], *b = &second.cell[i];

		if (a->state != b->state)
			abort();
		if (!a->state && (size ? a->i != b->i
					   : a->len != b->len || memcmp(a->p, b->p, a->len)))
			abort();
	}
}

/* All results of both replies. */
static void compare(void)
{
	struct cursor a = cursor_of(first.bytes, first.len);
	struct cursor b = cursor_of(second.bytes, second.len);

	if (first.len != second.len || first.len == 0)
		abort();
	while (a.left) {
		if (!rig_result_read(&first, &mine->o, &a) || !rig_result_read(&second, &mine->o, &b))
			abort();
		compare_result();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t cooked[REQ_MAX];
	struct cursor c = cursor_of(data, len);
	uint8_t how = cursor_u8(&c), *req;
	int rc, again;

	if (!ev)
		start();
	keep_two();
	if (how & 4) {
		len = cook(&c, how, cooked);
		data = cooked;
	} else {
		data = c.p;
		len = c.left;
	}
	req = malloc(len + !len); /* its very length, so that reading on is seen */
	if (!req)
		return 0;
	memcpy(req, data, len);
	rc = ask(&first, how, req, len);
	again = ask(&second, how, req, len);
	if (again != rc && again != -ESTALE) /* it kept what pushed out what it names */
		abort();
	if (!rc && !again)
		compare();
	free(req);
	return 0;
}
