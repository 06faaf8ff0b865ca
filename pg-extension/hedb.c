/* SPDX-License-Identifier: BSD-3-Clause */
#include "hedb.h"

#include <limits.h>
#include <stdlib.h>

#include "access/parallel.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "fuse.h"
#include "node.h"
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
	};
	size_t i;

	DefineCustomBoolVariable("hedb.secure", "Sealed channels to ops_server, or none.",
		"Needs hedb.cert_file, hedb.key_file and hedb.ca_file, or hedb.psk_file. The "
		"certificate's roles take the place of hedb.client_credential.",
		&hedb_secure, false, PGC_SUSET, 0, NULL, changed_bool, NULL);
	for (i = 0; i < sizeof files / sizeof files[0]; i++)
		DefineCustomStringVariable(files[i].name, files[i].what, NULL, files[i].at, "",
			PGC_SUSET, GUC_SUPERUSER_ONLY, NULL, changed_string, NULL);
}

void _PG_init(void)
{
	const char *region = getenv("HEDB_REGION");

	scalar_init();
	DefineCustomStringVariable("hedb.region", "Region that ops_server serves.",
		"A file, a PCI BAR (.../resource2) or a UIO device; default: HEDB_REGION in the "
		"server's environment.",
		&hedb_region, region ? region : "", PGC_SUSET, 0, NULL,
		changed_string, NULL);
	DefineCustomIntVariable("hedb.region_offset", "Where the region starts in it.", NULL,
		&hedb_region_offset, 0, 0, INT_MAX, PGC_SUSET, GUC_UNIT_KB, NULL, changed_int, NULL);
	DefineCustomStringVariable("hedb.client_credential",
		"Credential file that allows encrypting and decrypting in this server.",
		"For development: whoever has it sees plaintext.", &hedb_client_credential, "",
		PGC_SUSET, GUC_SUPERUSER_ONLY, NULL, changed_string, NULL);
	define_secure();
	DefineCustomEnumVariable("hedb.mode", "What text input and output of encrypted types is.",
		"server: ciphertext; client: plaintext, with a client credential.", &hedb_mode,
		MODE_SERVER, modes, PGC_USERSET, 0, mode_check, NULL, NULL);
	DefineCustomIntVariable("hedb.timeout", "Longest wait for ops_server's answer.",
		"0 waits for ever.", &hedb_timeout, 10000, 0, INT_MAX, PGC_USERSET, GUC_UNIT_MS,
		NULL, NULL, NULL);
	DefineCustomIntVariable("hedb.spin_us", "Longest spin for an answer before sleeping.",
		"In microseconds; it adapts below that.", &hedb_spin_us, 20, 0, 1000, PGC_SUSET, 0,
		NULL, changed_int, NULL);
	DefineCustomBoolVariable("hedb.enable_batch",
		"Have plans evaluate encrypted operations in batches, by Zone nodes.", NULL,
		&hedb_enable_batch, true, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("hedb.enable_fuse",
		"Evaluate an expression of encrypted operations in one round trip.",
		"Those that no Zone node has: in constraints, PL/pgSQL, plans for few rows.",
		&hedb_enable_fuse, true, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("hedb.batch", "Rows of a Zone node or an aggregate sent at a time.",
		NULL,
		&hedb_batch, 1024, 1, PROGRAM_ROWS_MAX, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("hedb.channel_wait", "What to do when no channel is free.",
		"wait: up to hedb.timeout; error: fail at once.", &hedb_channel_wait, CHANNEL_WAIT,
		channel_waits, PGC_USERSET, 0, NULL, NULL, NULL);
	stat_programs_init();
	MarkGUCPrefixReserved("hedb");
	node_init();
	plan_init();
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
