/* SPDX-License-Identifier: BSD-3-Clause */
#include "hedb.h"

#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include <sodium.h>

#include "hex.h"
#include "proof.h"
#include "placeholder.h"
#include "prove.h"
#include "zone.h"

static const char setting[] = "hedb.session_pass";

static char *pass_hex;
static bool taking; /* hedb_prove() sets it: the channel that is there has proved it */

static void changed(const char *value, void *extra)
{
	if (!taking)
		zone_reset();
}

static const char *show(void)
{
	return pass_hex && pass_hex[0] ? "(secret)" : "";
}

void prove_define(void)
{
	DefineCustomStringVariable(setting, "What shows ops_server again who this session is for.",
		"Set by hedb_prove().", &pass_hex, placeholder_string(setting, PGC_USERSET, ""),
		PGC_USERSET, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE, NULL,
		changed, show);
}

bool prove_pass(uint8_t pass[OPS_PASS])
{
	return pass_hex && hex_read(pass, OPS_PASS, pass_hex, strlen(pass_hex));
}

PG_FUNCTION_INFO_V1(hedb_challenge);
Datum hedb_challenge(PG_FUNCTION_ARGS)
{
	char *role = text_to_cstring(PG_GETARG_TEXT_PP(0)), text[PROOF_TEXT];
	uint8_t challenge[OPS_CHALLENGE];
	const uint8_t *reply;
	uint64_t len;
	size_t n;

	/* A pass that is not good any more must not be in the way of a new one. */
	SetConfigOption(setting, "", PGC_USERSET, PGC_S_SESSION);
	reply = zone_tell(OPS_HELLO, NULL, 0, &len);
	if (len != OPS_CHALLENGE)
		zone_raise_reply(len, T_PUB_BYTES16);
	memcpy(challenge, reply, sizeof challenge);
	n = proof_text(text, role, challenge);
	if (!n)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("\"%s\" is not a role of a policy", role)));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(text, (int)n));
}

PG_FUNCTION_INFO_V1(hedb_prove);
Datum hedb_prove(PG_FUNCTION_ARGS)
{
	char *role = text_to_cstring(PG_GETARG_TEXT_PP(0)), hex[2 * OPS_PASS + 1];
	bytea *sig = PG_GETARG_BYTEA_PP(1);
	uint8_t say[2 + POLICY_NAME + SIGNKEY_SIGNATURE], pass[OPS_PASS];
	size_t n = strlen(role);
	const uint8_t *reply;
	uint64_t len;

	if (n == 0 || n > POLICY_NAME || VARSIZE_ANY_EXHDR(sig) != SIGNKEY_SIGNATURE)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("a proof is the name of a role and a signature of %d bytes",
					SIGNKEY_SIGNATURE)));
	say[0] = OPS_BY_KEY;
	say[1] = (uint8_t)n;
	memcpy(say + 2, role, n);
	memcpy(say + 2 + n, VARDATA_ANY(sig), SIGNKEY_SIGNATURE);
	reply = zone_tell(OPS_PROVE, say, 2 + n + SIGNKEY_SIGNATURE, &len);
	if (len != OPS_PASS)
		zone_raise_reply(len, T_PUB_BYTES16);
	memcpy(pass, reply, sizeof pass);
	zone_take_pass(pass);
	sodium_bin2hex(hex, sizeof hex, pass, sizeof pass);
	taking = true;
	PG_TRY();
	{
		SetConfigOption(setting, hex, PGC_USERSET, PGC_S_SESSION);
	}
	PG_FINALLY();
	{
		taking = false;
		sodium_memzero(pass, sizeof pass);
		sodium_memzero(hex, sizeof hex);
	}
	PG_END_TRY();
	PG_RETURN_VOID();
}

/* ---- what the session was told ---- */

/* The number in the line that begins with `name`; 0 when there is none. */
static int64 line_number(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (; text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL)
		if (strncmp(text, name, n) == 0 && text[n] == ' ')
			return (int64)strtoull(text + n + 1, NULL, 10);
	return 0;
}

PG_FUNCTION_INFO_V1(hedb_stat_released);
Datum hedb_stat_released(PG_FUNCTION_ARGS)
{
	static const char *const lines[] = {"released_comparisons", "released_ranks",
		"released_hashes", "released_values", "released_errors", "denied"};
	uint64_t len;
	const uint8_t *reply = zone_tell(OPS_ACCOUNT, NULL, 0, &len);
	char *text = pnstrdup((const char *)reply, len), role[POLICY_NAME + 1] = "";
	Datum values[1 + lengthof(lines)];
	bool nulls[1 + lengthof(lines)] = {false};
	TupleDesc desc;
	size_t i;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (strncmp(text, "role ", 5) == 0)
		strlcpy(role, text + 5, Min(sizeof role, strcspn(text + 5, "\n") + 1));
	pg_verifymbstr(role, (int)strlen(role), false);
	values[0] = CStringGetTextDatum(role);
	for (i = 0; i < lengthof(lines); i++)
		values[1 + i] = Int64GetDatum(line_number(text, lines[i]));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
