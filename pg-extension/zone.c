/* SPDX-License-Identifier: BSD-3-Clause */
#include "zone.h"

#include "access/xact.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/pmsignal.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "btree.h"
#include "memo.h"
#include "prove.h"
#include "watch.h"

enum {
	PATIENCE_MS = 1000, /* of zone_try() */
	SCARCE = 8, /* fewer than one channel in so many is free: do not keep ours */
};

static struct {
	struct region region;
	struct ops_client client;
	struct trust *trust; /* the client's; NULL: plain channels */
	bool open;   /* the region is mapped and the client initialised */
	bool hooked; /* exit and transaction callbacks are registered */
	bool stale;  /* a setting changed since */
	bool hold;   /* the channel's session has a challenge to answer */
} zone;

/* ---- errors ---- */

/* The one translation of an errno of common/ to SQL. */
static const struct {
	int rc;
	int sqlstate;
	const char *hint; /* %s: the region */
} errors[] = {
	{-ETIMEDOUT, ERRCODE_CONNECTION_FAILURE,
		"Is ops_server running on this region? Try: hedbctl ping %s"},
	{-EOWNERDEAD, ERRCODE_CONNECTION_FAILURE,
		"Is ops_server running on this region? Try: hedbctl ping %s"},
	{-ENOENT, ERRCODE_CONNECTION_FAILURE,
		"Make the region with: hedbctl region format %s; then start ops_server. Or correct "
		"hedb.region."},
	{-EMEDIUMTYPE, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
		"hedb.region and hedb.region_offset must name a region made by: hedbctl region "
		"format %s"},
	{-EFBIG, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
		"hedb.region and hedb.region_offset must name a region made by: hedbctl region "
		"format %s"},
	{-EINVAL, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
		"The region must have a service \"ops\": hedbctl region format %s"},
	{-EUSERS, ERRCODE_TOO_MANY_CONNECTIONS,
		"Format region %s with more channels, or set hedb.channel_wait to \"wait\"."},
	{-EACCES, ERRCODE_INSUFFICIENT_PRIVILEGE, NULL},
	{-ENOKEY, ERRCODE_UNDEFINED_FILE, NULL},
	{-ECONNREFUSED, ERRCODE_CONNECTION_FAILURE,
		"Start ops_server on %s with --secure, or turn hedb.secure off."},
	{-EPROTO, ERRCODE_PROTOCOL_VIOLATION, NULL},
	{-EBADMSG, ERRCODE_DATA_CORRUPTED, NULL},
	{-ENOMEM, ERRCODE_OUT_OF_MEMORY, NULL},
	{-EMSGSIZE, ERRCODE_PROGRAM_LIMIT_EXCEEDED, NULL},
};

static void raise_errno(int rc, const struct err_text *e) pg_attribute_noreturn();
static void raise_errno(int rc, const struct err_text *e)
{
	int sqlstate = ERRCODE_SYSTEM_ERROR;
	const char *hint = NULL;
	size_t i;

	for (i = 0; i < lengthof(errors); i++)
		if (errors[i].rc == rc) {
			sqlstate = errors[i].sqlstate;
			hint = errors[i].hint;
		}
	if (rc == -EACCES && strstr(e->s, "domain"))
		hint = "A session may use the domains of the role that it has proved: hedb_prove().";
	ereport(ERROR, (errcode(sqlstate), errmsg("%s", e->s[0] ? e->s : err_name(rc)),
			hint ? errhint(hint, hedb_region) : 0));
}

/* The error that a row's state stands for. */
void zone_raise_state(uint32 state)
{
	struct op_error_info e = optable_error(state);
	const char *hint = NULL;

	if (!e.message)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
				errmsg("ops_server answered with an unknown row state %u", state)));
	if (state == ROW_FORGED)
		hint = "A stored value was changed, or ops_server runs with other keys than the "
			   "ones that made it.";
	else if (state == ROW_NO_KEY)
		hint = "Start ops_server with the key file that holds this key.";
	else if (state == ROW_KEY_DESTROYED)
		hint = "It can not be read any more, unless a backup of the key file has the key. "
			   "hedb.key_usage() counts such values.";
	else if (state == ROW_LOCALE)
		hint = "Take a locale as in PostgreSQL's own ICU collations, 'de-DE', or one of its other "
			   "orders by a language tag, 'de-u-co-phonebk'.";
	ereport(ERROR, (errcode(MAKE_SQLSTATE(e.sqlstate[0], e.sqlstate[1], e.sqlstate[2],
						e.sqlstate[3], e.sqlstate[4])),
			errmsg("%s", e.message), hint ? errhint("%s", hint) : 0));
}

void zone_raise_reply(uint64_t len, uint8_t type)
{
	ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
			errmsg("ops_server answered %llu bytes that are no result of type %s",
				(unsigned long long)len, optable_type(type).name)));
}

void zone_raise_unknown(void)
{
	ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
			errmsg("ops_server does not have a value that it was sent")));
}

/* ---- life of the session ---- */

/*
 * A pause of a call; leaves it when the query is over. An index compares while it holds
 * a page's lock, and then PostgreSQL postpones interrupts: but an error is allowed
 * there, and it is better than a page that stays locked as long as the zone is away.
 */
static void check_interrupts(void *ctx)
{
	CHECK_FOR_INTERRUPTS();
	if (InterruptPending && CritSectionCount == 0 && (QueryCancelPending || ProcDiePending))
		ereport(ERROR,
			(errcode(ProcDiePending ? ERRCODE_ADMIN_SHUTDOWN : ERRCODE_QUERY_CANCELED),
				errmsg("canceling statement while it waits for ops_server")));
	if (IsUnderPostmaster && !PostmasterIsAlive())
		proc_exit(1);
}

static void close_zone(void)
{
	if (zone.open) {
		zone.open = false;
		ops_client_fini(&zone.client);
		region_close(&zone.region);
	}
	trust_drop(zone.trust);
	zone.trust = NULL;
}

static void at_exit(int code, Datum arg)
{
	close_zone();
}

/* Others wait for a channel: give ours back while we do not compute. The number of free
 * ones is the server's hint. */
static void at_transaction_end(XactEvent event, void *arg)
{
	const struct service_geometry *g;

	if (!zone.open || zone.hold || event == XACT_EVENT_PRE_COMMIT ||
		event == XACT_EVENT_PARALLEL_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE)
		return;
	zone_abandon();
	if (!zone.client.attached)
		return;
	g = zone.client.chan.service;
	if (shm_load32(&g->shm->free_channels) < (g->nchannels + SCARCE - 1) / SCARCE)
		ops_release(&zone.client);
}

/* What became of files that were replaced while we had them. */
static void say_files(const char *sentence)
{
	ereport(LOG, (errmsg("hedb: %s", sentence)));
}

/* Whom sealed channels are for. */
static void load_trust(void)
{
	const struct trust_files files = {.cert = hedb_cert_file, .key = hedb_key_file,
		.ca = hedb_ca_file, .crl = hedb_crl_file, .psk = hedb_psk_file};
	const struct watch_patience patience = {
		.timeout_ms = hedb_timeout && hedb_timeout < WATCH_FETCH_MS ? (uint64_t)hedb_timeout
																	: WATCH_FETCH_MS,
		.idle = check_interrupts};
	struct err_text e = {""};
	int rc;

	if (!hedb_secure)
		return;
	/* Left by an interrupt: close_zone() drops what is there by then. */
	pgstat_report_wait_start(PG_WAIT_EXTENSION);
	rc = watch_load(&zone.trust, &files, hedb_sec_mgr, hedb_sec_pool, &patience, &e);
	pgstat_report_wait_end();
	if (rc)
		ereport(ERROR, (errcode(rc == -ETIMEDOUT ? ERRCODE_CONNECTION_FAILURE
											: ERRCODE_CONFIG_FILE_ERROR),
				errmsg("no sealed channel to ops_server: %s", e.s[0] ? e.s : err_name(rc)),
				errhint("See hedb.secure, hedb.cert_file, hedb.key_file, hedb.ca_file and hedb.sec_mgr.")));
	zone.trust->say = say_files;
}

static void open_zone(void)
{
	struct chan_config config = {.spin_ns = (uint64_t)hedb_spin_us * 1000,
		.delay_ns = chan_delay_from_env()};
	struct err_text e = {""};
	int rc;

	close_zone();
	if (!hedb_region[0])
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("hedb.region is not set"),
				errhint("Set it to the file or device that ops_server serves, or start "
					"the server with HEDB_REGION in its environment.")));
	if (!zone.hooked) {
		before_shmem_exit(at_exit, 0);
		RegisterXactCallback(at_transaction_end, NULL);
		zone.hooked = true;
	}
	load_trust();
	rc = region_open(&zone.region, hedb_region, (uint64_t)hedb_region_offset * 1024, 0, &e);
	if (rc)
		raise_errno(rc, &e);
	ops_client_init(&zone.client, &zone.region, &config, message_heap, MaxAllocSize);
	zone.client.idle = check_interrupts;
	zone.client.trust = zone.trust;
	zone.client.has_pass = prove_pass(zone.client.pass);
	zone.open = true;
	zone.stale = false;
}

void zone_reset(void)
{
	zone.stale = true;
	memo_reset();
	btree_reset();
}

/* Is there a credential, and can it be read? */
static void need_credential(void)
{
	struct err_text e = {""};
	int rc;

	if (zone.trust)
		return;
	if (!hedb_client_credential[0])
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("encrypting and decrypting here needs a client credential"),
				errhint("A superuser can name its file in hedb.client_credential. It lets "
					"this database server see plaintext: for development only.")));
	rc = ops_credential_read(zone.client.credential, hedb_client_credential, &e);
	if (rc == -EMEDIUMTYPE || rc == -ENOENT || rc == -EACCES)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("%s", e.s),
				errhint("hedb.client_credential must name a file that "
					"\"hedbctl key credential\" made and only the database server's "
					"user can read.")));
	if (rc)
		raise_errno(rc, &e);
}

uint64_t zone_piece(void)
{
	return zone.client.attached ? (uint64_t)ring_frame_max(&zone.client.chan.tx) * 2 / 3 : 0;
}

/* Attach anew as a client; the session keeps that role from then on. */
static void become_client(void)
{
	need_credential();
	ops_release(&zone.client);
	zone.client.role = ROLE_CLIENT;
}

/* ---- calls ---- */

/* A session that may do what `role` may. */
static struct ops_client *have_client(enum role role)
{
	struct ops_client *c = &zone.client;

	if (unlikely(!zone.open || (zone.stale && !ops_holds(c))))
		open_zone();
	/* Who has proved a role of the policy stays in it, and that says what it may. */
	if (unlikely(role > c->role && !c->has_pass))
		become_client();
	c->wait_channel_ms = hedb_channel_wait == CHANNEL_ERROR ? 0
						 : hedb_timeout ? (uint64_t)hedb_timeout
										: UINT64_MAX;
	return c;
}

static void raise_if(int rc, const struct err_text *e)
{
	if (likely(rc == 0))
		return;
	if (rc == -EACCES && zone.client.role != ROLE_DB) { /* else every call from now on would ask for the role */
		ops_release(&zone.client);
		zone.client.role = ROLE_DB;
	}
	raise_errno(rc, e);
}

uint64 zone_waited(void)
{
	return zone.client.ticks_waiting;
}

uint64 zone_waited_since(uint64 before)
{
	uint64 now = zone_waited();

	return now - (now < before ? 0 : before); /* less: the session is a new one */
}

const uint8_t *zone_ask(
	enum role role, uint64_t len, ops_fill *fill, void *arg, uint64_t *reply_len)
{
	struct ops_client *c = have_client(role);
	struct err_text e;
	const uint8_t *reply;
	int rc;

	e.s[0] = 0;
	pgstat_report_wait_start(PG_WAIT_EXTENSION);
	rc = ops_call(c, OPS_EVAL, len, fill, arg, (uint64_t)hedb_timeout, &reply, reply_len, &e);
	pgstat_report_wait_end();
	if (unlikely(rc == -ESTALE))
		return NULL;
	raise_if(rc, &e);
	return reply;
}

static void fill_small(void *arg, uint8_t *at, uint64_t len)
{
	if (len)
		memcpy(at, arg, len);
}

const uint8_t *zone_tell(uint8_t kind, const void *bytes, uint64_t len, uint64_t *reply_len)
{
	struct ops_client *c = have_client(ROLE_DB);
	struct err_text e = {""};
	const uint8_t *reply;
	int rc;

	pgstat_report_wait_start(PG_WAIT_EXTENSION);
	rc = ops_call(c, kind, len, fill_small, (void *)bytes, (uint64_t)hedb_timeout, &reply,
		reply_len, &e);
	pgstat_report_wait_end();
	zone.hold = kind == OPS_HELLO && rc == 0;
	raise_if(rc, &e);
	return reply;
}

void zone_take_pass(const uint8_t *pass)
{
	zone.client.has_pass = pass != NULL;
	if (pass)
		memcpy(zone.client.pass, pass, OPS_PASS);
}

const uint8_t *zone_call(
	enum role role, uint64_t len, ops_fill *fill, void *arg, uint64_t *reply_len)
{
	const uint8_t *reply = zone_ask(role, len, fill, arg, reply_len);

	if (unlikely(!reply))
		zone_raise_unknown();
	return reply;
}

char *zone_status(void)
{
	struct ops_client *c = have_client(ROLE_DB);
	const uint8_t *reply;
	struct err_text e;
	uint64_t len;
	int rc;

	e.s[0] = 0;
	pgstat_report_wait_start(PG_WAIT_EXTENSION);
	rc = ops_call(c, OPS_STATUS, 0, NULL, NULL, (uint64_t)hedb_timeout, &reply, &len, &e);
	pgstat_report_wait_end();
	raise_if(rc, &e);
	return pnstrdup((const char *)reply, len);
}

static ErrorData *take_error(MemoryContext context)
{
	ErrorData *e;

	MemoryContextSwitchTo(context);
	e = CopyErrorData();
	if (e->sqlerrcode == ERRCODE_QUERY_CANCELED || e->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN)
		PG_RE_THROW();
	FlushErrorState();
	return e;
}

bool zone_try(void (*work)(void *arg), void *arg, ErrorData **why)
{
	static TimestampTz given_up;
	MemoryContext context = CurrentMemoryContext;
	volatile bool done = false;
	const int timeout = hedb_timeout;

	*why = NULL;
	if (given_up == GetCurrentStatementStartTimestamp())
		return false;
	PG_TRY();
	{
		if (timeout == 0 || timeout > PATIENCE_MS)
			hedb_timeout = PATIENCE_MS;
		work(arg);
		done = true;
	}
	PG_CATCH();
	{
		hedb_timeout = timeout;
		given_up = GetCurrentStatementStartTimestamp();
		*why = take_error(context);
	}
	PG_END_TRY();
	hedb_timeout = timeout;
	return done;
}

void zone_drop(struct zone_ticket *t)
{
	if (zone_pending(t))
		ops_drop(&zone.client, &t->ticket);
}

static void ticket_dropped(void *arg)
{
	zone_drop(arg);
}

void zone_ticket_init(struct zone_ticket *t, MemoryContext owner)
{
	memset(t, 0, sizeof *t);
	t->dropped.func = ticket_dropped;
	t->dropped.arg = t;
	MemoryContextRegisterResetCallback(owner, &t->dropped);
}

void zone_submit(
	enum role role, uint64_t len, ops_fill *fill, void *arg, bool goes_on, struct zone_ticket *t)
{
	struct ops_client *c = have_client(role);
	struct err_text e;
	int rc;

	zone_drop(t);
	e.s[0] = 0;
	pgstat_report_wait_start(PG_WAIT_EXTENSION);
	rc = ops_submit(c, OPS_EVAL, len, fill, arg, goes_on, (uint64_t)hedb_timeout, &t->ticket, &e);
	pgstat_report_wait_end();
	raise_if(rc, &e);
}

const uint8_t *zone_collect(struct zone_ticket *t, uint64_t *len)
{
	struct err_text e;
	const uint8_t *reply;
	int rc;

	e.s[0] = 0;
	pgstat_report_wait_start(PG_WAIT_EXTENSION);
	rc = ops_collect(
		&zone.client, &t->ticket, (uint64_t)hedb_timeout, &reply, len, &e);
	pgstat_report_wait_end();
	raise_if(rc, &e);
	return reply;
}

void zone_abandon(void)
{
	if (zone.open)
		ops_give_up(&zone.client);
}

/* ---- statistics ---- */

PG_FUNCTION_INFO_V1(hedb_stat_channel);
Datum hedb_stat_channel(PG_FUNCTION_ARGS)
{
	const struct ops_client *c = &zone.client;
	bool attached = zone.open && c->attached;
	bool nulls[7] = {!attached, !attached};
	Datum values[7] = {0};
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int32GetDatum(attached ? (int32)c->chan.index : 0);
	values[1] = Int64GetDatum(attached ? (int64)c->chan.gen : 0);
	values[2] = Int64GetDatum((int64)c->calls);
	values[3] = Int64GetDatum((int64)c->retries);
	values[4] = Int64GetDatum((int64)c->chan.slept);
	values[5] = Int64GetDatum((int64)c->chan.rung);
	values[6] = Float8GetDatum((double)clock_to_ns(c->ticks_waiting) / 1e6);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
