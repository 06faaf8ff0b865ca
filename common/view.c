/* SPDX-License-Identifier: BSD-3-Clause */
#include "view.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "clock.h"
#include "cursor.h"

enum { PLACES = SERVICE_MAX };

static const char *const right_names[] = {"none", "read", "write"};

/* Where the channels of a service are. */
struct place {
	char service[SERVICE_NAME + 1];
	uint64_t off;    /* of channel 0, in the pool */
	uint64_t stride;
	uint32_t n;
};

/* What a view's bytes begin with. */
struct head {
	uint64_t version;
	uint32_t lease_ms;
	bool known;
	uint16_t ranges;
};

/* And each of its ranges. */
struct entry {
	struct view_range range;
	enum view_right right;
	uint64_t key_id;
	const uint8_t *key;    /* VIEW_KEY bytes, in the view */
	const uint8_t *member; /* PEER_PRINT + 1 bytes each */
	uint32_t members;
};

struct view {
	pthread_mutex_t lock; /* of all that follows but `seen` */
	uint8_t *bytes; /* valid; sodium_malloc, NULL: none yet */
	size_t len;
	struct head head;
	uint64_t until_ms;
	bool holds;
	char pool[VIEW_NAME + 1];
	struct place place[PLACES];
	uint32_t nplaces;
	uint64_t seen;
	int users;
};

/* ---- names, ranges and bytes ---- */

bool view_name_valid(const char *name, size_t len)
{
	return len <= VIEW_NAME && peer_name_valid(name, len);
}

const char *view_right_name(enum view_right right)
{
	return right_names[right];
}

bool view_parse_right(const char *text, enum view_right *right)
{
	int i;

	for (i = RIGHT_NONE; i <= RIGHT_WRITE; i++)
		if (strcmp(text, right_names[i]) == 0) {
			*right = (enum view_right)i;
			return true;
		}
	return false;
}

bool view_ranges_meet(const struct view_range *a, const struct view_range *b)
{
	return strcmp(a->pool, b->pool) == 0 && a->from < b->to && b->from < a->to &&
		(!a->service[0] || !b->service[0] || strcmp(a->service, b->service) == 0) &&
		a->first <= b->last && b->first <= a->last;
}

/* A text of at most `max` bytes into max + 1; what is no name is bad, and so is nothing, unless
 * that may be. */
static void read_text(struct cursor *c, char *to, size_t max, bool may_be_empty)
{
	size_t len = cursor_u8(c);
	const uint8_t *p = cursor_bytes(c, len);

	if (!p || len > max || (len == 0 ? !may_be_empty : !peer_name_valid((const char *)p, len))) {
		c->bad = true;
		len = 0;
	}
	if (len)
		memcpy(to, p, len);
	to[len] = 0;
}

/* These two: false when that is none. */
static bool read_head(struct cursor *c, struct head *h)
{
	uint8_t known;

	h->version = cursor_u64(c);
	h->lease_ms = cursor_u32(c);
	known = cursor_u8(c);
	h->ranges = cursor_u16(c);
	h->known = known == 1;
	c->bad |= known > 1 || h->version == 0 || h->lease_ms == 0;
	return !c->bad;
}

static bool read_entry(struct cursor *c, struct entry *x)
{
	struct view_range *r = &x->range;
	uint8_t right;
	uint32_t i;

	read_text(c, r->name, VIEW_NAME, false);
	read_text(c, r->pool, VIEW_NAME, false);
	r->from = cursor_u64(c);
	r->to = cursor_u64(c);
	read_text(c, r->service, SERVICE_NAME, true);
	r->first = cursor_u32(c);
	r->last = cursor_u32(c);
	right = cursor_u8(c);
	x->key_id = cursor_u64(c);
	x->key = cursor_bytes(c, VIEW_KEY);
	x->members = cursor_u32(c);
	c->bad |= right > RIGHT_WRITE || r->from >= r->to || r->first > r->last ||
		x->key_id == 0 || x->members > c->left / (PEER_PRINT + 1);
	if (c->bad)
		return false;
	x->right = (enum view_right)right;
	x->member = cursor_bytes(c, x->members * (size_t)(PEER_PRINT + 1));
	for (i = 0; i < x->members; i++)
		c->bad |= x->member[i * (PEER_PRINT + 1) + PEER_PRINT] > RIGHT_WRITE;
	return !c->bad;
}

static bool valid(const uint8_t *bytes, size_t len, struct head *h)
{
	struct cursor c = cursor_of(bytes, len);
	struct entry x;
	uint16_t i;

	if (len > VIEW_BYTES_MAX || !read_head(&c, h))
		return false;
	for (i = 0; i < h->ranges; i++)
		if (!read_entry(&c, &x))
			return false;
	return c.left == 0;
}

/* ---- life ---- */

struct view *view_create(const char *pool)
{
	struct view *v = sodium_init() < 0 ? NULL : calloc(1, sizeof *v);

	if (!v)
		return NULL;
	pthread_mutex_init(&v->lock, NULL);
	snprintf(v->pool, sizeof v->pool, "%s", pool);
	v->seen = 1;
	v->users = 1;
	return v;
}

struct view *view_hold(struct view *v)
{
	if (v)
		__atomic_fetch_add(&v->users, 1, __ATOMIC_RELAXED);
	return v;
}

void view_drop(struct view *v)
{
	if (!v || __atomic_sub_fetch(&v->users, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	sodium_free(v->bytes);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

static struct place *find_place(const struct view *v, const char *service)
{
	uint32_t i;

	for (i = 0; i < v->nplaces; i++)
		if (strcmp(v->place[i].service, service) == 0)
			return (struct place *)&v->place[i];
	return NULL;
}

/* Caller has the lock. */
static void see(struct view *v)
{
	__atomic_fetch_add(&v->seen, 1, __ATOMIC_RELEASE);
}

void view_place(struct view *v, const struct region *r, const char *service)
{
	const struct service_geometry *g = region_service(r, service);
	struct place now = {.n = 0}, *p;

	if (!g)
		return;
	strcpy(now.service, g->name);
	now.off = r->off + (uint64_t)(g->channels - r->base);
	now.stride = region_stride(g->ring_bytes);
	now.n = g->nchannels;
	pthread_mutex_lock(&v->lock);
	p = find_place(v, service);
	if (!p && v->nplaces < PLACES)
		p = &v->place[v->nplaces++];
	if (p && memcmp(p, &now, sizeof now) != 0) {
		*p = now;
		see(v);
	}
	pthread_mutex_unlock(&v->lock);
}

/* ---- news ---- */

int view_set(struct view *v, const uint8_t *bytes, size_t len, uint64_t asked_ms,
	struct err_text *e)
{
	struct head h;
	uint8_t *copy, *old = NULL;
	int rc = 0;

	if (!valid(bytes, len, &h)) {
		err_set(e, "the manager sent what is no view");
		return -EPROTO;
	}
	copy = sodium_malloc(len);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, bytes, len);
	pthread_mutex_lock(&v->lock);
	if (h.version < v->head.version) {
		err_set(e, "the manager is at version %llu and was at %llu: an old table was put back",
			(unsigned long long)h.version, (unsigned long long)v->head.version);
		old = copy;
		rc = -ESTALE;
	} else {
		old = v->bytes;
		v->bytes = copy;
		v->len = len;
		v->head = h;
		if (asked_ms) {
			v->until_ms = asked_ms + h.lease_ms;
			v->holds = true;
		}
		see(v);
	}
	pthread_mutex_unlock(&v->lock);
	sodium_free(old);
	return rc;
}

void view_confirm(struct view *v, uint64_t version, uint64_t asked_ms)
{
	pthread_mutex_lock(&v->lock);
	if (v->bytes && version == v->head.version) {
		v->until_ms = asked_ms + v->head.lease_ms;
		if (!v->holds)
			see(v);
		v->holds = true;
	}
	pthread_mutex_unlock(&v->lock);
}

void view_tick(struct view *v, uint64_t now_ms)
{
	pthread_mutex_lock(&v->lock);
	if (v->holds && now_ms >= v->until_ms) {
		v->holds = false;
		see(v);
	}
	pthread_mutex_unlock(&v->lock);
}

/* ---- questions ---- */

void view_state(const struct view *view, struct view_state *s)
{
	struct view *v = (struct view *)view;

	pthread_mutex_lock(&v->lock);
	*s = (struct view_state){.version = v->head.version, .lease_ms = v->head.lease_ms,
		.until_ms = v->until_ms, .holds = v->holds && clock_ms() < v->until_ms,
		.known = v->head.known};
	pthread_mutex_unlock(&v->lock);
}

const uint64_t *view_seen(const struct view *v)
{
	return &v->seen;
}

static bool holds_channel(const struct view_range *r, const char *pool, const struct place *p,
	uint32_t channel)
{
	uint64_t from = p->off + channel * p->stride;

	return strcmp(r->pool, pool) == 0 && (!r->service[0] || strcmp(r->service, p->service) == 0) &&
		r->first <= channel && channel <= r->last && r->from <= from &&
		from + p->stride <= r->to;
}

/* The range of a channel. Caller has the lock. */
static int find_entry(const struct view *v, const char *service, uint32_t channel,
	struct entry *x, struct err_text *e)
{
	const struct place *p = find_place(v, service);
	struct cursor c;
	struct head h;
	uint16_t i;

	if (!v->bytes || !v->holds || clock_ms() >= v->until_ms) {
		err_set(e, v->bytes ? "the manager's lease has ended: nobody has any right until it answers"
				    : "the manager has not answered yet");
		return -ETIMEDOUT;
	}
	c = cursor_of(v->bytes, v->len);
	if (p && channel < p->n && read_head(&c, &h))
		for (i = 0; i < h.ranges && read_entry(&c, x); i++)
			if (holds_channel(&x->range, v->pool, p, channel))
				return 0;
	err_set(e, v->head.known ? "the manager gives this node no right to channel %u of \"%s\" in pool \"%s\""
			 : "the manager does not know this node's certificate (channel %u of \"%s\" in pool \"%s\")",
		channel, service, v->pool);
	return -EACCES;
}

int view_own(const struct view *view, const char *service, uint32_t channel,
	struct view_grant *g, struct err_text *e)
{
	struct view *v = (struct view *)view;
	struct entry x;
	int rc;

	pthread_mutex_lock(&v->lock);
	rc = find_entry(v, service, channel, &x, e);
	if (rc == 0) {
		strcpy(g->range, x.range.name);
		g->right = x.right;
		g->key_id = x.key_id;
		memcpy(g->key, x.key, VIEW_KEY);
	}
	pthread_mutex_unlock(&v->lock);
	return rc;
}

bool view_may(const struct view *v, const char *service, uint32_t channel)
{
	struct err_text e;
	struct view_grant g;
	bool may = view_own(v, service, channel, &g, &e) == 0;

	sodium_memzero(&g, sizeof g);
	return may;
}

static enum view_right right_of(const struct entry *x, const uint8_t print[PEER_PRINT])
{
	uint32_t i;

	for (i = 0; i < x->members; i++) {
		const uint8_t *m = x->member + i * (size_t)(PEER_PRINT + 1);

		if (memcmp(m, print, PEER_PRINT) == 0)
			return (enum view_right)m[PEER_PRINT];
	}
	return RIGHT_NONE;
}

int view_peer(const struct view *view, const char *service, uint32_t channel,
	const uint8_t print[PEER_PRINT], uint64_t key_id, enum view_right *right,
	struct err_text *e)
{
	struct view *v = (struct view *)view;
	struct entry x;
	int rc;

	pthread_mutex_lock(&v->lock);
	rc = find_entry(v, service, channel, &x, e);
	if (rc == 0) {
		*right = right_of(&x, print);
		if (x.right != RIGHT_WRITE) {
			err_set(e, "the manager gives this server no right to write to range \"%s\"", x.range.name);
			rc = -EACCES;
		} else if (*right == RIGHT_NONE) {
			err_set(e, "it has no right to range \"%s\"", x.range.name);
			rc = -EACCES;
		} else if (key_id && key_id != x.key_id) {
			err_set(e, "range \"%s\" has another key", x.range.name);
			rc = -ESTALE;
		}
	}
	pthread_mutex_unlock(&v->lock);
	return rc;
}

static void entry_text(FILE *f, const struct entry *x)
{
	const struct view_range *r = &x->range;

	fprintf(f, "range %s pool %s from %llu to ", r->name, r->pool, (unsigned long long)r->from);
	if (r->to == UINT64_MAX)
		fprintf(f, "end");
	else
		fprintf(f, "%llu", (unsigned long long)r->to);
	fprintf(f, " service %s channels %u-%u right %s key %016llx", r->service[0] ? r->service : "*",
		r->first, r->last, right_names[x->right], (unsigned long long)x->key_id);
	if (x->members)
		fprintf(f, " members %u", x->members);
	fputc('\n', f);
}

char *view_text(const struct view *view)
{
	struct view *v = (struct view *)view;
	struct entry x;
	struct head h;
	struct cursor c;
	char *text = NULL;
	size_t len;
	uint16_t i;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	pthread_mutex_lock(&v->lock);
	c = cursor_of(v->bytes, v->len);
	if (v->bytes && read_head(&c, &h)) {
		fprintf(f, "version %llu\nlease_ms %u\nknown %s\n", (unsigned long long)h.version,
			h.lease_ms, h.known ? "yes" : "no");
		for (i = 0; i < h.ranges && read_entry(&c, &x); i++)
			entry_text(f, &x);
	}
	pthread_mutex_unlock(&v->lock);
	fclose(f);
	return text;
}
