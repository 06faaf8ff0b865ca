/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_mgr_ticket.c - scope: ops-server/mgr_ticket.h: chains as nodes go by them, answers that are
 * lost, copies in every order, a manager's successor, forged and foreign tickets, more chains
 * than places. With real processes: test_manager.c, tests/e2e/clone_tickets.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../../ops-server/mgr_ticket.h"

#include <sodium.h>

#include <stdlib.h>
#include <string.h>

enum { LEASE = 1000, NODE = 3 };

struct node {
	uint8_t ticket[MGR_TICKET];
	uint64_t link;
};

static const uint8_t master[TABLE_MASTER] = {7}, print[PEER_PRINT] = {1}, foreign[PEER_PRINT] = {2};
static struct tickets t;
static uint64_t now_ms, epoch_ms = 1700000000000; /* Unix time at 0 */

static int begin(void **state)
{
	now_ms = 100000;
	tickets_begin(&t, master, LEASE, now_ms);
	return 0;
}

static int end(void **state)
{
	tickets_end(&t);
	return 0;
}

/* Ask; the answer arrives, or is lost. Was it told to draw anew? */
static bool ask_as(struct node *n, const uint8_t who[PEER_PRINT], bool arrives)
{
	uint8_t given[MGR_TICKET];
	bool anew;

	assert_int_equal(
		tickets_take(&t, NODE, who, n->link, n->ticket, now_ms, epoch_ms + now_ms, given, &anew), 0);
	assert_false(sodium_is_zero(given, sizeof given));
	assert_memory_not_equal(given, n->ticket, sizeof given);
	if (arrives)
		memcpy(n->ticket, given, sizeof given);
	return anew;
}

static bool ask(struct node *n)
{
	return ask_as(n, print, true);
}

static void test_alone(void **state)
{
	struct node a = {.link = 0}, b = {.link = 0};
	int i;

	for (i = 0; i < 1000; i++) {
		assert_false(ask(&a));
		assert_false(ask(&b)); /* the same certificate, another process */
		now_ms += 250;
	}
}

static void test_lost_answers(void **state)
{
	struct node a = {.link = 0};
	int i;

	assert_false(ask_as(&a, print, false));
	assert_false(ask(&a));
	for (i = 0; i < 100; i++)
		assert_false(ask_as(&a, print, i % 7 == 0));
	assert_false(ask(&a));
	/* With its connection: what may be a copy's is not believed. A question that did not arrive
	 * is no answer that was lost. */
	a.link++;
	assert_false(ask(&a));
	assert_false(ask_as(&a, print, false));
	a.link++;
	assert_true(ask(&a));
	assert_false(ask(&a));
}

/* Every order in which two copies ask six times. Who comes second is told at once, and nobody
 * twice. */
static void test_copies(void **state)
{
	int order, i, told, who;
	bool asked[2];

	for (order = 0; order < 64; order++) {
		struct node n[2] = {{.link = 0}};

		assert_false(ask(&n[0]));
		assert_false(ask(&n[0]));
		n[1] = n[0];
		n[1].link = 1; /* theirs is the other's */
		asked[0] = asked[1] = false;
		for (told = 0, i = 0; i < 6; i++) {
			who = order >> i & 1;
			told += ask(&n[who]);
			asked[who] = true;
			assert_int_equal(told, asked[0] && asked[1]);
		}
	}
}

/* Time after time to the same snapshot, and asking once each time: nobody is left who would hear
 * of it by the next question. */
static void test_turned_back_at_once(void **state)
{
	struct node snapshot = {.link = 0}, run;
	int i;

	assert_false(ask(&snapshot));
	for (i = 0; i < 5; i++) {
		run = snapshot;
		run.link = 1 + (uint64_t)i;
		assert_int_equal(ask(&run), i > 0);
	}
}

/* The snapshot is older than what its machine went on to do, and that has ended. */
static void test_turned_back(void **state)
{
	struct node a = {.link = 0}, old;

	assert_false(ask(&a));
	old = a;
	assert_false(ask(&a));
	assert_false(ask(&a));
	assert_true(ask(&old));
	assert_false(ask(&old));
	/* And when nobody remembers: days later, the chain's place is another's. */
	old = a;
	assert_false(ask(&a));
	tickets_end(&t);
	tickets_begin(&t, master, LEASE, now_ms);
	now_ms += LEASE;
	assert_true(ask(&old));
}

static void test_successor(void **state)
{
	struct node a = {.link = 0}, b = {.link = 0}, copy, late;
	static const uint8_t another[TABLE_MASTER] = {8};

	assert_false(ask(&a));
	assert_false(ask(&b));
	late = copy = a;
	tickets_end(&t);
	now_ms += LEASE / 2;
	tickets_begin(&t, master, LEASE, now_ms);
	assert_false(ask(&a)); /* the successor knows what was just given */
	assert_false(ask(&a));
	assert_true(ask(&copy));
	now_ms += LEASE / 2;
	assert_true(ask(&b)); /* that was too long ago */
	now_ms += 2 * LEASE;
	assert_true(ask(&late));
	assert_false(ask(&a));
	tickets_end(&t);
	tickets_begin(&t, another, LEASE, now_ms);
	assert_true(ask(&a)); /* another store */
	tickets_end(&t);
	now_ms += LEASE / 2;
	tickets_begin(&t, another, LEASE, now_ms);
	epoch_ms -= 10 * LEASE; /* its clock was set back: given in the future */
	assert_true(ask(&a));
	epoch_ms += 10 * LEASE;
}

static void test_forged(void **state)
{
	struct node a = {.link = 0}, f;
	size_t i;

	assert_false(ask(&a));
	for (i = 0; i < 8 * MGR_TICKET; i++) {
		f = a;
		f.ticket[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_true(ask(&f));
	}
	f = a;
	assert_true(ask_as(&f, foreign, true)); /* stolen: by another certificate */
	assert_false(ask(&a));
}

/* A client that asks seldom, and thousands that come and go beside it: it is not forgotten. */
static void test_come_and_go(void **state)
{
	struct node stays = {{0}, 1};
	int i;

	assert_false(ask(&stays));
	for (i = 0; i < 10 * CHAINS; i++, now_ms++) {
		struct node brief = {{0}, 2};

		assert_false(ask(&brief));
		assert_false(ask(&brief));
		tickets_left(&t, NODE, brief.ticket);
	}
	assert_false(ask(&stays));
	tickets_left(&t, NODE, stays.ticket);
	assert_false(ask(&stays)); /* its connection broke, and it is back at once */
}

static void test_many(void **state)
{
	struct node *n = calloc(3 * CHAINS, sizeof *n);
	int i;

	assert_non_null(n);
	for (i = 0; i < 3 * CHAINS; i++, now_ms += i % 16 == 0) /* all of it well within a lease */
		assert_false(ask(&n[i]));
	assert_true(ask(&n[2 * CHAINS - 1])); /* forgotten, in place of 2 * CHAINS: and given by us, not before us */
	for (i = 2 * CHAINS + 1; i < 3 * CHAINS; i++, now_ms += i % 16 == 0)
		assert_false(ask(&n[i])); /* the last ones are known */
	assert_false(ask(&n[3 * CHAINS - 1]));
	now_ms += LEASE;
	tickets_end(&t);
	tickets_begin(&t, master, LEASE, now_ms - 2 * LEASE);
	assert_true(ask(&n[0])); /* forgotten: told, rather than believed */
	free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_alone, begin, end),
		cmocka_unit_test_setup_teardown(test_lost_answers, begin, end),
		cmocka_unit_test_setup_teardown(test_copies, begin, end),
		cmocka_unit_test_setup_teardown(test_turned_back, begin, end),
		cmocka_unit_test_setup_teardown(test_turned_back_at_once, begin, end),
		cmocka_unit_test_setup_teardown(test_successor, begin, end),
		cmocka_unit_test_setup_teardown(test_forged, begin, end),
		cmocka_unit_test_setup_teardown(test_come_and_go, begin, end),
		cmocka_unit_test_setup_teardown(test_many, begin, end),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
