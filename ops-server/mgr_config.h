/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mgr_config.h - what cxl_sec_mgr is told. `cxl_sec_mgr --help` is the manual.
 */
#ifndef OPS_SERVER_MGR_CONFIG_H
#define OPS_SERVER_MGR_CONFIG_H

#include <limits.h>

#include "address.h"
#include "log.h"
#include "trust.h"

enum { MGR_LEASE_MS = 30000, MGR_CONNECTIONS = 512 };

struct mgr_config {
	char listen[ADDRESS_HOST_MAX + 8];
	char store[PATH_MAX];
	char cert[PATH_MAX], key[PATH_MAX], ca[PATH_MAX], crl[PATH_MAX];
	char generation[PATH_MAX]; /* as life_watch() has it */
	char file[PATH_MAX];
	uint32_t lease_ms;
	uint32_t connections; /* with a certificate; 1 .. MGR_CONNECTIONS */
	enum log_level log_level;
	bool sandbox;
	int argc; /* main's, to be read again */
	char **argv;
};

/* Returns 0; 1 when --help or --version was answered; -EINVAL or the kernel's errno, with `e`. */
MUST_CHECK int mgr_config_read(struct mgr_config *c, int argc, char **argv, struct err_text *e);

/* All of it again; certificates and log level are taken, the rest is as it was. */
MUST_CHECK int mgr_config_reload(struct mgr_config *c, struct err_text *e);

/* Its certificate and whom it believes; of role server:mgr. `was`: until now (trust_renew()). */
MUST_CHECK int mgr_config_trust(const struct mgr_config *c, struct trust **t,
	const struct trust *was, struct err_text *e);

#endif
