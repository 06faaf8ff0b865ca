/* SPDX-License-Identifier: BSD-3-Clause */
#include "node_match.h"

#include "executor/executor.h"

#include "zone.h"

void match_begin(struct zone_state *z)
{
	struct zone_match *m = &z->match;
	int k;

	for (k = 0; k < z->nkeep; k++)
		if (z->keep[k] == z->spec.match_by)
			m->column = k;
	if (z->spec.match != MATCH_NONE)
		return;
	/* What no row sets has to be something that a copy of the tuple can be made of. */
	ExecStoreAllNullTuple(z->css.ss.ss_ScanTupleSlot);
	m->held = MakeSingleTupleTableSlot(
		z->css.ss.ss_ScanTupleSlot->tts_tupleDescriptor, &TTSOpsVirtual);
}

void match_restart(struct zone_state *z)
{
	z->match.number = 0;
	z->match.passed = false;
	if (z->match.held)
		ExecClearTuple(z->match.held);
}

static int64 number_of(const struct zone_state *z, const struct zone_batch *b, uint32 row)
{
	return DatumGetInt64(b->kept[z->match.column * b->cap + row]);
}

/* Does it pass the filters? Raises their error. */
static bool passes(const struct zone_batch *b, uint32 row)
{
	if (b->filtered && b->fate[row] > ROW_NULL)
		zone_raise_state(b->fate[row]);
	return !b->filtered || b->fate[row] == ROW_VALUE;
}

static bool next_first(struct zone_state *z, struct zone_batch *b, TupleTableSlot *slot)
{
	struct zone_match *m = &z->match;

	while (b->at < b->rows) {
		uint32 row = b->at++;

		if (m->passed && number_of(z, b, row) == m->number)
			continue;
		if (!passes(b, row))
			continue;
		m->number = number_of(z, b, row);
		m->passed = true;
		batch_load(z, b, row, slot);
		return true;
	}
	return false;
}

/* The group is over. The row that stands for it is the one before this one, or was held
 * when its batch ended. */
static bool take_none(struct zone_state *z, struct zone_batch *b, TupleTableSlot *slot)
{
	struct zone_match *m = &z->match;
	bool none = m->number && !m->passed;

	m->passed = false;
	m->number = 0;
	if (!none)
		return false;
	if (TupIsNull(m->held))
		batch_load(z, b, b->at - 1, slot);
	else
		ExecCopySlot(slot, m->held);
	ExecClearTuple(m->held);
	return true;
}

static bool next_none(struct zone_state *z, struct zone_batch *b, TupleTableSlot *slot)
{
	struct zone_match *m = &z->match;

	while (b->at < b->rows) {
		int64 number = number_of(z, b, b->at);

		if (number != m->number && take_none(z, b, slot))
			return true;
		ExecClearTuple(m->held);
		m->number = number;
		if (!m->passed)
			m->passed = passes(b, b->at);
		b->at++;
	}
	if (m->number && !m->passed && TupIsNull(m->held)) {
		batch_load(z, b, b->rows - 1, slot);
		ExecCopySlot(m->held, slot);
	}
	return false;
}

bool match_next(struct zone_state *z, struct zone_batch *b, TupleTableSlot *slot)
{
	bool found = z->spec.match == MATCH_FIRST ? next_first(z, b, slot) : next_none(z, b, slot);

	z->count.passed += found;
	return found;
}

bool match_last(struct zone_state *z, TupleTableSlot *slot)
{
	if (z->spec.match != MATCH_NONE || TupIsNull(z->match.held))
		return false;
	ExecCopySlot(slot, z->match.held);
	match_restart(z);
	z->count.passed++;
	return true;
}
