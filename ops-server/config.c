/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#include "channel.h"
#include "region.h"

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

static bool set_string(char *to, size_t len, const char *value)
{
	if (strlen(value) >= len)
		return false;
	strcpy(to, value);
	return true;
}

static bool set_number(uint32_t *to, const char *value, uint32_t min, uint32_t max)
{
	char *end;
	unsigned long v = strtoul(value, &end, 10);

	if (*value < '0' || *value > '9' || *end || v < min || v > max)
		return false;
	*to = (uint32_t)v;
	return true;
}

static bool set_bool(bool *to, const char *value)
{
	*to = strcmp(value, "yes") == 0;
	return *to || strcmp(value, "no") == 0;
}

static bool set_bytes(uint64_t *to, const char *value)
{
	return region_parse_bytes(value, to) == 0;
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
static bool config_set(struct config *c, const char *name, const char *value)
{
	bool known;

	if (strcmp(name, "region") == 0)
		return set_string(c->region, sizeof c->region, value);
	if (strcmp(name, "region-offset") == 0)
		return set_bytes(&c->region_offset, value);
	if (strcmp(name, "region-size") == 0)
		return set_bytes(&c->region_size, value);
	if (strcmp(name, "keys") == 0)
		return set_string(c->keys, sizeof c->keys, value);
	if (strcmp(name, "credential") == 0)
		return set_string(c->credential, sizeof c->credential, value);
	if (strcmp(name, "secure") == 0)
		return trust_parse_mode(value, &c->secure) == 0;
	if (set_file(c, name, value, &known))
		return known;
	if (strcmp(name, "audit-size") == 0)
		return set_bytes(&c->audit_size, value) && c->audit_size >= AUDIT_SIZE_MIN &&
			c->audit_size <= AUDIT_SIZE_MAX;
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

struct reading {
	struct config *c;
	struct err_text *e;
};

static int ini_line(void *arg, const char *section, const char *name, const char *value)
{
	struct reading *r = arg;

	if (config_set(r->c, name, value))
		return 1;
	err_set(r->e, "%s: unknown setting or bad value: %s = %s", r->c->file, name, value);
	return 0;
}

static int read_file(struct config *c, struct err_text *e)
{
	struct reading r = {c, e};
	int rc;

	e->s[0] = 0;
	errno = 0;
	rc = ini_parse(c->file, ini_line, &r);
	if (rc == 0)
		return 0;
	if (rc > 0) {
		if (!e->s[0])
			err_set(e, "%s: line %d is not `name = value`", c->file, rc);
		return -EINVAL;
	}
	rc = errno ? -errno : -EIO;
	err_set(e, "%s: %s", c->file, strerror(-rc));
	return rc;
}

/* One for each processor that we may use, and a second one beside a long request. */
static uint32_t default_workers(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof set, &set) < 0 ? 0 : CPU_COUNT(&set);

	return n < 2 ? 2 : n > WORKERS_MAX ? WORKERS_MAX : (uint32_t)n;
}

int config_read(struct config *c, int argc, char **argv, struct err_text *e)
{
	int i, rc;

	memset(c, 0, sizeof *c);
	c->argc = argc;
	c->argv = argv;
	c->workers = default_workers();
	c->spin_us = SPIN_US_DEFAULT;
	c->log_level = LOG_INFO;
	c->sandbox = true;
	c->audit_size = AUDIT_SIZE;
	c->delay_ns = chan_delay_from_env();
	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs(help, stdout);
			return 1;
		}
		if (strcmp(argv[i], "--version") == 0) {
			printf("ops_server 1.0, region version %d\n", REGION_VERSION);
			return 1;
		}
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
			if (!set_string(c->file, sizeof c->file, argv[i + 1])) {
				err_set(e, "--config: the name is too long");
				return -EINVAL;
			}
			rc = read_file(c, e);
			if (rc)
				return rc;
		}
	}
	for (i = 1; i < argc; i += 2) {
		if (strncmp(argv[i], "--", 2) != 0 || i + 1 == argc) {
			err_set(e, "%s: not an option, or without its value; see --help", argv[i]);
			return -EINVAL;
		}
		if (strcmp(argv[i], "--config") == 0)
			continue;
		if (!config_set(c, argv[i] + 2, argv[i + 1])) {
			err_set(e, "%s %s: unknown option or bad value; see --help", argv[i],
				argv[i + 1]);
			return -EINVAL;
		}
	}
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
	return 0;
}

int config_reload(struct config *c, struct err_text *e)
{
	struct config fresh;
	int rc = config_read(&fresh, c->argc, c->argv, e);

	if (rc)
		return rc;
	c->log_level = fresh.log_level;
	strcpy(c->keys, fresh.keys);
	strcpy(c->credential, fresh.credential);
	strcpy(c->cert, fresh.cert);
	strcpy(c->key, fresh.key);
	strcpy(c->ca, fresh.ca);
	strcpy(c->crl, fresh.crl);
	strcpy(c->psk, fresh.psk);
	c->secure = fresh.secure;
	strcpy(c->policy, fresh.policy);
	strcpy(c->policy_key, fresh.policy_key);
	return 0;
}
