/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.h - what ops_server is told: defaults, then the configuration file, then the
 * command line. `ops_server --help` is the manual; the file has the same names.
 */
#ifndef OPS_SERVER_CONFIG_H
#define OPS_SERVER_CONFIG_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "kek.h"
#include "log.h"
#include "region.h"
#include "trust.h"

enum { WORKERS_MAX = SERVICE_LANES };

struct config {
	char region[PATH_MAX];
	char keys[PATH_MAX];
	char kek[PATH_MAX];        /* as told, empty: as the key file says; its text is in kek_spec */
	struct kek_spec kek_spec;
	char credential[PATH_MAX]; /* empty: nobody gets the role `client` */
	char cert[PATH_MAX], key[PATH_MAX], ca[PATH_MAX], crl[PATH_MAX], psk[PATH_MAX];
	enum trust_mode secure;
	char policy[PATH_MAX], policy_key[PATH_MAX]; /* empty: everything is allowed */
	char audit[PATH_MAX], audit_key[PATH_MAX]; /* empty: no log */
	uint64_t audit_size;       /* of a segment */
	char sec_mgr[ADDRESS_HOST_MAX + 8]; /* HOST:PORT; empty: no manager */
	char sec_pool[VIEW_NAME + 1];
	char generation[PATH_MAX]; /* as life_watch() has it */
	char file[PATH_MAX];       /* the configuration file itself, empty if none */
	char crypto[16];           /* empty: the fastest that this machine can use */
	uint64_t region_offset;
	uint64_t region_size;
	uint64_t delay_ns;
	uint32_t workers;
	uint32_t spin_us;
	enum log_level log_level;
	bool sandbox;              /* sandbox.h; no: for a debugger's sake */
	int argc; /* main's, to be read again */
	char **argv;
};

/*
 * config_read - from argv, and from the file that --config names.
 *
 * Returns 0; 1 when --help or --version was answered; -EINVAL or the kernel's errno with
 * the reason in `e`.
 */
MUST_CHECK int config_read(struct config *c, int argc, char **argv, struct err_text *e);

/* config_reload - read all of it again, the command line still winning; only what may
 * change at run time is taken: keys, credential, all of sealed channels, policy, log level. */
MUST_CHECK int config_reload(struct config *c, struct err_text *e);

/* config_take - that much of another one. The rest is not written: threads read it. */
void config_take(struct config *c, const struct config *fresh);

#endif
