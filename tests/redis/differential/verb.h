/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verb.h - a command by its verb's frame if it has that shape and WAY_VERB, else by CALL;
 * and replies of either as bytes of RESP.
 */
#ifndef DIFFERENTIAL_VERB_H
#define DIFFERENTIAL_VERB_H

#include "command.h"
#include "cxlring.h"
#include "wire.h"

/* Can it be pipelined, or has its verb a blocking call only? */
bool verb_appends(const struct command *c);
int verb_append(struct cxlring *r, const struct command *c);

/* By the blocking interface. A ring that fails ends the program. */
struct value verb_ask(struct cxlring *r, const struct command *c);

/* resp3: what was asked for; CALL may answer with NIL whatever that is. */
struct value verb_value(const struct cxlring_view *v, bool resp3);

#endif
