/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * status.h - the server's figures as text, `name value` lines, for hedbctl status.
 */
#ifndef OPS_SERVER_STATUS_H
#define OPS_SERVER_STATUS_H

#include "server.h"

/* Malloced text that the caller frees; NULL when there is no memory. Counters are read
 * while they change: each line is right, two lines may differ by a request. */
char *status_text(struct server *s);

#endif
