/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * policy_build.h - policies while they are read: what policy_parse.c asks of policy.c. Nobody else
 * may, as a policy is read-only afterwards. Names are checked by the caller.
 */
#ifndef COMMON_POLICY_BUILD_H
#define COMMON_POLICY_BUILD_H

#include "policy.h"

/* Room for one more behind n, zeroed. What was pointed to may move. False: no memory. */
MUST_CHECK bool policy_room(void **array, unsigned n, size_t each);

/* The domain of that name, of those but the default one; p->ndomains: there is none. */
unsigned policy_find_domain(const struct policy *p, const char *name);

/* The role of that name, made if need be. NULL: there are `most`, or no memory. */
MUST_CHECK struct policy_role *policy_add_role(
	struct policy *p, const char *name, unsigned most);

/* The rule of the role in the domain, made if need be. NULL: too many, or no memory. */
MUST_CHECK struct policy_rule *policy_add_special(
	struct policy *p, unsigned role, unsigned domain);

/* All has been read: nothing moves any more. False: no memory. */
MUST_CHECK bool policy_settle(struct policy *p);

/* What is wrong with it as a whole, or NULL. */
const char *policy_wrong(const struct policy *p);

#endif
