/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval.h"

#include <string.h>
#include <sys/mman.h>

#include <sodium.h>

#include "column.h"
#include "eval_op.h"
#include "release.h"
#include "secret.h"

enum { FEW_ROWS = 64 }; /* take a few microseconds */

unsigned eval_home(const struct eval *ev)
{
	return ev->grant ? ev->grant->home : 0;
}

/* Which place of the cache: spreads, nothing more. The last word overlaps. */
static uint32_t program_hash(const uint8_t *p, uint32_t len)
{
	uint64_t h = len, w = 0;
	uint32_t i;

	for (i = 0; i + 8 < len; i += 8) {
		memcpy(&w, p + i, 8);
		h = (h ^ w) * 0x9e3779b97f4a7c15u;
	}
	if (len >= 8)
		memcpy(&w, p + len - 8, 8);
	else
		memcpy(&w, p, len);
	h = (h ^ w) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(h >> 32);
}

/* The program of this request, compiled now or before. */
static int find_program(struct eval *ev, const uint8_t *in, uint32_t len, uint8_t nargs,
	uint16_t ncode, struct program *scratch, const struct program **p, struct verdict **v,
	struct err_text *e)
{
	struct eval_cached *slot = &ev->cached[program_hash(in, len) % EVAL_PROGRAMS];
	bool keep = len <= sizeof slot->bytes;
	int rc;

	*p = keep ? &slot->program : scratch;
	if (keep)
		*v = &slot->verdict;
	if (slot->len == len && slot->program.nargs == nargs &&
		memcmp(slot->bytes, in, len) == 0)
		return 0;
	if (!keep)
		return program_compile(scratch, nargs, ncode, in, e);
	slot->len = 0;
	slot->verdict.role = 0;
	rc = program_compile(&slot->program, nargs, ncode, in, e);
	if (rc)
		return rc;
	memcpy(slot->bytes, in, len);
	slot->len = len;
	return 0;
}

/* Where the column says so, the rows of `v` are NULL. */
static bool mask_result(struct eval *ev, struct vec *v, const uint8_t *want, uint32_t rows)
{
	uint8_t *state;
	uint32_t i;

	if (!v->step || v->rows != rows)
		return true;
	state = eval_alloc(ev, v->rows); /* its states may be another result's, too */
	if (!state)
		return false;
	for (i = 0; i < v->rows; i++)
		state[i] = want[i] ? v->state[i] : (uint8_t)ROW_NULL;
	v->state = state;
	v->dirty = true;
	return true;
}

/* A byte for each row: is it true? NULL without memory. */
static uint8_t *find_wanted(struct eval *ev, const struct vec *v, uint32_t rows)
{
	uint8_t *want = eval_alloc(ev, rows);
	uint32_t i;

	for (i = 0; want && i < rows; i++)
		want[i] = v->state[ROW(v, i)] == ROW_VALUE && v->b[ROW(v, i)];
	return want;
}

/* A program that runs. */
struct run {
	const struct program *p;
	struct column column[PROGRAM_ARGS_MAX];
	struct vec arg[PROGRAM_ARGS_MAX];
	struct vec stack[PROGRAM_STACK];
	int depth;
	uint32_t rows;
	bool filtered;
	struct policy_seen seen;
	struct verdict *verdict;
	struct err_text *e;
};

/* The column of an argument that is named instead of brought; it is all there in memory
 * that no request writes. */
static struct column kept_column(const struct eval *ev, struct cursor *c, uint8_t type,
	bool *unknown)
{
	const uint8_t *digest = cursor_bytes(c, KEPT_DIGEST);
	const struct kept_value *v = digest ? kept_find(&ev->kept, digest) : NULL;

	if (!v) {
		*unknown = true;
		return (struct column){.type = type, .one = true, .clear = true};
	}
	return (struct column){.type = type, .one = true, .clear = true, .rows = 1,
		.lens = (const uint8_t *)&v->len, .values = v->bytes, .bytes = v->len};
}

static int find_columns(
	const struct eval *ev, struct run *r, struct cursor *c, struct err_text *e)
{
	bool unknown = false;
	int i;

	for (i = 0; i < r->p->nargs; i++)
		r->column[i] = r->p->arg[i].flags & ARG_KEPT
			? kept_column(ev, c, r->p->arg[i].type, &unknown)
			: column_find(c, r->p->arg[i].type, r->p->arg[i].flags, r->rows);
	if (!c->bad && !c->left && unknown) {
		err_set(e, "the request names a value that is not kept here");
		return -ESTALE;
	}
	if (!c->bad && !c->left)
		return 0;
	err_set(e, "the argument columns are %s than their header says",
		c->bad ? "shorter" : "longer");
	return -EPROTO;
}

/* Behind the run: what it uses may be what goes. */
static void keep_columns(struct eval *ev, const struct run *r)
{
	int i;

	for (i = 0; i < r->p->nargs; i++)
		if (r->p->arg[i].flags & ARG_KEEP)
			kept_add(&ev->kept, r->column[i].values, r->column[i].bytes);
}

/* When an argument is opened. */
enum when { AT_ONCE, BEHIND_FILTER, ON_DEMAND };

static enum when when_of(const struct run *r, int i)
{
	if (r->filtered && r->p->arg[i].late)
		return BEHIND_FILTER;
	return r->p->arg[i].guard && r->rows > 1 ? ON_DEMAND : AT_ONCE;
}

/* Nothing has been looked at yet. */
static int begin_seen(const struct eval *ev, struct run *r)
{
	const struct policy_role *g = ev->grant;
	int i;

	if (!g)
		return 0;
	memset(r->seen.domain, 0xff, r->p->nargs * sizeof r->seen.domain[0]); /* POLICY_NONE */
	memset(r->seen.keys, 0, r->p->nargs * sizeof r->seen.keys[0]);
	r->seen.computed = 0;
	r->seen.set = ev->sets;
	r->seen.into = ev->into < KEYRING_DOMAINS;
	r->seen.key_id = keyring_active_in(ev->keys, r->seen.into ? ev->into : eval_home(ev));
	if (!r->seen.key_id) {
		err_set(r->e, "the session's domain of keys has no active key: it was destroyed, or not "
			"rotated to yet (hedbctl key list)");
		return -ENOKEY;
	}
	for (i = 0; i < r->p->nargs; i++)
		if (r->column[i].clear && optable_is_secret(r->p->arg[i].type))
			r->seen.domain[i] = (uint16_t)policy_domain(g, r->seen.key_id, r->p->arg[i].type);
	return 0;
}

static bool open_column(struct eval *ev, struct run *r, int i, const uint8_t *want)
{
	ev->origin = (struct origin){.domain = POLICY_NONE, .set = &ev->sets[i]};
	if (!column_open(ev, &r->column[i], &r->arg[i], want))
		return false;
	if (ev->grant && !r->column[i].clear) {
		r->seen.domain[i] = ev->origin.domain;
		r->seen.keys[i] = ev->origin.keys;
		r->seen.computed |= (uint64_t)ev->origin.computed << i;
	}
	return true;
}

/* May the one who asks do that with what has been opened so far? */
static int check_policy(struct eval *ev, struct run *r)
{
	return ev->grant ? policy_check(ev->grant, r->p, &r->seen, r->verdict, r->e) : 0;
}

/* All that are opened then; `want` says of which rows, NULL of all. */
static int open_columns(
	struct eval *ev, struct run *r, enum when when, const uint8_t *want)
{
	int i;

	for (i = 0; i < r->p->nargs; i++)
		if (when_of(r, i) == when && !open_column(ev, r, i, want))
			return -ENOMEM;
	return check_policy(ev, r);
}

/* A byte for each row that the left side `v` of an AND or OR does not settle. */
static uint8_t *find_open(struct eval *ev, const struct vec *v, uint32_t rows, bool is)
{
	uint8_t *want = eval_alloc(ev, rows);
	uint32_t i;

	for (i = 0; want && i < rows; i++) {
		uint8_t s = v->state[ROW(v, i)];

		want[i] = s == ROW_NULL || (s == ROW_VALUE && !v->b[ROW(v, i)] != !is);
	}
	return want;
}

/* Before the right side that begins at instruction `at`: the rows of its arguments that
 * the left side, on top of the stack, leaves open. */
static int open_guarded(struct eval *ev, struct run *r, int at)
{
	const struct vec *left = &r->stack[r->depth - 1];
	bool alike = !left->step || left->rows == r->rows; /* else: of groups */
	uint8_t *want = NULL;
	bool any = false;
	int i;

	for (i = 0; i < r->p->nargs; i++) {
		if (r->p->arg[i].guard != at || when_of(r, i) != ON_DEMAND)
			continue;
		if (!want && alike)
			want = find_open(ev, left, r->rows, r->p->arg[i].guard_is);
		if ((!want && alike) || !open_column(ev, r, i, want))
			return -ENOMEM;
		any = true;
	}
	return any ? check_policy(ev, r) : 0;
}

static int run_instruction(
	struct eval *ev, struct run *r, const struct program_code *code, struct err_text *e)
{
	if (code->op)
		return code->grouped ? eval_op_by_group(ev, code->op, r->stack, &r->depth, e)
				     : eval_op(ev, code->op, r->stack, &r->depth, e);
	r->stack[r->depth] = code->copy ? r->stack[code->arg] : r->arg[code->arg];
	r->depth++;
	return 0;
}

static int run_code(struct eval *ev, struct run *r, int from, int to, struct err_text *e)
{
	int i, rc = 0;

	for (i = from; i < to && !rc; i++) {
		if (r->p->guarded && i > 0)
			rc = open_guarded(ev, r, i);
		if (!rc)
			rc = run_instruction(ev, r, &r->p->code[i], e);
	}
	return rc;
}

/* The first result decides which rows the others have. */
static int run_filtered(struct eval *ev, struct run *r, struct err_text *e)
{
	const struct program *p = r->p;
	uint8_t *want;
	int i, rc = run_code(ev, r, 0, p->first, e);

	if (rc)
		return rc;
	if (r->stack[0].step && r->stack[0].rows != r->rows) {
		err_set(e, "a filter of %u rows for %u", r->stack[0].rows, r->rows);
		return -EPROTO;
	}
	want = find_wanted(ev, &r->stack[0], r->rows);
	if (!want)
		return -ENOMEM;
	rc = open_columns(ev, r, BEHIND_FILTER, want);
	if (!rc)
		rc = run_code(ev, r, p->first, p->ncode, e);
	for (i = 1; i < p->nresults && !rc; i++)
		if (!mask_result(ev, &r->stack[i], want, r->rows))
			rc = -ENOMEM;
	return rc;
}

/* Is there a column whose values are used where they lie? */
static bool uses_request(const struct run *r)
{
	int i;

	for (i = 0; i < r->p->nargs; i++)
		if (r->column[i].clear && !optable_size(r->column[i].type))
			return true;
	return false;
}

/* What the results say in clear: count it, and hear whether they may. */
static int release(struct eval *ev, const struct run *r)
{
	uint64_t rows[RELEASES];

	if (!ev->releases || !release_count(rows, r->p, r->stack, r->rows))
		return 0;
	return ev->releases(ev->wanted_ctx, rows, r->e);
}

/* Is what it makes marked? Without a policy what nobody answers for is: a policy of later
 * has to know it. */
static enum policy_results results_of(const struct eval *ev, enum role role)
{
	return ev->grant ? ev->grant->results : role == ROLE_DB ? RESULTS_MARKED : RESULTS_KEPT;
}

static int run_program(struct eval *ev, enum role role, struct cursor *c, uint32_t rows,
	const struct program *p, struct verdict *verdict, bool filtered,
	uint8_t *(*room)(void *, uint64_t), void *ctx, struct err_text *e)
{
	enum policy_results how = results_of(ev, role);
	struct result result[PROGRAM_STACK];
	struct run r;
	int i, rc;

	r.p = p;
	r.e = e;
	r.verdict = verdict;
	r.depth = 0;
	r.rows = rows;
	r.filtered = filtered;
	rc = find_columns(ev, &r, c, e);
	if (!rc)
		rc = begin_seen(ev, &r);
	if (!rc)
		rc = open_columns(ev, &r, AT_ONCE, NULL);
	if (!rc && !filtered && !p->guarded && ev->opened_all && !uses_request(&r))
		ev->opened_all(ev->wanted_ctx);
	if (!rc)
		rc = filtered ? run_filtered(ev, &r, e) : run_code(ev, &r, 0, p->ncode, e);
	if (!rc)
		rc = release(ev, &r);
	if (rc)
		return rc;
	for (i = 0; i < p->nresults; i++) {
		result[i] = (struct result){&r.stack[i], p->result[i].reveal,
			p->result[i].made && how == RESULTS_MARKED};
		if (how == RESULTS_CLEAN)
			r.stack[i].computed = NULL;
	}
	ev->rows += rows;
	keep_columns(ev, &r);
	return results_write(ev, result, p->nresults, room, ctx);
}

/* The domain that the request names for its results, if it does. */
static int take_into(struct eval *ev, struct cursor *c, bool named, struct err_text *e)
{
	char name[KEYRING_DOMAIN_NAME + 1] = "";
	const uint8_t *at;
	uint8_t n;

	ev->into = KEYRING_DOMAINS;
	if (!named)
		return 0;
	n = cursor_u8(c);
	at = cursor_bytes(c, n);
	if (!at || c->bad || n > KEYRING_DOMAIN_NAME) {
		err_set(e, "the request ends within the name of a domain, or it is none");
		return -EPROTO;
	}
	memcpy(name, at, n);
	ev->into = keyring_domain(ev->keys, name);
	if (ev->into < keyring_domains(ev->keys) && keyring_active_in(ev->keys, ev->into))
		return 0;
	err_set(e, "there is no domain of keys of that name, or it has no active key: hedbctl key list");
	return -ENOKEY;
}

/* `req` is private. */
static int run_request(struct eval *ev, enum role role, const uint8_t *req, uint64_t len,
	uint8_t *(*room)(void *ctx, uint64_t len), void *ctx, struct err_text *e)
{
	struct cursor c = cursor_of(req, len);
	struct verdict unknown, *verdict = &unknown;
	const struct program *p;
	struct program scratch;
	const uint8_t *bytes;
	uint8_t nargs, more;
	bool filtered, named;
	uint16_t ncode;
	uint32_t n, rows;
	int rc;

	nargs = cursor_u8(&c);
	more = cursor_u8(&c);
	filtered = more & PROGRAM_FILTERED;
	named = more & PROGRAM_INTO;
	more &= (uint8_t)~(PROGRAM_FILTERED | PROGRAM_INTO);
	ncode = cursor_u16(&c);
	rows = cursor_u32(&c);
	n = 2u * nargs + 2u * ncode;
	if (c.bad || nargs > PROGRAM_ARGS_MAX || ncode == 0 ||
		ncode > PROGRAM_CODE_MAX || rows == 0 || rows > PROGRAM_WHOLE_ROWS_MAX) {
		err_set(e, "impossible request: %u arguments, %u instructions, %u rows", nargs,
			ncode, rows);
		return -EPROTO;
	}
	rc = take_into(ev, &c, named, e);
	if (rc)
		return rc;
	bytes = cursor_bytes(&c, n);
	if (!bytes) {
		err_set(e, "the request ends within its program");
		return -EPROTO;
	}
	unknown.role = 0;
	rc = find_program(ev, bytes, n, nargs, ncode, &scratch, &p, &verdict, e);
	if (rc)
		return rc;
	if (rows > p->rows_max) {
		err_set(e, "%u rows, and this program takes %u", rows, p->rows_max);
		return -EPROTO;
	}
	if (more + 1 != p->nresults || (filtered && p->result[0].type != T_PUB_BOOL)) {
		err_set(e, "%u results left, %u expected; a filter is a boolean", p->nresults,
			more + 1);
		return -EPROTO;
	}
	if (role < p->role && !ev->grant) {
		err_set(e, "encrypting and decrypting need a client credential");
		return -EACCES;
	}
	if (ev->lasts && (p->lasts || rows > FEW_ROWS))
		ev->lasts(ev->wanted_ctx);
	return run_program(ev, role, &c, rows, p, verdict, filtered, room, ctx, e);
}

int eval_run(struct eval *ev, enum role role, const uint8_t *req, uint64_t len, bool shared,
	uint8_t *(*room)(void *ctx, uint64_t len), void *ctx, struct err_text *e)
{
	int rc = -ENOMEM;

	eval_done(ev);
	ev->no_memory = false;
	ev->work = 0;
	ev->canonical = (struct canonical){.bytes = NULL};
	ev->grouping.of = NULL;
	if (shared && len) { /* early: value.h tells why */
		uint8_t *copy = eval_alloc(ev, len);

		req = copy ? memcpy(copy, req, len) : NULL;
	}
	if (!ev->no_memory)
		rc = run_request(ev, role, req, len, room, ctx, e);
	if (rc == -ENOMEM)
		err_set(e, "the request needs more memory than there is");
	if (rc == -ENOKEY && !e->s[0])
		err_set(e, "the domain of keys of a result has no active key (hedbctl key list)");
	return rc;
}

void eval_done(struct eval *ev)
{
	if (ev->arena.at != ev->arena.first)
		arena_reset(&ev->arena);
}

struct eval *eval_create(const struct gcm_backend *gcm, const struct keyring *keys)
{
	/* sodium_malloc: guarded, locked, excluded from core dumps, wiped when freed. It
	 * aligns to the end of a page; eval wants the start of a pair of lines. */
	size_t size = (sizeof(struct eval) + 127) & ~(size_t)127;
	struct eval *ev = sodium_malloc(size);

	if (!ev)
		return NULL;
	memset(ev, 0, sizeof *ev);
	ev->keys = keys;
	ev->many = keyring_domains(keys) > 1;
	if (value_sealer_init(&ev->sealer, gcm, keys)) {
		sodium_free(ev);
		return NULL;
	}
	value_opener_init(&ev->opener, gcm, keys);
	arena_init(&ev->arena, ev->first, sizeof ev->first, EVAL_MEMORY_MAX, secret_alloc,
		secret_free);
	ev->arena.keep = EVAL_KEEP;
	return ev;
}

void eval_destroy(struct eval *ev)
{
	unsigned d;

	if (!ev)
		return;
	arena_fini(&ev->arena);
	collators_fini(&ev->collators);
	value_opener_fini(&ev->opener);
	value_sealer_fini(&ev->sealer);
	for (d = 0; d < EVAL_SEALERS; d++)
		if (ev->others[d].keys)
			value_sealer_fini(&ev->others[d]);
	sodium_free(ev);
}
