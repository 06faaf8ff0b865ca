/* SPDX-License-Identifier: BSD-3-Clause */
#include "gcm.h"

#include <string.h>

extern const struct gcm_backend gcm_ipsecmb, gcm_sodium, gcm_mbedtls;

/* Fastest first; mbedtls is last because it is the one that is always usable. */
static const struct gcm_backend *const backends[] = {
#ifdef HAVE_IPSEC_MB
	&gcm_ipsecmb,
#endif
	&gcm_sodium,
	&gcm_mbedtls,
};

enum { NBACKENDS = sizeof backends / sizeof *backends };

const struct gcm_backend *gcm_select(const char *name)
{
	size_t i;

	for (i = 0; i < NBACKENDS; i++) {
		if (name && strcmp(name, backends[i]->name) != 0)
			continue;
		if (backends[i]->usable())
			return backends[i];
	}
	return NULL;
}
