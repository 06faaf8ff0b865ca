/* SPDX-License-Identifier: BSD-3-Clause */
#include "seal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <mbedtls/hkdf.h>
#include <sodium.h>

enum {
	RX_TIMES = 4, /* as large as the ring in shared memory: readers hold a quarter of it */
	CLOCK_EVERY = 16, /* records, between two looks at the time */
	WORD = 16, /* zeroes behind the last frame that was opened */
	PAGE = 4096,
	DONTNEED_LOCKED = 24, /* MADV_DONTNEED_LOCKED, Linux 5.18 */
};

static const struct seal_limits usual = {REKEY_RECORDS, REKEY_BYTES, REKEY_MS};

/* ---- life ---- */

static uint64_t whole_pages(uint64_t n)
{
	return (n + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

/* What a frame's bytes take in a record. */
static uint64_t round_up(uint64_t len)
{
	return (len + RING_ALIGN - 1) & ~(RING_ALIGN - 1ull);
}

struct seal *seal_create(uint64_t cap)
{
	uint64_t head = whole_pages(sizeof(struct seal)), half = whole_pages(cap / 2);
	size_t len = head + 2 * half + SEAL_PIECE + RX_TIMES * cap;
	uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct seal *s = (struct seal *)p;

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, len, MADV_DONTDUMP);
	madvise(p, head, MADV_WIPEONFORK); /* or a child could say what is said here */
	if (mlock(p, head) < 0)
		errno = 0; /* a limit; who must not be swapped locks all of its memory */
	s->len = len;
	s->tx.buf = p + head;
	s->tx.size = cap;
	s->tx.copy = p + head + half;
	s->rx.copy = s->tx.copy + SEAL_PIECE;
	s->rx.buf = s->rx.copy + half;
	s->rx.size = RX_TIMES * cap;
	return s;
}

static void half_wipe(struct seal_half *h)
{
	uint8_t *buf = h->buf, *copy = h->copy;
	uint64_t size = h->size;

	if (h->gcm)
		h->gcm->key_wipe(&h->key);
	sodium_memzero(h, sizeof *h);
	h->buf = buf;
	h->copy = copy;
	h->size = size;
}

/* By giving pages back, which does not touch those that never were. */
void seal_wipe(struct seal *s)
{
	size_t head = whole_pages(sizeof *s);
	uint8_t *rest = (uint8_t *)s + head;

	half_wipe(&s->tx);
	half_wipe(&s->rx);
	if (madvise(rest, s->len - head, MADV_DONTNEED) < 0 &&
		madvise(rest, s->len - head, DONTNEED_LOCKED) < 0)
		sodium_memzero(rest, s->len - head);
}

void seal_destroy(struct seal *s)
{
	if (!s)
		return;
	seal_wipe(s);
	munmap(s, s->len);
}

/* ---- keys ---- */

static int expand(uint8_t *out, size_t len, const uint8_t secret[SEAL_SECRET], const char *label)
{
	return mbedtls_hkdf_expand(mbedtls_md_info_from_type(MBEDTLS_MD_SHA384), secret,
			   SEAL_SECRET, (const uint8_t *)label, strlen(label), out, len)
			   ? -ENOMEM
			   : 0;
}

/* The secret's key, and the secret after it. */
static int take_key(struct seal_half *h)
{
	uint8_t key[GCM_SECRET_BYTES], next[SEAL_SECRET];
	int rc = expand(key, sizeof key, h->secret, "cxl record key");

	if (!rc)
		rc = expand(next, sizeof next, h->secret, "cxl next secret");
	if (!rc)
		rc = h->gcm->key_init(&h->key, key);
	if (!rc) {
		memcpy(h->secret, next, sizeof next);
		h->records = h->bytes = 0;
		h->since_ms = clock_ms();
	}
	sodium_memzero(key, sizeof key);
	sodium_memzero(next, sizeof next);
	return rc;
}

static int next_key(struct seal_half *h)
{
	h->gcm->key_wipe(&h->key);
	h->epoch++;
	return take_key(h);
}

static bool key_is_old(const struct seal_half *h, uint64_t len)
{
	return h->records + 1 >= h->limits.records || h->bytes + len >= h->limits.bytes ||
		(h->records % CLOCK_EVERY == 0 && clock_ms() - h->since_ms >= h->limits.ms);
}

static void nonce_of(uint8_t nonce[GCM_NONCE_BYTES], const struct seal_half *h)
{
	memcpy(nonce, &h->epoch, sizeof h->epoch);
	memcpy(nonce + sizeof h->epoch, &h->number, sizeof h->number);
}

static void aad_of(uint8_t aad[SEAL_AAD], const struct seal_half *h, uint64_t len, uint8_t kind)
{
	uint64_t word = len | (uint64_t)kind << 32 | (uint64_t)h->outer.gen << 48;

	memcpy(aad, &h->place, sizeof h->place);
	memcpy(aad + 16, &word, sizeof word);
	memcpy(aad + 24, &h->number, sizeof h->number);
}

/* ---- beginning ---- */

static int begin(struct seal_half *h, struct ring *r, const struct gcm_backend *gcm,
	const struct seal_place *place, const uint8_t secret[SEAL_SECRET])
{
	/* Frames of a record are multiples of 16; the tag may end in the middle of one. */
	uint32_t most = (r->frame_max - SEAL_TAG) & ~(RING_ALIGN - 1u);
	int rc;

	h->gcm = gcm;
	h->place = *place;
	h->limits = usual;
	h->record_max = most;
	memcpy(h->secret, secret, SEAL_SECRET);
	rc = take_key(h);
	if (rc)
		return rc;
	h->outer = *r;
	memset(r, 0, sizeof *r);
	r->data = h->buf;
	r->cap = h->size;
	r->head = &h->head;
	r->gen = h->outer.gen;
	r->seal = h;
	r->frame_max = most - RING_HEADER;
	return 0;
}

int seal_begin_tx(struct seal_half *h, struct ring *r, const struct gcm_backend *gcm,
	const struct seal_place *place, const uint8_t secret[SEAL_SECRET],
	const struct life *life)
{
	h->life = *life;
	return begin(h, r, gcm, place, secret);
}

int seal_begin_rx(struct seal_half *h, struct ring *r, const struct gcm_backend *gcm,
	const struct seal_place *place, const uint8_t secret[SEAL_SECRET])
{
	int rc = begin(h, r, gcm, place, secret);

	if (rc)
		return rc;
	/* Records are checked when they are opened; fillers of ours may be longer. */
	r->frame_max = (uint32_t)r->cap;
	memset(h->buf, 0, WORD);
	return 0;
}

void seal_limit(struct ring *r, const struct seal_limits *limits)
{
	r->seal->limits = *limits;
}

const char *seal_why(const struct ring *r)
{
	return r->seal && r->broken ? r->seal->why : NULL;
}

static int give_up(struct ring *r, const char *why)
{
	r->broken = true;
	r->limit = 0;
	if (!r->seal->why)
		r->seal->why = why;
	return -EPROTO;
}

/* ---- writing ---- */

/* The payload of a record's last frame, where it lies instead of in the record. */
struct body {
	const uint8_t *p;
	uint32_t len;
};

static const struct body no_body = {NULL, 0};

/* Short records are faster at one go, and libsodium knows no other way. */
static bool in_pieces(const struct seal_half *h, uint64_t len)
{
	return len > RECORD_SOFT && h->gcm->update;
}

/* By way of h->copy: the cipher may read again what it wrote. A piece is as long as stays
 * in the cache; shorter ones wait for the ring's lines more often (64 KiB in pieces of 4, 8,
 * 16, 32 and 64: 11.5, 9.7, 9.5, 8.9, 8.9 us of the server). */
static int seal_part(
	struct seal_half *h, struct gcm_stream *s, uint8_t **at, const uint8_t *p, uint64_t len)
{
	uint64_t n;
	int rc = 0;

	for (; rc == 0 && len; len -= n) {
		n = len < SEAL_PIECE ? len : SEAL_PIECE;
		rc = h->gcm->update(s, h->copy, p, n);
		memcpy(*at, h->copy, n);
		p += n;
		*at += n;
	}
	return rc;
}

/* What fills the body's last block up is in the record. */
static int seal_pieces(struct seal_half *h, uint8_t *at, uint8_t *record, uint64_t len,
	const struct body *body, const uint8_t aad[SEAL_AAD], const uint8_t nonce[GCM_NONCE_BYTES])
{
	uint64_t from = len - round_up(body->len), whole = body->len & ~(RING_ALIGN - 1u);
	struct gcm_stream s;
	uint8_t tag[SEAL_TAG];
	int rc = h->gcm->begin(&s, &h->key, aad, SEAL_AAD, nonce);

	if (whole < body->len)
		memcpy(record + from + whole, body->p + whole, body->len - whole);
	if (!rc)
		rc = seal_part(h, &s, &at, record, from);
	if (!rc)
		rc = seal_part(h, &s, &at, body->p, whole);
	if (!rc)
		rc = seal_part(h, &s, &at, record + from + whole, len - from - whole);
	if (!rc)
		rc = h->gcm->finish(&s, tag);
	if (!rc)
		memcpy(at, tag, sizeof tag);
	sodium_memzero(&s, sizeof s);
	return rc;
}

static int seal_whole(struct seal_half *h, uint8_t *at, uint8_t *record, uint64_t len,
	const struct body *body, const uint8_t aad[SEAL_AAD], const uint8_t nonce[GCM_NONCE_BYTES])
{
	int rc;

	if (body->len)
		memcpy(record + len - round_up(body->len), body->p, body->len);
	rc = h->gcm->seal(&h->key, record, record + len, record, len, aad, SEAL_AAD, nonce);
	if (!rc)
		memcpy(at, record, len + SEAL_TAG);
	return rc;
}

/* Seal what is committed; there is room for it since it was claimed. */
static void close_record(struct ring *r, const struct body *body)
{
	struct seal_half *h = r->seal;
	uint8_t nonce[GCM_NONCE_BYTES], aad[SEAL_AAD], *at;
	uint32_t len = (uint32_t)(r->pos - h->start);
	uint8_t kind;

	if (!r->word || r->broken)
		return;
	/* Before the look, since clocks of copies differ: the kind is authenticated, and two tags of
	 * one nonce give the hash key away. */
	kind = key_is_old(h, len) ? SEAL_LAST : SEAL_RECORD;
	/* The frames are complete, and have no number yet. */
	if (seal_copied(r)) {
		give_up(r, "this process is a copy of another, which has the same keys");
		return;
	}
	shm_store64((uint64_t *)(r->data + (r->batch - h->start)), r->word);
	r->word = 0;
	nonce_of(nonce, h);
	aad_of(aad, h, len + SEAL_TAG, kind);
	if (ring_claim(&h->outer, len + SEAL_TAG, &at) ||
		(in_pieces(h, len) ? seal_pieces : seal_whole)(h, at, r->data, len, body, aad, nonce)) {
		give_up(r, "no room where there was some");
		return;
	}
	ring_commit(&h->outer, len + SEAL_TAG, kind, 0, h->number++);
	h->records++;
	h->bytes += len;
	if (kind == SEAL_LAST && next_key(h))
		give_up(r, "no memory for the next key");
	/* The next one starts where this one did, in the cache. */
	r->pos = h->start = (r->pos | (r->cap - 1)) + 1;
	r->limit = 0;
}

/* How long this record may become without another look at the room. */
static uint64_t record_room(const struct seal_half *h, uint64_t most)
{
	const struct ring *o = &h->outer;
	uint64_t room = o->limit - RING_ZEROED - CACHE_LINE - o->pos; /* ring_claim was content */
	uint64_t rest = o->cap - (o->pos & (o->cap - 1));

	room = (room < rest ? room : rest) - RING_HEADER;
	room = (room < SEAL_TAG ? 0 : room - SEAL_TAG) & ~(RING_ALIGN - 1ull);
	return room < most ? room : most;
}

int seal_claim(struct ring *r, uint32_t len, uint8_t **at)
{
	struct seal_half *h = r->seal;
	uint64_t need = round_up((uint64_t)len + RING_HEADER);
	uint64_t used = r->pos - h->start, room;
	uint32_t soft = h->record_max < RECORD_SOFT ? h->record_max : RECORD_SOFT;
	uint8_t *out;
	int rc;

	if (r->broken)
		return -EPROTO;
	if (len > r->frame_max)
		return -EMSGSIZE;
	if (used && used + need > soft) {
		close_record(r, &no_body);
		used = 0;
		if (r->broken)
			return -EPROTO;
	}
	rc = ring_claim(&h->outer, (uint32_t)(used + need + SEAL_TAG), &out);
	if (rc == -EPROTO)
		return give_up(r, "impossible position");
	if (rc)
		return rc;
	room = record_room(h, soft);
	room = room < used + need ? used + need : room;
	r->limit = h->start + room + RING_ZEROED + CACHE_LINE;
	*at = r->data + used + RING_HEADER;
	return 0;
}

/* A long payload is sealed before this returns, from where it lies: no frame follows it in
 * its record anyway. */
void seal_put(struct ring *r, uint8_t *at, const void *p, uint32_t len, uint8_t kind,
	uint8_t flags, uint64_t id)
{
	struct body body = {p, len};
	bool lent = len > RECORD_SOFT;

	if (len && !lent)
		memcpy(at, p, len);
	ring_commit(r, len, kind, flags, id);
	if (lent)
		close_record(r, &body);
}

void seal_show(struct ring *r)
{
	close_record(r, &no_body);
	ring_show(&r->seal->outer);
}

void seal_prepare(struct ring *r)
{
	ring_prepare(&r->seal->outer);
}

bool seal_held(const struct ring *r)
{
	return r->word || r->seal->outer.word;
}

bool seal_drained(const struct ring *r)
{
	return ring_drained(&r->seal->outer);
}

/* ---- reading ---- */

/* Frames that fill the record exactly, each of them whole. */
static bool well_formed(const struct seal_half *h, const uint8_t *p, uint64_t len, uint16_t gen)
{
	uint64_t at = 0, word, size;

	while (at < len) {
		memcpy(&word, p + at, sizeof word);
		size = round_up((uint64_t)(uint32_t)word + RING_HEADER);
		if (word >> 48 != gen || ((uint8_t)(word >> 40) & ~FRAME_MORE) || size > len - at)
			return false;
		at += size;
	}
	return true;
}

/* Where the next record's frames go: `skip` bytes further than the last ones ended, so that
 * they lie together, and at the beginning again once everything has been read. */
static bool find_place(const struct ring *r, uint64_t len, uint64_t *skip)
{
	const struct seal_half *h = r->seal;
	uint64_t off = h->start & (r->cap - 1), rest = r->cap - off, want = len + WORD;
	bool all_read = r->released == h->start;

	*skip = want > rest || (all_read && off >= want) ? rest : 0;
	return *skip + want <= r->cap - (h->start - r->released);
}

/* Copied, then opened: the bytes in the ring may change all the time. */
static int open_record(struct ring *r, const struct frame *f)
{
	struct seal_half *h = r->seal;
	uint8_t nonce[GCM_NONCE_BYTES], aad[SEAL_AAD], *to;
	uint64_t len = f->len - SEAL_TAG, skip, off = h->start & (r->cap - 1), word;

	if (!find_place(r, len, &skip))
		return -EAGAIN;
	to = r->data + ((h->start + skip) & (r->cap - 1));
	memcpy(h->copy, f->data, f->len);
	nonce_of(nonce, h);
	aad_of(aad, h, f->len, f->kind);
	if (h->gcm->open(&h->key, to, h->copy, len, h->copy + len, aad, sizeof aad, nonce))
		return give_up(r, "a sealed record that was forged, repeated or left out");
	if (!well_formed(h, to, len, r->gen))
		return give_up(r, "a sealed record that holds no frames");
	memset(to + len, 0, WORD);
	if (skip) {
		word = (skip - RING_HEADER) | (uint64_t)FRAME_PAD << 40 | (uint64_t)r->gen << 48;
		memcpy(r->data + off, &word, sizeof word);
	}
	h->start += skip + len;
	h->number++;
	if (f->kind == SEAL_LAST && next_key(h))
		return give_up(r, "no memory for the next key");
	return 0;
}

/* The next record, if one is there and has room. */
static int refill(struct ring *r)
{
	struct seal_half *h = r->seal;
	struct frame f;
	int rc = h->why ? -EPROTO : ring_peek(&h->outer, &f);

	if (rc == -EAGAIN)
		ring_release(&h->outer);
	if (rc == -EPROTO)
		return give_up(r, "impossible frame or position");
	if (rc)
		return rc;
	if ((f.kind != SEAL_RECORD && f.kind != SEAL_LAST) || f.flags)
		return give_up(r, "a frame that is not sealed");
	if (f.len <= SEAL_TAG || (f.len - SEAL_TAG) % RING_ALIGN || f.len - SEAL_TAG > h->record_max)
		return give_up(r, "a sealed record of impossible length");
	if (f.id != h->number)
		return give_up(r, "a sealed record out of its order");
	rc = open_record(r, &f);
	if (rc)
		return rc;
	ring_next(&h->outer);
	/* One store for what came together, but not too late for who waits for room. */
	if (!ring_waiting(&h->outer) || h->outer.pos - h->outer.released > h->outer.cap / 4)
		ring_release(&h->outer);
	return 0;
}

int seal_peek(struct ring *r, struct frame *f)
{
	int rc = r->broken ? -EPROTO : refill(r);

	return rc ? rc : ring_peek_slow(r, shm_load64((const uint64_t *)(r->data + (r->pos & (r->cap - 1)))), f);
}

bool seal_waiting(const struct ring *r)
{
	return !r->broken && ring_waiting(&r->seal->outer);
}

/* For who has no lock: the private one while frames are left, else the shared one. */
const uint64_t *seal_word(const struct ring *r)
{
	const uint64_t *own = (const uint64_t *)(r->data + (r->pos & (r->cap - 1)));

	return shm_load64(own) >> 48 == r->gen ? own : ring_word(&r->seal->outer);
}
