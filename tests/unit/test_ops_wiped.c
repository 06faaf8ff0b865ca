/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_ops_wiped.c - scope: what an ops_server keeps of a client's plaintext when it has answered: nothing, in
 * none of its memory. Short and long texts, encrypted and decrypted, a reply that waits for room and a request
 * that never comes to its end. Only root may look; what is shared is the channels', and not looked at.
 */
#include "servedrig.h"

enum { MARK = 24, LONGEST = 3 << 20 };

static char mark[MARK + 1]; /* is in no program */
static uint8_t text[LONGEST], req[LONGEST + 4096];

static void draw_mark(void)
{
	uint8_t random[MARK / 2];
	size_t i;

	randombytes_buf(random, sizeof random);
	sodium_bin2hex(mark, sizeof mark, random, sizeof random);
	for (i = 0; i < sizeof text; i++)
		text[i] = (uint8_t)mark[i % MARK];
}

/* How often a mapping of the server has it. */
static size_t count_in(int mem, unsigned long from, unsigned long to)
{
	size_t len = to - from, n = 0;
	uint8_t *copy = malloc(len), *at;
	ssize_t got = pread(mem, copy, len, (off_t)from);

	for (at = copy; got > 0 && (at = memmem(at, (size_t)(copy + got - at), mark, MARK)); at += MARK)
		n++;
	free(copy);
	return n;
}

static size_t count_marks(void)
{
	char name[64], line[512], rights[8];
	unsigned long from, to;
	size_t n = 0;
	int mem;
	FILE *maps;

	snprintf(name, sizeof name, "/proc/%d/mem", (int)f.pid);
	mem = open(name, O_RDONLY);
	snprintf(name, sizeof name, "/proc/%d/maps", (int)f.pid);
	maps = fopen(name, "r");
	assert_true(mem >= 0 && maps);
	while (fgets(line, sizeof line, maps))
		if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 && rights[1] == 'w' && rights[3] == 'p')
			n += count_in(mem, from, to);
	fclose(maps);
	close(mem);
	return n;
}

/* A worker may be at it for a moment after its answer is there. */
static void is_wiped(int line)
{
	int i;

	for (i = 0; i < 50 && count_marks(); i++)
		usleep(20000);
	if (count_marks())
		fail_msg("line %d: %zu times in the server's memory", line, count_marks());
}

#define wiped() is_wiped(__LINE__)

static struct ops_client *client_with_credential(void)
{
	if (geteuid() != 0)
		skip();
	draw_mark();
	return client_open(ROLE_CLIENT, f.secret);
}

/* `len` bytes of text to a value, and back. */
static void there_and_back(struct ops_client *c, uint32_t len)
{
	struct cell cell = {.p = text, .len = len};
	struct rig_arg clear = {&cell, T_TEXT, ARG_CLEAR}, secret = {&cell, T_TEXT, 0};
	uint16_t push[] = {PUSH}, decrypt[] = {PUSH, OP_enc_text_decrypt};
	size_t n;

	assert_int_equal(ask(c, OPS_EVAL, req, rig_request(req, sizeof req, f.s, &clear, 1, push, 1, 1)), 0);
	wiped();
	n = rig_request(req, sizeof req, f.s, &secret, 1, decrypt, 2, 1);
	assert_int_equal(ask(c, OPS_EVAL, req, n), 0);
	assert_true(rig_reply_read(&reply, f.o) && reply.cell[0].len == len);
	assert_memory_equal(reply.cell[0].p, text, len);
	wiped();
}

/* The rig finds what is there. */
static void test_found(void **state)
{
	struct ops_client *c = client_with_credential();
	uint8_t *at;
	int i;

	assert_int_equal(ask_lt(c), 0);
	assert_int_equal(ring_claim(&c->chan.tx, 4096, &at), 0);
	memcpy(at, text, 4096);
	ring_commit(&c->chan.tx, 4096, OPS_EVAL, FRAME_MORE, 77);
	chan_publish(&c->chan);
	for (i = 0; i < 100 && !count_marks(); i++)
		usleep(20000);
	assert_true(count_marks() > 0); /* half a request */
	client_close(c);
	wiped(); /* and its end */
}

static void test_texts(void **state)
{
	static const uint32_t len[] = {64, 1000, 10000, 40000, 100000, 1 << 20, LONGEST};
	struct ops_client *c = client_with_credential();
	size_t i;

	for (i = 0; i < sizeof len / sizeof len[0]; i++)
		there_and_back(c, len[i]);
	client_close(c);
	wiped();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_found),
		SERVED(test_texts),
	};

	if (server_find())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
