/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scalar.h - one operation of ops.def on one row.
 */
#ifndef HEDB_SCALAR_H
#define HEDB_SCALAR_H

#include "hedb.h"

/* Once per process, before the first call. */
void scalar_init(void);

/* Run operation `code` on the arguments of a strict SQL function; sets fcinfo->isnull
 * when the result is NULL, which whoever broke into the region can have for any. */
Datum scalar_call(FunctionCallInfo fcinfo, uint16_t code);

/* The code of the three-way comparison of what operation `code` compares, two values of
 * secret types; 0 when it does not. */
uint16_t scalar_comparison(uint16_t code);

/* Comparison of two values of a secret type that are not NULL, as its btree support
 * function. */
int scalar_compare(uint8_t type, Datum a, Datum b);

/* A stored value's bytes, copied into a new datum of that secret type. */
Datum value_datum(uint8_t type, const uint8_t *p, uint32_t len);

/* Push a value as an argument of one row; its bytes stay where the datum is, or what was
 * detoasted of it with the memory context. The program must not be copied. */
struct zone_program;
void value_push(struct zone_program *p, uint8_t type, Datum d);

/* A result in clear: of variable size, by reference, or by value. */
Datum plain_datum(uint8_t type, const uint8_t *p, uint32_t len);

/* The bytes of a stored value where they lie; `fixed` is value_bytes() of its type. What
 * lay out of line was copied to be read: then *copy is that, else NULL, for who cannot
 * leave it to the memory context. */
static inline const uint8_t *value_stored(
	uint32_t fixed, Datum d, uint32_t *len, void **copy)
{
	struct varlena *v;

	*copy = NULL;
	*len = fixed;
	if (fixed)
		return (const uint8_t *)DatumGetPointer(d);
	v = (struct varlena *)DatumGetPointer(d);
	if (unlikely(VARATT_IS_COMPRESSED(v) || VARATT_IS_EXTERNAL(v)))
		*copy = v = PG_DETOAST_DATUM_PACKED(d);
	*len = VARSIZE_ANY_EXHDR(v);
	return (const uint8_t *)VARDATA_ANY(v);
}

/* A value on its way into a request. */
struct crossing {
	const void *data;
	uint32_t len;
	Datum plain; /* what crosses in clear, passed by value */
	void *copy;  /* detoasted; a sort compares in a context that lives long */
	bool counted;  /* its length goes before it */
	uint8_t flags; /* of a time zone's argument: kept.h */
};

/* Have the value's bytes, of which `bytes` cross, or a length and those when it is 0.
 * Returns how many that are in all. */
static inline uint64_t crossing_take(
	struct crossing *x, uint32_t bytes, bool secret, Datum d)
{
	x->counted = !bytes;
	if (!secret && bytes && bytes <= sizeof(Datum)) {
		/* little-endian: the low bytes of the Datum are a shorter value */
		x->plain = d;
		x->data = &x->plain;
		x->len = bytes;
		x->copy = NULL;
		return bytes;
	}
	x->data = value_stored(bytes, d, &x->len, &x->copy);
	return bytes ? bytes : 4ull + x->len;
}

/* The rules of the session's time zone, or their digest. */
uint64_t crossing_take_zone(struct crossing *x);

/* zone_call() of a request in which `x` is a time zone, or NULL: when it was a digest that
 * ops_server does not know, the rules are sent after all. */
const uint8_t *crossing_call(enum role role, uint64_t len, ops_fill *fill, void *arg,
	struct crossing *x, uint64_t *reply_len);

/* Write it; returns where the next one goes. */
static inline uint8_t *crossing_write(const struct crossing *x, uint8_t *at)
{
	if (x->counted) {
		memcpy(at, &x->len, 4);
		at += 4;
	}
	memcpy(at, x->data, x->len);
	return at + x->len;
}

static inline void crossing_done(struct crossing *x)
{
	if (unlikely(x->copy != NULL))
		pfree(x->copy);
}

#endif
