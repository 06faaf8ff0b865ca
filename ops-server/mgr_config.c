/* SPDX-License-Identifier: BSD-3-Clause */
#include "mgr_config.h"

#include <string.h>

#include "setting.h"

static const char help[] =
	"cxl_sec_mgr - who may touch which part of a pool of shared memory.\n"
	"\n"
	"usage: cxl_sec_mgr --listen HOST:PORT --store DIR --cert FILE --key FILE --ca FILE [options]\n"
	"\n"
	"It has a table of nodes (certificates), ranges of memory, rights and keys. Servers and\n"
	"clients with --sec-mgr HOST:PORT fetch their part of it by TLS and hold the connection\n"
	"open; `hedbctl acl` changes it while they run.\n"
	"\n"
	"  --listen HOST:PORT    where; an empty host is every address of this machine\n"
	"  --store DIR           the table's journal and the master key; made when it is not there\n"
	"  --cert, --key, --ca FILE   certificate of role server:mgr, its key, and the CA's\n"
	"                        certificate: `hedbctl ca`\n"
	"  --crl FILE            what the CA has revoked                      [nothing]\n"
	"  --lease-ms N          how long a node's view holds without us      [30000]\n"
	"  --connections N       of nodes and administrators at a time        [512, the most]\n"
	"  --generation SOURCE   what tells that this machine was cloned: acpi, FILE[@OFFSET], auto,\n"
	"                        none; as ops_server has it                   [auto]\n"
	"  --sandbox yes|no      leave itself only the system calls it needs  [yes]\n"
	"  --log-level LEVEL     debug, info, warning, error                  [info]\n"
	"  --config FILE         `name = value` lines with the names above; options given on the\n"
	"                        command line win\n"
	"  --help, --version\n"
	"\n"
	"SIGTERM, SIGINT: end.  SIGHUP: read certificates, CRL and log level again.\n";

static bool set(void *arg, const char *name, const char *value)
{
	struct mgr_config *c = arg;
	const struct {
		const char *name;
		char *to;
	} files[] = {{"store", c->store}, {"cert", c->cert}, {"key", c->key}, {"ca", c->ca},
		{"crl", c->crl}};
	char host[ADDRESS_HOST_MAX];
	size_t i;

	for (i = 0; i < sizeof files / sizeof files[0]; i++)
		if (strcmp(name, files[i].name) == 0)
			return set_string(files[i].to, PATH_MAX, value);
	if (strcmp(name, "listen") == 0)
		return !address_unix(value) && address_split(value, host) &&
			set_string(c->listen, sizeof c->listen, value);
	if (strcmp(name, "lease-ms") == 0)
		return set_number(&c->lease_ms, value, 100, 86400000);
	if (strcmp(name, "connections") == 0)
		return set_number(&c->connections, value, 1, MGR_CONNECTIONS);
	if (strcmp(name, "generation") == 0)
		return set_string(c->generation, sizeof c->generation, value);
	if (strcmp(name, "sandbox") == 0)
		return set_bool(&c->sandbox, value);
	if (strcmp(name, "log-level") == 0)
		return log_parse_level(value, &c->log_level) == 0;
	return false;
}

static const struct settings settings = {.program = "cxl_sec_mgr", .help = help, .set = set};

int mgr_config_read(struct mgr_config *c, int argc, char **argv, struct err_text *e)
{
	int rc;

	memset(c, 0, sizeof *c);
	c->argc = argc;
	c->argv = argv;
	c->lease_ms = MGR_LEASE_MS;
	c->connections = MGR_CONNECTIONS;
	c->log_level = LOG_INFO;
	c->sandbox = true;
	strcpy(c->generation, "auto");
	rc = setting_read(&settings, c, c->file, argc, argv, e);
	if (rc || (c->listen[0] && c->store[0] && c->cert[0] && c->key[0] && c->ca[0]))
		return rc;
	err_set(e, "--listen, --store, --cert, --key and --ca are needed; see --help");
	return -EINVAL;
}

int mgr_config_reload(struct mgr_config *c, struct err_text *e)
{
	struct mgr_config fresh;
	int rc = mgr_config_read(&fresh, c->argc, c->argv, e);

	if (rc)
		return rc;
	strcpy(c->cert, fresh.cert);
	strcpy(c->key, fresh.key);
	strcpy(c->ca, fresh.ca);
	strcpy(c->crl, fresh.crl);
	c->log_level = fresh.log_level;
	return 0;
}

int mgr_config_trust(const struct mgr_config *c, struct trust **t, const struct trust *was,
	struct err_text *e)
{
	const struct trust_files f = {.cert = c->cert, .key = c->key, .ca = c->ca, .crl = c->crl};
	int rc = trust_renew(t, was, &f, e);

	if (rc || peer_may(&(*t)->self, PEER_MANAGER, true))
		return rc;
	err_set(e, "%s: its roles are not the manager's; hedbctl ca issue ... --role server:mgr",
		c->cert);
	trust_drop(*t);
	*t = NULL;
	return -EINVAL;
}
