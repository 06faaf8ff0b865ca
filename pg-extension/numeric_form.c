/* SPDX-License-Identifier: BSD-3-Clause */
#include "numeric_form.h"

#include "numeric.h"

bool numeric_form_pack(uint8_t *out, size_t *len, const void *in, size_t n)
{
	struct numeric x;

	if (numeric_parse(&x, in, n))
		return false;
	*len = numeric_pack(out, &x);
	return true;
}

bool numeric_form_unpack(uint8_t *out, size_t *len, const void *in, size_t n)
{
	return numeric_unpack(out, len, in, n) == 0;
}
