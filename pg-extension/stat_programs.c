/* SPDX-License-Identifier: BSD-3-Clause */
#include "stat_programs.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "clock.h"
#include "zone.h"

enum { LOCAL_MAX = 1000 }; /* programs of one process */

static int hedb_stat_programs_max;

/* A program of the server. */
struct shared_stat {
	struct stat_key key;
	struct stat_counts count;
	uint16 len;
	uint8 program[STAT_PROGRAM_MAX];
};

static HTAB *shared; /* NULL: not preloaded */
static LWLock *lock; /* of it */
static HTAB *local;
static struct program_stat *pending;
static void publish_all(bool wait);
static shmem_request_hook_type next_request;
static shmem_startup_hook_type next_startup;

/* ---- this process ---- */

/* What makes the program: not its rows, nor how an argument happens to cross. */
static uint16 identify(uint8 *to, const uint8_t *head, uint32_t head_len)
{
	uint8 nargs = head[0], i;

	to[0] = nargs;
	to[1] = head[2];
	memcpy(to + 2, head + PROGRAM_HEADER, head_len - PROGRAM_HEADER);
	for (i = 0; i < nargs; i++)
		to[2 + 2 * i + 1] &= ARG_CLEAR;
	return (uint16)(head_len - PROGRAM_HEADER + 2);
}

/* For telling programs apart, nothing more. */
static void digest(uint64 to[2], const uint8 *program, uint16 len)
{
	to[0] = hash_bytes_extended(program, len, 0);
	to[1] = hash_bytes_extended(program, len, 1);
}

static void at_exit(int code, Datum arg)
{
	publish_all(true);
}

static void open_local(void)
{
	HASHCTL ctl = {.keysize = sizeof(struct stat_key),
		.entrysize = sizeof(struct program_stat), .hcxt = TopMemoryContext};

	before_shmem_exit(at_exit, 0);
	local = hash_create("hedb programs", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static struct program_stat *enter(const struct stat_key *key, const uint8 *program, uint16 len)
{
	static struct program_stat others; /* counts, but is not shown */
	struct program_stat *s = hash_search(local, key, HASH_FIND, NULL);

	if (s)
		return s;
	if (hash_get_num_entries(local) >= LOCAL_MAX)
		return &others;
	s = hash_search(local, key, HASH_ENTER, NULL);
	memset((char *)s + sizeof s->key, 0, sizeof *s - sizeof s->key);
	memcpy(s->program, program, len);
	s->len = len;
	return s;
}

struct program_stat *stat_program(
	struct program_stat *last, const uint8_t *head, uint32_t head_len)
{
	struct stat_key key = {.user = GetUserId(), .database = MyDatabaseId};
	uint8 program[STAT_PROGRAM_MAX];
	uint16 len;

	if (likely(last && last->key.user == key.user))
		return last;
	if (!local)
		open_local();
	len = identify(program, head, head_len);
	digest(key.digest, program, len);
	return enter(&key, program, len);
}

static void add(struct stat_counts *to, const struct stat_counts *more)
{
	to->calls += more->calls;
	to->requests += more->requests;
	to->rows += more->rows;
	to->bytes_sent += more->bytes_sent;
	to->bytes_received += more->bytes_received;
	to->ticks += more->ticks;
}

void stat_count(struct program_stat *s, const struct stat_counts *more)
{
	add(&s->count, more);
	if (s->pending || !s->len)
		return;
	s->pending = true;
	s->next = pending;
	pending = s;
}

void stat_count_call(
	struct program_stat *s, uint64 rows, uint64 sent, uint64 received, uint64 before)
{
	struct stat_counts n = {.calls = 1, .requests = 1, .rows = rows, .bytes_sent = sent,
		.bytes_received = received, .ticks = zone_waited_since(before)};

	stat_count(s, &n);
}

/* ---- the server ---- */

/* Caller holds the lock. */
static void make_room(void)
{
	struct shared_stat *s, *least = NULL;
	HASH_SEQ_STATUS all;

	if (hash_get_num_entries(shared) < hedb_stat_programs_max)
		return;
	hash_seq_init(&all, shared);
	while ((s = hash_seq_search(&all)) != NULL)
		if (!least || s->count.requests < least->count.requests)
			least = s;
	if (least)
		hash_search(shared, &least->key, HASH_REMOVE, NULL);
}

/* Caller holds the lock. */
static void publish(struct program_stat *p)
{
	struct shared_stat *s = hash_search(shared, &p->key, HASH_FIND, NULL);

	if (!s) {
		make_room();
		s = hash_search(shared, &p->key, HASH_ENTER_NULL, NULL);
		p->pending = s != NULL;
		if (!s)
			return;
		memset(&s->count, 0, sizeof s->count);
		s->len = p->len;
		memcpy(s->program, p->program, p->len);
	}
	add(&s->count, &p->count);
	memset(&p->count, 0, sizeof p->count);
	p->pending = false;
}

/* Have all that was counted in shared memory; if somebody is at it, perhaps later. */
static void publish_all(bool wait)
{
	if (!shared || !pending)
		return;
	if (wait)
		LWLockAcquire(lock, LW_EXCLUSIVE);
	else if (!LWLockConditionalAcquire(lock, LW_EXCLUSIVE))
		return;
	for (; pending; pending = pending->next)
		publish(pending);
	LWLockRelease(lock);
}

static void at_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PARALLEL_COMMIT || event == XACT_EVENT_PARALLEL_ABORT)
		publish_all(IsParallelWorker());
}

static void request_shared(void)
{
	if (next_request)
		next_request();
	RequestAddinShmemSpace(
		hash_estimate_size(hedb_stat_programs_max, sizeof(struct shared_stat)));
	RequestNamedLWLockTranche("hedb_stat_programs", 1);
}

static void start_shared(void)
{
	HASHCTL ctl = {.keysize = sizeof(struct stat_key),
		.entrysize = sizeof(struct shared_stat)};

	if (next_startup)
		next_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitHash("hedb programs", hedb_stat_programs_max, hedb_stat_programs_max,
		&ctl, HASH_ELEM | HASH_BLOBS);
	lock = &GetNamedLWLockTranche("hedb_stat_programs")->lock;
	LWLockRelease(AddinShmemInitLock);
}

void stat_programs_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
	if (!process_shared_preload_libraries_in_progress)
		return;
	DefineCustomIntVariable("hedb.stat_programs_max", "Programs that hedb_stat_programs has.",
		NULL, &hedb_stat_programs_max, 500, 10, 100000, PGC_POSTMASTER, 0, NULL, NULL, NULL);
	next_request = shmem_request_hook;
	shmem_request_hook = request_shared;
	next_startup = shmem_startup_hook;
	shmem_startup_hook = start_shared;
}

/* ---- the view ---- */

/* As EXPLAIN (VERBOSE) shows it; $1 is the program's first argument. */
static char *program_text(const uint8 *program)
{
	const uint8 *at = program + 2 + 2 * program[0];
	StringInfoData s;
	int i;

	initStringInfo(&s);
	for (i = 0; i < program[1]; i++) {
		uint16 word;

		memcpy(&word, at + 2 * i, sizeof word);
		appendStringInfoString(&s, i ? " " : "");
		if (word & PROGRAM_PUSH)
			appendStringInfo(&s, "$%d", (word & ~PROGRAM_PUSH) + 1);
		else if (word & PROGRAM_GROUPED)
			appendStringInfo(&s, "%s/group", optable_op(word & ~PROGRAM_GROUPED)->name);
		else if (word & PROGRAM_COPY)
			appendStringInfo(&s, "=%d", (word & ~PROGRAM_COPY) + 1);
		else
			appendStringInfoString(&s, optable_op(word)->name);
	}
	return s.data;
}

/* The types of its arguments. */
static char *program_arguments(const uint8 *program)
{
	StringInfoData s;
	int i;

	initStringInfo(&s);
	for (i = 0; i < program[0]; i++)
		appendStringInfo(&s, "%s%s%s", i ? ", " : "",
			optable_type(program[2 + 2 * i]).name,
			program[2 + 2 * i + 1] & ARG_CLEAR ? " in clear" : "");
	return s.data;
}

static void show(ReturnSetInfo *to, const struct stat_key *key, const struct stat_counts *n,
	const uint8 *program, bool all)
{
	bool nulls[11] = {false}, mine = all || key->user == GetUserId();
	Datum v[11];

	nulls[2] = nulls[4] = !mine;
	v[0] = ObjectIdGetDatum(key->user);
	v[1] = ObjectIdGetDatum(key->database);
	v[2] = mine ? CStringGetTextDatum(psprintf("%016" INT64_MODIFIER "x%016" INT64_MODIFIER "x",
				key->digest[0], key->digest[1])) : (Datum)0;
	v[3] = CStringGetTextDatum(mine ? program_text(program) : "<insufficient privilege>");
	v[4] = mine ? CStringGetTextDatum(program_arguments(program)) : (Datum)0;
	v[5] = Int64GetDatum((int64)n->calls);
	v[6] = Int64GetDatum((int64)n->requests);
	v[7] = Int64GetDatum((int64)n->rows);
	v[8] = Int64GetDatum((int64)n->bytes_sent);
	v[9] = Int64GetDatum((int64)n->bytes_received);
	v[10] = Float8GetDatum((double)clock_to_ns(n->ticks) / 1e6);
	tuplestore_putvalues(to->setResult, to->setDesc, v, nulls);
}

PG_FUNCTION_INFO_V1(hedb_stat_programs);
Datum hedb_stat_programs(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *to = (ReturnSetInfo *)fcinfo->resultinfo;
	bool all = has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS);
	struct shared_stat *s;
	struct program_stat *p;
	HASH_SEQ_STATUS seq;

	InitMaterializedSRF(fcinfo, 0);
	publish_all(true);
	if (shared) {
		LWLockAcquire(lock, LW_SHARED);
		hash_seq_init(&seq, shared);
		while ((s = hash_seq_search(&seq)) != NULL)
			show(to, &s->key, &s->count, s->program, all);
		LWLockRelease(lock);
	} else if (local) {
		hash_seq_init(&seq, local);
		while ((p = hash_seq_search(&seq)) != NULL)
			if (p->pending)
				show(to, &p->key, &p->count, p->program, all);
	}
	return (Datum)0;
}

PG_FUNCTION_INFO_V1(hedb_stat_programs_reset);
Datum hedb_stat_programs_reset(PG_FUNCTION_ARGS)
{
	struct shared_stat *s;
	HASH_SEQ_STATUS seq;

	for (; pending; pending = pending->next) {
		memset(&pending->count, 0, sizeof pending->count);
		pending->pending = false;
	}
	if (!shared)
		PG_RETURN_VOID();
	LWLockAcquire(lock, LW_EXCLUSIVE);
	hash_seq_init(&seq, shared);
	while ((s = hash_seq_search(&seq)) != NULL)
		hash_search(shared, &s->key, HASH_REMOVE, NULL);
	LWLockRelease(lock);
	PG_RETURN_VOID();
}
