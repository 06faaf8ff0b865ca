/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * prove.h - a session that an application has proved to be its own (common/proof.h has the
 * drawing): hedb_challenge() and hedb_prove().
 *
 * The pass that ops_server gives for a proof lies in the setting hedb.session_pass, which cannot
 * be shown: so parallel workers inherit it, a channel that is opened anew shows it, ROLLBACK and
 * RESET ALL take it away.
 */
#ifndef HEDB_PROVE_H
#define HEDB_PROVE_H

#include "hedb.h"

/* Define the setting. */
void prove_define(void);

/* The session's pass; false: it has none. */
bool prove_pass(uint8_t pass[OPS_PASS]);

#endif
