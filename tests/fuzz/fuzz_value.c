/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_value.c - bytes as encrypted values, and authentic values with changes.
 *
 * The first byte chooses. Raw: the rest is a value, opened as each type;
 * it must not open, since nobody who lacks the key can make one. Changed: an
 * authentic value is cut, extended or altered as the rest says, and must open if and
 * only if that left it as it was.
 */
#include "../evalrig.h"

enum { PLAIN_MAX = 600, VALUE_MAX = PLAIN_MAX + VALUE_OVERHEAD + 64 };

static struct keyring *keys;
static struct {
	struct value_sealer s;
	struct value_opener o;
} *mine;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void start(void)
{
	const struct gcm_backend *gcm = gcm_select(NULL);

	keys = rig_keyring();
	mine = sodium_malloc((sizeof *mine + 63) & ~(size_t)63);
	if (!keys || !mine || value_sealer_init(&mine->s, gcm, keys))
		abort();
	value_opener_init(&mine->o, gcm, keys);
}

/* Open `v` in memory of its very length, into memory of the plaintext's. */
static int open_exactly(uint8_t type, const uint8_t *v, size_t len)
{
	size_t room = len > VALUE_OVERHEAD ? len - VALUE_OVERHEAD : 0, got = 0;
	uint8_t *in = malloc(len + !len), *out = malloc(room + !room);
	int rc;

	if (!in || !out)
		abort();
	memcpy(in, v, len);
	rc = value_open(&mine->o, type, in, len, out, room, &got);
	if (rc == 0 && got != room)
		abort();
	if (rc == -EBADMSG && !sodium_is_zero(out, room))
		abort();
	if (rc && got != 0)
		abort();
	free(in);
	free(out);
	return rc;
}

static void raw(const uint8_t *v, size_t len)
{
	struct value_header h;
	int type, parsed = value_header_parse(v, len, &h);

	if (parsed == 0 && (h.type < 1 || h.type > VALUE_TYPE_MAX || h.key_id == 0 ||
				   h.len != len - VALUE_OVERHEAD))
		abort();
	for (type = 0; type <= VALUE_TYPE_MAX + 1; type++) {
		int rc = open_exactly((uint8_t)type, v, len);

		if (rc == 0 || (parsed != 0) != (rc == -EPROTO))
			abort();
	}
}

static void changed(struct cursor *c)
{
	static uint8_t plain[PLAIN_MAX], good[VALUE_MAX], v[VALUE_MAX];
	uint8_t type = cursor_u8(c) % VALUE_TYPE_MAX + 1;
	size_t n = cursor_u16(c) % (PLAIN_MAX + 1), len = value_size(n), was = len;
	int rc;

	if (value_seal(&mine->s, type, plain, n, good))
		abort();
	memset(good + len, 0, sizeof good - len);
	memcpy(v, good, sizeof v);
	while (c->left) {
		uint8_t what = cursor_u8(c);
		uint16_t at = cursor_u16(c);

		switch (what & 3) {
		case 0:
			v[at % len] ^= (uint8_t)(1 << (what >> 2 & 7));
			break;
		case 1:
			v[at % len] = (uint8_t)(what >> 2);
			break;
		case 2:
			len = at % sizeof v;
			len += !len;
			break;
		case 3:
			memmove(v + at % len, v + at % len + 1, len - at % len - 1);
			break;
		}
	}
	rc = open_exactly(type, v, len);
	/* Not memcmp(): libFuzzer reads along there, and would learn authentic values. */
	if ((rc == 0) != (len == was && sodium_memcmp(v, good, len) == 0))
		abort();
	if (rc == 0 && open_exactly(type % VALUE_TYPE_MAX + 1, v, len) != -EINVAL)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cursor c = cursor_of(data, len);
	uint8_t how = cursor_u8(&c);

	if (!keys)
		start();
	if (how & 1)
		changed(&c);
	else
		raw(c.p, c.left);
	return 0;
}
