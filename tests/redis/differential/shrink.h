/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shrink.h - of a stream of commands that ends in a difference, as few as do so.
 */
#ifndef DIFFERENTIAL_SHRINK_H
#define DIFFERENTIAL_SHRINK_H

#include "pair.h"

/*
 * Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing
 * Input", algorithm ddmin): leaves out ever smaller pieces, and keeps out those without
 * which the servers still differ, until each command is needed or the time is up.
 *
 *   c, n     the stream; on return the first *n are those that are needed, in their order.
 *            The others are freed
 *   verdict  in: of the whole; out: of what is left. Its text is replaced
 *
 * A difference that does not come again leaves the stream as it was: returns false.
 */
bool shrink(struct command *c, size_t *n, const struct pair_setting *s, bool deep,
	unsigned seconds, struct verdict *verdict);

#endif
