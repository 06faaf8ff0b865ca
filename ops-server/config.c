/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "region.h"
#include "setting.h"

enum { AUDIT_SIZE = 16 << 20, AUDIT_SIZE_MIN = 4096, AUDIT_SIZE_MAX = 1 << 29 };
enum { SPIN_US_DEFAULT = 50, SPIN_US_MAX = 100000 };

static const char help[] =
	"ops_server - executes encrypted operations for PostgreSQL (hedb) and Redis.\n"
	"\n"
	"usage: ops_server --region FILE --keys FILE [options]\n"
	"\n"
	"It holds the data keys and serves the \"ops\" channels of a shared-memory region:\n"
	"each request names values and a small program; the server decrypts, computes and\n"
	"encrypts the result. Make the two files first:\n"
	"  hedbctl region format FILE      the region, e.g. /dev/shm/hedb or a PCI resource2\n"
	"  hedbctl key create FILE         the keys; losing them loses the data\n"
	"\n"
	"  --region FILE         region to serve (file, fd:N, /dev/uioN, PCI resource2)\n"
	"  --region-offset N     where the region starts in it, e.g. 16M        [0]\n"
	"  --region-size N       bytes to map; needed where the file tells none [all]\n"
	"  --keys FILE           key file, mode 0600\n"
	"  --kek SOURCE          what unseals it: tpm[:TCTI]; passphrase:FROM, FROM being a file,\n"
	"                        fd:N, credential:NAME or prompt; plain  [as the file says]\n"
	"  --credential FILE     who proves to know it may encrypt and decrypt  [nobody]\n"
	"  --secure MODE         plain; sealed: channels as clients want them; required: plain\n"
	"                        requests are refused                         [plain]\n"
	"  --cert, --key, --ca FILE   certificate of role server:ops, its key, and the CA's\n"
	"                        certificate: `hedbctl ca`\n"
	"  --crl FILE            what the CA has revoked                      [nothing]\n"
	"  --psk FILE            lines NAME ROLES KEY instead, or besides     [none]\n"
	"  --policy FILE         who may do what: docs/policy.md; the owner's signature is in\n"
	"                        FILE.sig                        [everybody everything]\n"
	"  --policy-key FILE     public key of the data owner: `hedbctl policy keygen`\n"
	"  --audit DIR           directory of the audit log                 [no log]\n"
	"  --audit-key FILE      secret key that signs it: `hedbctl audit keygen`\n"
	"  --audit-size N        bytes of a segment; then another one       [16M]\n"
	"  --sec-mgr HOST:PORT   cxl_sec_mgr: who may touch which channels; needs --secure\n"
	"                        required                                     [nobody is asked]\n"
	"  --sec-pool NAME       what the manager calls this region's memory  [pool]\n"
	"  --generation SOURCE   what tells that this machine was cloned: acpi; FILE or FILE@OFFSET,\n"
	"                        16 bytes that the hypervisor changes then; auto: acpi if it is\n"
	"                        there; none                                  [auto]\n"
	"  --workers N           threads              [one a processor it may use, at least 2]\n"
	"  --spin-us N           most to spin for the next request before sleeping [50]\n"
	"  --crypto NAME         ipsec-mb, libsodium or mbedtls        [the fastest usable]\n"
	"  --sandbox yes|no      leave itself only the system calls it needs     [yes]\n"
	"  --log-level LEVEL     debug, info, warning, error                    [info]\n"
	"  --config FILE         `name = value` lines with the names above; options given\n"
	"                        on the command line win\n"
	"  --help, --version\n"
	"\n"
	"SIGTERM, SIGINT: answer what is there, then end.  SIGHUP: read keys, credential,\n"
	"what sealed channels need, policy and log level again.  Environment: CXL_SHM_DELAY_NS, latency to inject per frame.\n";

static bool set_bytes(uint64_t *to, const char *value)
{
	return region_parse_bytes(value, to) == 0;
}

/* Parsed from the copy: what it points to lives as long as the configuration. */
static bool set_kek(struct config *c, const char *value)
{
	return set_string(c->kek, sizeof c->kek, value) && kek_parse(&c->kek_spec, c->kek) == 0;
}

/* Is it one of these? `good`: and the value fits. */
static bool set_file(struct config *c, const char *name, const char *value, bool *good)
{
	const struct {
		const char *name;
		char *to;
	} files[] = {{"cert", c->cert}, {"key", c->key}, {"ca", c->ca}, {"crl", c->crl},
		{"psk", c->psk}, {"policy", c->policy}, {"policy-key", c->policy_key},
		{"audit", c->audit}, {"audit-key", c->audit_key}};
	size_t i;

	for (i = 0; i < sizeof files / sizeof files[0]; i++)
		if (strcmp(name, files[i].name) == 0) {
			*good = set_string(files[i].to, PATH_MAX, value);
			return true;
		}
	return false;
}

/* One setting, from the file or the command line. */
static bool config_set(void *arg, const char *name, const char *value)
{
	struct config *c = arg;
	bool known;

	if (strcmp(name, "region") == 0)
		return set_string(c->region, sizeof c->region, value);
	if (strcmp(name, "region-offset") == 0)
		return set_bytes(&c->region_offset, value);
	if (strcmp(name, "region-size") == 0)
		return set_bytes(&c->region_size, value);
	if (strcmp(name, "keys") == 0)
		return set_string(c->keys, sizeof c->keys, value);
	if (strcmp(name, "kek") == 0)
		return set_kek(c, value);
	if (strcmp(name, "credential") == 0)
		return set_string(c->credential, sizeof c->credential, value);
	if (strcmp(name, "secure") == 0)
		return trust_parse_mode(value, &c->secure) == 0;
	if (set_file(c, name, value, &known))
		return known;
	if (strcmp(name, "audit-size") == 0)
		return set_bytes(&c->audit_size, value) && c->audit_size >= AUDIT_SIZE_MIN &&
			c->audit_size <= AUDIT_SIZE_MAX;
	if (strcmp(name, "sec-mgr") == 0)
		return address_valid(value) && !address_unix(value) &&
			set_string(c->sec_mgr, sizeof c->sec_mgr, value);
	if (strcmp(name, "sec-pool") == 0)
		return view_name_valid(value, strlen(value)) &&
			set_string(c->sec_pool, sizeof c->sec_pool, value);
	if (strcmp(name, "generation") == 0)
		return set_string(c->generation, sizeof c->generation, value);
	if (strcmp(name, "workers") == 0)
		return set_number(&c->workers, value, 1, WORKERS_MAX);
	if (strcmp(name, "spin-us") == 0)
		return set_number(&c->spin_us, value, 0, SPIN_US_MAX);
	if (strcmp(name, "crypto") == 0)
		return set_string(c->crypto, sizeof c->crypto, value);
	if (strcmp(name, "sandbox") == 0)
		return set_bool(&c->sandbox, value);
	if (strcmp(name, "log-level") == 0)
		return log_parse_level(value, &c->log_level) == 0;
	return false;
}

/* One for each processor that we may use, and a second one beside a long request. */
static uint32_t default_workers(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof set, &set) < 0 ? 0 : CPU_COUNT(&set);

	return n < 2 ? 2 : n > WORKERS_MAX ? WORKERS_MAX : (uint32_t)n;
}

static const struct settings settings = {.program = "ops_server", .help = help, .set = config_set};

int config_read(struct config *c, int argc, char **argv, struct err_text *e)
{
	int rc;

	memset(c, 0, sizeof *c);
	c->argc = argc;
	c->argv = argv;
	c->workers = default_workers();
	c->spin_us = SPIN_US_DEFAULT;
	c->log_level = LOG_INFO;
	c->sandbox = true;
	c->audit_size = AUDIT_SIZE;
	strcpy(c->sec_pool, VIEW_POOL);
	strcpy(c->generation, "auto");
	c->kek_spec.source = KEK_ANY;
	c->delay_ns = chan_delay_from_env();
	rc = setting_read(&settings, c, c->file, argc, argv, e);
	if (rc)
		return rc;
	if (!c->region[0] || !c->keys[0]) {
		err_set(e, "--region and --keys are needed; see --help");
		return -EINVAL;
	}
	if (!c->audit[0] != !c->audit_key[0]) {
		err_set(e, "--audit and --audit-key go together");
		return -EINVAL;
	}
	if (!c->policy[0] != !c->policy_key[0]) {
		err_set(e, "--policy and --policy-key go together");
		return -EINVAL;
	}
	if (c->sec_mgr[0] && c->secure != TRUST_REQUIRED) {
		err_set(e, "--sec-mgr needs --secure required: a plain client has no certificate to look up");
		return -EINVAL;
	}
	return 0;
}

void config_take(struct config *c, const struct config *fresh)
{
	c->log_level = fresh->log_level;
	strcpy(c->keys, fresh->keys);
	strcpy(c->credential, fresh->credential);
	strcpy(c->cert, fresh->cert);
	strcpy(c->key, fresh->key);
	strcpy(c->ca, fresh->ca);
	strcpy(c->crl, fresh->crl);
	strcpy(c->psk, fresh->psk);
	c->secure = fresh->secure;
	strcpy(c->policy, fresh->policy);
	strcpy(c->policy_key, fresh->policy_key);
}

int config_reload(struct config *c, struct err_text *e)
{
	struct config fresh;
	int rc = config_read(&fresh, c->argc, c->argv, e);

	if (!rc)
		config_take(c, &fresh);
	return rc;
}
