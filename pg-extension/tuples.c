/* SPDX-License-Identifier: BSD-3-Clause */
#include "tuples.h"

#include "utils/memutils.h"

enum {
	CHUNK_FIRST = 8 * 1024,
	PLACES_FIRST = 256,
	CHUNKS_FIRST = 16,
};

void tuples_init(struct tuples *t, TupleDesc desc)
{
	memset(t, 0, sizeof *t);
	t->context = AllocSetContextCreate(
		CurrentMemoryContext, "hedb tuples", ALLOCSET_DEFAULT_SIZES);
	t->desc = desc;
}

void tuples_reset(struct tuples *t)
{
	MemoryContext context = t->context;
	TupleDesc desc = t->desc;

	MemoryContextReset(context);
	memset(t, 0, sizeof *t);
	t->context = context;
	t->desc = desc;
}

static void *grown(struct tuples *t, void *old, Size n)
{
	return old ? repalloc_huge(old, n) : MemoryContextAllocHuge(t->context, n);
}

static void add_chunk(struct tuples *t, Size least)
{
	Size size = Min(Max(t->bytes / 4, CHUNK_FIRST), TUPLES_CHUNK); /* not much beyond work_mem */

	if (t->nchunks == t->cap_chunks) {
		t->cap_chunks = t->cap_chunks ? t->cap_chunks * 2 : CHUNKS_FIRST;
		t->chunk = grown(t, t->chunk, t->cap_chunks * sizeof *t->chunk);
	}
	size = TYPEALIGN_DOWN(TUPLES_UNIT, Max(size, least));
	t->chunk[t->nchunks] = MemoryContextAllocHuge(t->context, size);
	t->nchunks++;
	t->size = size;
	t->used = 0;
	t->bytes += size;
}

/* Room for one more of that size; false when its place would not have a number. */
static bool make_room(struct tuples *t, Size len)
{
	if (t->n == t->cap) {
		if (t->cap > UINT32_MAX / 2)
			return false;
		t->bytes -= (Size)t->cap * sizeof *t->place;
		t->cap = t->cap ? t->cap * 2 : PLACES_FIRST;
		t->bytes += (Size)t->cap * sizeof *t->place;
		t->place = grown(t, t->place, (Size)t->cap * sizeof *t->place);
	}
	if (t->nchunks > 0 && t->size - t->used >= len && t->used < TUPLES_CHUNK)
		return true;
	if (t->nchunks == TUPLES_CHUNKS_MAX)
		return false;
	add_chunk(t, len);
	return true;
}

static MinimalTuple next(struct tuples *t, Size len)
{
	MinimalTuple m = (MinimalTuple)(t->chunk[t->nchunks - 1] + t->used);

	t->place[t->n++] = (t->nchunks - 1) << TUPLES_OFFSET_BITS |
		(uint32)(t->used / TUPLES_UNIT);
	t->used += len;
	return m;
}

static void form(MinimalTuple m, Size len, Size head, Size data, TupleDesc desc,
	TupleTableSlot *slot, bool nulls)
{
	memset(m, 0, len); /* padding tells where a value begins */
	m->t_len = (uint32)len;
	HeapTupleHeaderSetNatts(m, desc->natts);
	m->t_hoff = (uint8)(head + MINIMAL_TUPLE_OFFSET);
	heap_fill_tuple(desc, slot->tts_values, slot->tts_isnull, (char *)m + head, data,
		&m->t_infomask, nulls ? m->t_bits : NULL);
}

bool tuples_add(struct tuples *t, TupleTableSlot *slot)
{
	TupleDesc desc = t->desc;
	Size head = SizeofMinimalTupleHeader, data, len, room;
	bool nulls = false;
	int i;

	slot_getallattrs(slot);
	for (i = 0; i < desc->natts && !nulls; i++)
		nulls = slot->tts_isnull[i];
	if (nulls)
		head += BITMAPLEN(desc->natts);
	head = MAXALIGN(head);
	data = heap_compute_data_size(desc, slot->tts_values, slot->tts_isnull);
	len = head + data;
	room = TYPEALIGN(TUPLES_UNIT, len);
	if (!make_room(t, room))
		return false;
	form(next(t, room), len, head, data, desc, slot, nulls);
	return true;
}

MinimalTuple tuples_room(struct tuples *t, uint32 len)
{
	Size room = TYPEALIGN(TUPLES_UNIT, (Size)len);

	if (!make_room(t, room))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("too many rows of a sort are in memory")));
	return next(t, room);
}

void tuples_keep(struct tuples *t, const uint32 *keep, uint32 n)
{
	struct tuples kept = {.context = t->context, .desc = t->desc};
	uint32 i;

	for (i = 0; i < n; i++) {
		MinimalTuple m = tuples_at(t, t->place[keep[i]]);

		memcpy(tuples_room(&kept, m->t_len), m, m->t_len);
	}
	for (i = 0; i < t->nchunks; i++)
		pfree(t->chunk[i]);
	if (t->chunk)
		pfree(t->chunk);
	if (t->place)
		pfree(t->place);
	*t = kept;
}

void tuples_free_before(struct tuples *t, uint32 i)
{
	uint32 c = t->place[i] >> TUPLES_OFFSET_BITS;

	if (c == 0 || !t->chunk[c - 1])
		return;
	pfree(t->chunk[c - 1]);
	t->chunk[c - 1] = NULL;
}
