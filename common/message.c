/* SPDX-License-Identifier: BSD-3-Clause */
#include "message.h"

#include <stdlib.h>
#include <string.h>

int message_send(struct ring *r, struct message_out *m)
{
	uint32_t part_max = ring_frame_max(r);

	if (m->len > part_max)
		part_max = r->cap / 8;

	do {
		uint64_t left = m->len - m->sent;
		uint32_t part = left > part_max ? part_max : (uint32_t)left;
		int rc = ring_put(r, m->data + m->sent, part, m->kind, part < left ? FRAME_MORE : 0,
			m->id);

		if (rc)
			return rc;
		m->sent += part;
	} while (m->sent < m->len);
	return 0;
}

int message_take(
	struct message_in *m, const struct frame *f, const uint8_t **data, uint64_t *len)
{
	if (m->len == 0 && !(f->flags & FRAME_MORE)) {
		if (f->len > m->max)
			return -EMSGSIZE;
		*data = f->data;
		*len = f->len;
		return 0;
	}
	if (m->len == 0) {
		m->id = f->id;
		m->kind = f->kind;
	} else if (m->id != f->id || m->kind != f->kind) {
		return -EPROTO;
	}
	if (f->len == 0)
		return -EPROTO; /* part of a long message, and empty: never sent */
	if (f->len > m->max - m->len)
		return -EMSGSIZE;
	if (m->len + f->len > m->cap) {
		uint64_t cap = m->cap ? m->cap : 65536;
		uint8_t *buf;

		while (cap < m->len + f->len)
			cap *= 2;
		buf = m->grow(m->buf, cap);
		if (!buf)
			return -ENOMEM;
		m->buf = buf;
		m->cap = cap;
	}
	memcpy(m->buf + m->len, f->data, f->len);
	m->len += f->len;
	if (f->flags & FRAME_MORE)
		return -EAGAIN;
	*data = m->buf;
	*len = m->len;
	m->len = 0;
	return 0;
}

void message_reset(struct message_in *m, uint64_t keep)
{
	m->len = 0;
	if (m->cap > keep) {
		m->grow(m->buf, 0);
		m->buf = NULL;
		m->cap = 0;
	}
}

uint8_t *message_heap(uint8_t *buf, uint64_t cap)
{
	if (cap)
		return realloc(buf, cap);
	free(buf);
	return NULL;
}
