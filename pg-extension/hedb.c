/* SPDX-License-Identifier: BSD-3-Clause */
#include "hedb.h"

#include <limits.h>
#include <stdlib.h>

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "fuse.h"
#include "literal.h"
#include "node.h"
#include "placeholder.h"
#include "prove.h"
#include "scalar.h"
#include "stat_programs.h"
#include "zone.h"

PG_MODULE_MAGIC;

void _PG_init(void);

int hedb_mode;
bool hedb_enable_batch;
int hedb_batch;
int hedb_timeout;
int hedb_spin_us;
int hedb_channel_wait;
int hedb_region_offset;
char *hedb_region;
char *hedb_client_credential;
bool hedb_secure;
char *hedb_cert_file, *hedb_key_file, *hedb_ca_file, *hedb_crl_file, *hedb_psk_file;
char *hedb_sec_mgr, *hedb_sec_pool;

static const struct config_enum_entry modes[] = {
	{"server", MODE_SERVER, false}, {"client", MODE_CLIENT, false}, {NULL, 0, false}};

static const struct config_enum_entry channel_waits[] = {
	{"wait", CHANNEL_WAIT, false}, {"error", CHANNEL_ERROR, false}, {NULL, 0, false}};

/* Who asks for client mode in a session learns at once that it cannot be had. Settings
 * of a database or role, and what a parallel worker inherits, come in any order: there
 * the first operation that needs the credential complains. */
static bool mode_check(int *mode, void **extra, GucSource source)
{
	if (*mode != MODE_CLIENT || source != PGC_S_SESSION || InitializingParallelWorker ||
		hedb_secure || /* the certificate's roles decide, in ops_server */
		(hedb_client_credential && hedb_client_credential[0]))
		return true;
	GUC_check_errcode(ERRCODE_INSUFFICIENT_PRIVILEGE);
	GUC_check_errmsg("client mode needs a client credential");
	GUC_check_errhint("A superuser can name its file in hedb.client_credential. It lets this "
					  "database server see plaintext: for development only.");
	return false;
}

static void changed_string(const char *value, void *extra)
{
	zone_reset();
}

static void changed_int(int value, void *extra)
{
	zone_reset();
}

static void changed_bool(bool value, void *extra)
{
	zone_reset();
}

/* ---- definitions, each with what was set before (placeholder.h) ---- */

static void string_setting(const char *name, const char *what, const char *more, char **at,
	const char *boot, int flags)
{
	DefineCustomStringVariable(name, what, more, at,
		placeholder_string(name, PGC_SUSET, boot), PGC_SUSET, flags, NULL, changed_string,
		NULL);
}

static void int_setting(const char *name, const char *what, const char *more, int *at,
	int boot, int min, int max, GucContext context, int flags, GucIntAssignHook changed)
{
	int value = placeholder_int(name, context, boot, flags);

	DefineCustomIntVariable(name, what, more, at, value < min || value > max ? boot : value,
		min, max, context, flags, NULL, changed, NULL);
}

static void bool_setting(const char *name, const char *what, const char *more, bool *at,
	bool boot, GucContext context, GucBoolAssignHook changed)
{
	DefineCustomBoolVariable(name, what, more, at, placeholder_bool(name, context, boot),
		context, 0, NULL, changed, NULL);
}

static void enum_setting(const char *name, const char *what, const char *more, int *at,
	int boot, const struct config_enum_entry *options, GucEnumCheckHook check)
{
	DefineCustomEnumVariable(name, what, more, at,
		placeholder_enum(name, PGC_USERSET, boot, options), options, PGC_USERSET, 0, check,
		NULL, NULL);
}

/* What sealed channels need; see hedb.secure. */
static void define_secure(void)
{
	const struct {
		const char *name, *what;
		char **at;
	} files[] = {
		{"hedb.cert_file", "Certificate that this server shows to ops_server.", &hedb_cert_file},
		{"hedb.key_file", "The key of hedb.cert_file.", &hedb_key_file},
		{"hedb.ca_file", "Certificate of the zone's CA.", &hedb_ca_file},
		{"hedb.crl_file", "Certificates that the zone's CA has revoked.", &hedb_crl_file},
		{"hedb.psk_file", "Pre-shared key instead of a certificate.", &hedb_psk_file},
		{"hedb.sec_mgr", "The manager, HOST:PORT, that says which channels may be used.", &hedb_sec_mgr},
		{"hedb.sec_pool", "What the manager calls the region's memory; default: pool.", &hedb_sec_pool},
	};
	size_t i;

	bool_setting("hedb.secure", "Sealed channels to ops_server, or none.",
		"Needs hedb.cert_file, hedb.key_file and hedb.ca_file, or hedb.psk_file. The "
		"certificate's roles take the place of hedb.client_credential.",
		&hedb_secure, false, PGC_SUSET, changed_bool);
	for (i = 0; i < sizeof files / sizeof files[0]; i++)
		string_setting(files[i].name, files[i].what, NULL, files[i].at, "",
			GUC_SUPERUSER_ONLY);
}

static void define_all(void)
{
	const char *region = getenv("HEDB_REGION");

	string_setting("hedb.region", "Region that ops_server serves.",
		"A file, a PCI BAR (.../resource2) or a UIO device; default: HEDB_REGION in the "
		"server's environment.",
		&hedb_region, region ? region : "", 0);
	int_setting("hedb.region_offset", "Where the region starts in it.", NULL,
		&hedb_region_offset, 0, 0, INT_MAX, PGC_SUSET, GUC_UNIT_KB, changed_int);
	string_setting("hedb.client_credential",
		"Credential file that allows encrypting and decrypting in this server.",
		"For development: whoever has it sees plaintext.", &hedb_client_credential, "",
		GUC_SUPERUSER_ONLY);
	define_secure();
	prove_define();
	enum_setting("hedb.mode", "What text input and output of encrypted types is.",
		"server: ciphertext; client: plaintext, with a client credential.", &hedb_mode,
		MODE_SERVER, modes, mode_check);
	int_setting("hedb.timeout", "Longest wait for ops_server's answer.", "0 waits for ever.",
		&hedb_timeout, 10000, 0, INT_MAX, PGC_USERSET, GUC_UNIT_MS, NULL);
	int_setting("hedb.spin_us", "Longest spin for an answer before sleeping.",
		"In microseconds; it adapts below that.", &hedb_spin_us, 20, 0, 1000, PGC_SUSET, 0,
		changed_int);
	bool_setting("hedb.enable_batch",
		"Have plans evaluate encrypted operations in batches, by Zone nodes.", NULL,
		&hedb_enable_batch, true, PGC_USERSET, NULL);
	bool_setting("hedb.enable_fuse",
		"Evaluate an expression of encrypted operations in one round trip.",
		"Those that no Zone node has: in constraints, PL/pgSQL, plans for few rows.",
		&hedb_enable_fuse, true, PGC_USERSET, NULL);
	int_setting("hedb.batch", "Rows of a Zone node or an aggregate sent at a time.", NULL,
		&hedb_batch, 1024, 1, PROGRAM_ROWS_MAX, PGC_USERSET, 0, NULL);
	enum_setting("hedb.channel_wait", "What to do when no channel is free.",
		"wait: up to hedb.timeout; error: fail at once.", &hedb_channel_wait, CHANNEL_WAIT,
		channel_waits, NULL);
}

/* During a parallel operation PostgreSQL warns that it applies none of what was set; it
 * need not. */
static void define_quietly(void)
{
	const int client = client_min_messages, log = log_min_messages;

	PG_TRY();
	{
		client_min_messages = log_min_messages = ERROR;
		define_all();
	}
	PG_FINALLY();
	{
		client_min_messages = client;
		log_min_messages = log;
	}
	PG_END_TRY();
}

void _PG_init(void)
{
	scalar_init();
	if (IsInParallelMode())
		define_quietly();
	else
		define_all();
	stat_programs_init();
	MarkGUCPrefixReserved("hedb");
	node_init();
	plan_init();
	literal_init();
}

void hedb_need_client_mode(uint32 type)
{
	const char *name = optable_type(type).name;

	if (hedb_mode != MODE_CLIENT)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("a plain value cannot become %s in server mode", name),
				errhint("Pass a parameter that the client encrypted, call %s_encrypt(), or "
					"use SELECT enable_client_mode(), where a credential is configured.",
					name)));
}

PG_FUNCTION_INFO_V1(enable_client_mode);
Datum enable_client_mode(PG_FUNCTION_ARGS)
{
	SetConfigOption("hedb.mode", "client", PGC_USERSET, PGC_S_SESSION);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(enable_server_mode);
Datum enable_server_mode(PG_FUNCTION_ARGS)
{
	SetConfigOption("hedb.mode", "server", PGC_USERSET, PGC_S_SESSION);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(enable_debug_mode);
Datum enable_debug_mode(PG_FUNCTION_ARGS)
{
	SetConfigOption("hedb.mode", PG_GETARG_INT32(0) ? "client" : "server", PGC_USERSET,
		PGC_S_SESSION);
	PG_RETURN_VOID();
}
