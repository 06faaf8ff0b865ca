/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_audit.c - scope: common/audit.h and ops-server/auditor.h: a log of several segments is
 * verified; every flipped bit, every cut, lines and segments left out, moved, repeated or made anew
 * are found; bytes at random; a full disk, and going on after a crash.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "../../ops-server/auditor.h"
#include "../../ops-server/log.h"
#include "../rig.h"
#include "../syncrig.h"

enum { BYTES = 64 << 10, LINES = 40 };

static struct err_text err;
static char dir[64], key[80], public[96];
static uint8_t secret[SIGNKEY_SECRET];

/* ---- bytes ---- */

struct log {
	char bytes[BYTES];
	size_t len;
	size_t line[LINES + 1]; /* where they begin; and the end */
	int n;
};

static void add(struct log *l, struct audit_chain *c, const char *text)
{
	l->line[l->n++] = l->len;
	l->len += audit_line(l->bytes + l->len, c, 1700000000, text);
	l->line[l->n] = l->len;
}

/* A segment of `lines` lines, a head behind every fourth. */
static void make(struct log *l, struct audit_chain *c, uint64_t segment, int lines)
{
	const struct policy_stamp policy = {4, {1, 2, 3}};
	char text[AUDIT_TEXT];
	int i;

	l->len = 0;
	l->n = 0;
	audit_begin_text(text, c, segment, &policy);
	add(l, c, text);
	for (i = 1; i < lines; i++) {
		if (i % 4 == 0)
			audit_head_text(text, c, secret);
		else
			snprintf(text, sizeof text, "denied role=db count=%d why: not\nallowed \x80", i);
		add(l, c, text);
	}
}

static int check(struct audit_check *c, const char *bytes, size_t len)
{
	memcpy(c->key, secret + 32, SIGNKEY_PUBLIC);
	err.s[0] = 0;
	return audit_check_bytes(c, bytes, len, &err);
}

static int check_alone(const char *bytes, size_t len)
{
	struct audit_check c = {.begun = false};

	return check(&c, bytes, len);
}

static void test_good(void **state)
{
	struct audit_chain chain = {0, {0}};
	struct audit_check c = {.begun = false};
	struct log a, b;

	make(&a, &chain, 1, 10);
	make(&b, &chain, 2, 6);
	assert_null(memchr(a.bytes, 0x80, a.len)); /* nor line feeds within */
	assert_int_equal(check(&c, a.bytes, a.len), 0);
	assert_int_equal(c.signed_to, 8);
	c.want = (struct audit_chain){12, {0}};
	assert_int_equal(check(&c, b.bytes, b.len), 0);
	assert_int_equal(c.chain.number, 16);
	assert_int_equal(c.signed_to, 14);
	assert_int_equal(c.segments, 2);
	assert_int_equal(c.policy.version, 4);
	assert_int_equal(c.policy.digest[2], 3);
	assert_memory_equal(c.chain.hash, chain.hash, AUDIT_HASH);
	assert_int_equal(audit_check_head(&c, &err), -EBADMSG);
	c.want.number = 0;
	assert_int_equal(audit_check_head(&c, &err), 0);
	/* older segments may have been put away */
	assert_int_equal(check_alone(b.bytes, b.len), 0);
}

static void test_every_flip(void **state)
{
	struct audit_chain chain = {0, {0}};
	struct log l;
	size_t i;
	int bit;

	make(&l, &chain, 1, 10);
	for (i = 0; i < l.len; i++) {
		for (bit = 0; bit < 8; bit++) {
			l.bytes[i] ^= (char)(1 << bit);
			/* The last line feed away is half a line, as after a crash; so what is read
			 * says so, and a later segment would not go on from it. */
			if (i == l.len - 1) {
				struct audit_check c = {.begun = false};

				assert_int_equal(check(&c, l.bytes, l.len), 0);
				assert_int_equal(c.chain.number, 9);
				assert_true(c.torn > 0);
			} else if (check_alone(l.bytes, l.len) != -EBADMSG) {
				fail_msg("bit %d of byte %zu", bit, i);
			}
			l.bytes[i] ^= (char)(1 << bit);
		}
	}
	assert_int_equal(check_alone(l.bytes, l.len), 0);
}

static void test_every_cut(void **state)
{
	struct audit_chain chain = {0, {0}};
	struct audit_check c = {.begun = false};
	struct log a, b;
	size_t i;

	make(&a, &chain, 1, 10);
	make(&b, &chain, 2, 3);
	/* At the end alone it is as if the server had stopped there: a noted head tells. */
	assert_int_equal(check(&c, a.bytes, a.len), 0);
	for (i = 0; i < a.len; i++) {
		struct audit_check cut = {.begun = false, .want = c.chain};

		assert_int_equal(check(&cut, a.bytes, i), 0);
		assert_int_equal(audit_check_head(&cut, &err), -EBADMSG);
		if (!cut.begun)
			continue;
		/* With a segment behind it always. */
		if (check(&cut, b.bytes, b.len) != -EBADMSG)
			fail_msg("cut at %zu", i);
	}
	assert_int_equal(check(&c, b.bytes, b.len), 0);
}

/* A copy without line i; with lines i and j swapped; with i twice. */
static void test_lines_moved(void **state)
{
	struct audit_chain chain = {0, {0}};
	struct log l;
	char copy[BYTES];
	int i, j, k;

	make(&l, &chain, 1, 12);
	for (i = 0; i < l.n - 1; i++) {
		size_t at = l.line[i], next = l.line[i + 1];

		memcpy(copy, l.bytes, at);
		memcpy(copy + at, l.bytes + next, l.len - next);
		assert_int_equal(check_alone(copy, l.len - (next - at)), -EBADMSG);
		memcpy(copy, l.bytes, next);
		memcpy(copy + next, l.bytes + at, l.len - at);
		assert_int_equal(check_alone(copy, l.len + next - at), -EBADMSG);
	}
	for (i = 0; i < l.n; i++)
		for (j = i + 1; j < l.n; j++) {
			size_t len = 0;

			for (k = 0; k < l.n; k++) {
				int from = k == i ? j : k == j ? i : k;
				size_t n = l.line[from + 1] - l.line[from];

				memcpy(copy + len, l.bytes + l.line[from], n);
				len += n;
			}
			assert_int_equal(check_alone(copy, len), -EBADMSG);
		}
}

/* A chain of one's own is good, but for its signatures. */
static void test_made_anew(void **state)
{
	struct audit_chain chain = {0, {0}};
	uint8_t mine[SIGNKEY_SECRET], owner[SIGNKEY_SECRET], pub[32];
	struct log l;

	memcpy(owner, secret, sizeof secret);
	crypto_sign_keypair(pub, mine);
	memcpy(secret, mine, sizeof secret);
	make(&l, &chain, 1, 10);
	memcpy(secret, owner, sizeof secret);
	assert_int_equal(check_alone(l.bytes, l.len), -EBADMSG);
	assert_non_null(strstr(err.s, "signature"));
	/* a signature of another line */
	chain = (struct audit_chain){0, {0}};
	make(&l, &chain, 1, 5);
	{
		struct audit_chain other = {7, {9}};
		char text[AUDIT_TEXT];

		audit_head_text(text, &other, secret);
		add(&l, &chain, text);
	}
	assert_int_equal(check_alone(l.bytes, l.len), -EBADMSG);
}

static void test_hostile_bytes(void **state)
{
	struct audit_chain chain = {0, {0}};
	uint64_t seed = 21;
	struct log l;
	char copy[BYTES];
	int i, k;

	make(&l, &chain, 1, 8);
	for (i = 0; i < 20000; i++) {
		size_t len = rig_below(&seed, 2) ? l.len : rig_below(&seed, l.len);
		char *exact;

		memcpy(copy, l.bytes, len);
		for (k = (int)rig_below(&seed, 8); k > 0 && len; k--)
			copy[rig_below(&seed, len)] = "\n 0:=\0az\xff"[rig_below(&seed, 9)];
		exact = malloc(len + 1);
		memcpy(exact, copy, len);
		exact[len] = 0;
		(void)!check_alone(exact, len);
		free(exact);
	}
}

static void test_names(void **state)
{
	char name[AUDIT_NAME];
	uint64_t n;

	audit_segment_name(name, 7);
	assert_string_equal(name, "audit.000007.log");
	assert_true(audit_segment_number(name, &n) && n == 7);
	audit_segment_name(name, 12345678);
	assert_true(audit_segment_number(name, &n) && n == 12345678);
	assert_false(audit_segment_number("audit.7.log", &n));
	assert_false(audit_segment_number("audit.000000.log", &n));
	assert_false(audit_segment_number("audit.000007.log.gz", &n));
	assert_false(audit_segment_number("audit.0000-1.log", &n));
}

/* ---- the writer ---- */

static void open_log(struct auditor **a, uint64_t max)
{
	struct policy_stamp policy;

	if (auditor_open(a, dir, key, max, &policy, &err))
		fail_msg("%s", err.s);
	assert_int_equal(auditor_start(*a), 0);
}

static int verify(struct audit_check *c)
{
	uint64_t segment;

	memset(c, 0, sizeof *c);
	assert_int_equal(signkey_read_public(c->key, public, &err), 0);
	return audit_check_dir(c, dir, false, &segment, &err);
}

static void path_of(char path[160], int segment)
{
	char name[AUDIT_NAME];

	audit_segment_name(name, (uint64_t)segment);
	snprintf(path, 160, "%s/%s", dir, name);
}

static bool contains(int segment, const char *what)
{
	static char bytes[1 << 20];
	char path[160];
	FILE *f;
	size_t n;

	path_of(path, segment);
	f = fopen(path, "r");
	n = f ? fread(bytes, 1, sizeof bytes - 1, f) : 0;
	bytes[n] = 0;
	if (f)
		fclose(f);
	return strstr(bytes, what) != NULL;
}

static void test_writer(void **state)
{
	struct audit_check c;
	struct auditor *a;
	struct policy_stamp stamp = {9, {7}}, got;
	char path[160], other[160];
	int i;

	open_log(&a, 1 << 20);
	auditor_policy(a, &stamp);
	assert_int_equal(auditor_grant(a, &err, "policy name=x stamp=9:%s",
		"07000000000000000000000000000000"), 0);
	auditor_note(a, "session channel=%d", 3);
	assert_int_equal(auditor_healthy(a, &err), 0);
	auditor_close(a);
	assert_int_equal(verify(&c), 0);
	assert_int_equal(c.segments, 1);
	assert_int_equal(c.signed_to, c.chain.number - 1);
	assert_true(contains(1, " session channel=3 "));
	/* again, and with rotation */
	assert_int_equal(auditor_open(&a, dir, key, 4096, &got, &err), 0);
	assert_int_equal(got.version, 9);
	assert_int_equal(got.digest[0], 7);
	for (i = 0; i < 200; i++)
		auditor_note(a, "denied count=%d", i);
	auditor_close(a);
	assert_int_equal(verify(&c), 0);
	assert_true(c.segments > 5);
	assert_int_equal(c.signed_to, c.chain.number - 1);
	assert_int_equal(c.policy.version, 9);
	/* a segment left out; the first ones may be put away */
	path_of(path, 3);
	snprintf(other, sizeof other, "%s/away", dir);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(verify(&c), -EBADMSG);
	assert_non_null(strstr(err.s, "missing"));
	path_of(path, 2);
	assert_int_equal(unlink(path), 0);
	path_of(path, 1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(verify(&c), 0);
	path_of(path, 3);
	assert_int_equal(rename(other, path), 0);
	assert_int_equal(verify(&c), 0);
	/* two swapped */
	path_of(path, 3);
	path_of(other, 4);
	assert_int_equal(renameat2(AT_FDCWD, path, AT_FDCWD, other, 2 /* RENAME_EXCHANGE */), 0);
	assert_int_equal(verify(&c), -EBADMSG);
	assert_int_equal(renameat2(AT_FDCWD, path, AT_FDCWD, other, 2), 0);
	/* a damaged end is no start */
	path_of(path, (int)c.segment);
	assert_int_equal(verify(&c), 0);
	path_of(path, (int)c.segment);
	{
		int fd = open(path, O_RDWR);
		char byte;

		assert_int_equal(pread(fd, &byte, 1, 200), 1);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, 200), 1);
		close(fd);
	}
	assert_int_equal(auditor_open(&a, dir, key, 4096, &got, &err), -EBADMSG);
}

static void write_segment(const struct log *l, int segment)
{
	char path[160];
	FILE *f;

	path_of(path, segment);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(l->bytes, 1, l->len, f), l->len);
	fclose(f);
}

/* A log without a signature is not gone on with: its next head would be over what anybody wrote,
 * and an older policy than was in force would be let in. */
static void test_forged_before_start(void **state)
{
	static const struct policy_stamp older = {1, {7}};
	struct audit_chain chain = {0, {0}}, elsewhere = {77, {9}};
	struct auditor *a;
	struct policy_stamp got;
	struct audit_check c;
	char text[AUDIT_TEXT], path[160];
	struct log l = {.len = 0, .n = 0};

	audit_begin_text(text, &chain, 1, &older);
	add(&l, &chain, text);
	add(&l, &chain, "session channel=1");
	write_segment(&l, 1);
	assert_int_equal(verify(&c), 0);
	assert_int_equal(auditor_open(&a, dir, key, 4096, &got, &err), -EBADMSG);
	assert_non_null(strstr(err.s, "nothing in the audit log is signed"));
	/* one that a start left which failed at once is */
	l.len = l.line[1];
	write_segment(&l, 1);
	open_log(&a, 1 << 20);
	auditor_close(a);
	/* behind a good one, that it does not go on from */
	l.len = 0;
	l.n = 0;
	audit_begin_text(text, &elsewhere, 3, &older);
	add(&l, &elsewhere, text);
	write_segment(&l, 3);
	assert_int_equal(auditor_open(&a, dir, key, 4096, &got, &err), -EBADMSG);
	path_of(path, 3);
	unlink(path);
	/* and one that goes on from it, as after a crash */
	assert_int_equal(verify(&c), 0);
	l.len = 0;
	l.n = 0;
	audit_begin_text(text, &c.chain, 3, &older);
	add(&l, &c.chain, text);
	write_segment(&l, 3);
	open_log(&a, 1 << 20);
	auditor_close(a);
	assert_int_equal(verify(&c), 0);
	assert_int_equal(c.segments, 4);
}

/* Killed in the middle of a line, and before the first one. */
static void test_crash(void **state)
{
	struct audit_check c;
	struct auditor *a;
	char path[160];
	int fd;

	open_log(&a, 1 << 20);
	auditor_note(a, "session channel=1");
	auditor_close(a);
	path_of(path, 1);
	fd = open(path, O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "5 2026-11-29T0", 14), 14);
	close(fd);
	assert_int_equal(verify(&c), 0);
	assert_int_equal(c.torn, 14);
	open_log(&a, 1 << 20);
	auditor_close(a);
	assert_int_equal(verify(&c), 0);
	assert_int_equal(c.segments, 2);
	path_of(path, 3);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	close(fd);
	open_log(&a, 1 << 20);
	auditor_close(a);
	assert_int_equal(verify(&c), 0);
	assert_int_equal(c.segments, 4);
	assert_int_equal(c.signed_to, c.chain.number - 1);
}

static void set_limit(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_full_disk(void **state)
{
	struct audit_check c;
	struct auditor *a;
	int i;

	log_set_level(LOG_ERROR + 1);
	open_log(&a, 1 << 20);
	assert_int_equal(auditor_grant(a, &err, "decrypt channel=1"), 0);
	set_limit(1500);
	for (i = 0; i < 50; i++) /* nobody else notices */
		auditor_note(a, "session channel=%d", i);
	assert_int_equal(auditor_grant(a, &err, "decrypt channel=2"), -EFBIG);
	assert_non_null(strstr(err.s, "cannot be written"));
	assert_int_equal(auditor_healthy(a, &err), -EFBIG);
	set_limit(RLIM_INFINITY);
	assert_int_equal(auditor_grant(a, &err, "decrypt channel=3"), 0);
	assert_int_equal(auditor_healthy(a, &err), 0);
	auditor_close(a);
	assert_int_equal(verify(&c), 0); /* the line that was cut off is whole */
	assert_true(contains(1, " lost lines="));
	assert_true(contains(1, " decrypt channel=3 "));
	assert_false(contains(1, " decrypt channel=2 "));
	/* none: everything is fine and nothing happens */
	auditor_note(NULL, "x");
	assert_int_equal(auditor_grant(NULL, &err, "x"), 0);
	assert_int_equal(auditor_healthy(NULL, &err), 0);
	auditor_close(NULL);
	log_set_level(LOG_INFO);
}

/* How a segment begins its last line, behind number and time. */
static bool ends_with(int segment, const char *what)
{
	static char bytes[1 << 20];
	char path[160], *at;
	FILE *f;
	size_t n;

	path_of(path, segment);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(bytes, 1, sizeof bytes - 1, f);
	fclose(f);
	assert_true(n > 1 && bytes[n - 1] == '\n');
	bytes[n - 1] = 0;
	at = strrchr(bytes, '\n');
	at = strchr(strchr(at ? at + 1 : bytes, ' ') + 1, ' ') + 1;
	return strncmp(at, what, strlen(what)) == 0;
}

/* Before what is privileged happens, its line is signed and on the disk: nobody has to wait for the
 * second after which the others are. */
static void test_granted(void **state)
{
	struct policy_stamp policy;
	struct auditor *a;

	log_set_level(LOG_ERROR + 1);
	assert_int_equal(auditor_open(&a, dir, key, 1 << 20, &policy, &err), 0); /* and no thread */
	sync_forget();
	auditor_note(a, "session channel=1");
	assert_string_equal(sync_calls, "");
	assert_true(ends_with(1, "session "));
	assert_int_equal(auditor_grant(a, &err, "decrypt channel=1"), 0);
	assert_string_equal(sync_calls, "f");
	assert_true(ends_with(1, "head sig="));
	sync_fails = true;
	assert_int_equal(auditor_grant(a, &err, "decrypt channel=2"), -EIO);
	assert_int_equal(auditor_healthy(a, &err), -EIO);
	sync_fails = false;
	assert_int_equal(auditor_grant(a, &err, "decrypt channel=3"), 0);
	assert_int_equal(auditor_healthy(a, &err), 0);
	auditor_close(a);
	log_set_level(LOG_INFO);
}

/* The others: signed and on the disk soon after. */
static void test_tidied(void **state)
{
	struct auditor *a;
	int i;

	open_log(&a, 1 << 20);
	sync_forget();
	auditor_note(a, "session channel=1");
	for (i = 0; i < 100 && !sync_noted('f'); i++)
		usleep(50000);
	assert_string_equal(sync_calls, "f");
	assert_true(ends_with(1, "head sig="));
	auditor_close(a);
}

/* A segment is signed and on the disk before the next one begins, whose name is there as well and which says
 * of itself which policy is in force: those before it may be put away. */
static void test_segments(void **state)
{
	struct policy_stamp stamp = {9, {7}};
	struct audit_check c;
	struct auditor *a;
	char path[160];
	int i;

	assert_int_equal(auditor_open(&a, dir, key, 4096, &(struct policy_stamp){0}, &err), 0); /* and no thread */
	auditor_policy(a, &stamp);
	sync_forget();
	for (i = 0; i < 100 && access((path_of(path, 3), path), F_OK) != 0; i++)
		auditor_note(a, "denied count=%d", i);
	assert_string_equal(sync_calls, "fdfd");
	assert_true(ends_with(1, "head sig="));
	assert_true(ends_with(2, "head sig="));
	assert_true(contains(3, " policy=9:07"));
	auditor_close(a);
	for (i = 1; i < 3; i++) {
		path_of(path, i);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(verify(&c), 0);
	assert_int_equal(c.policy.version, 9);
}

static int begin(void **state)
{
	strcpy(dir, "/tmp/audit-test.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(key, sizeof key, "%s/key", dir);
	snprintf(public, sizeof public, "%s.pub", key);
	return signkey_create(key, &err) || signkey_read_secret(secret, key, &err);
}

static int end(void **state)
{
	char path[160];
	int i;

	for (i = 1; i < 100; i++) {
		path_of(path, i);
		unlink(path);
	}
	unlink(key);
	unlink(public);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_good, begin, end),
		cmocka_unit_test_setup_teardown(test_every_flip, begin, end),
		cmocka_unit_test_setup_teardown(test_every_cut, begin, end),
		cmocka_unit_test_setup_teardown(test_lines_moved, begin, end),
		cmocka_unit_test_setup_teardown(test_made_anew, begin, end),
		cmocka_unit_test_setup_teardown(test_hostile_bytes, begin, end),
		cmocka_unit_test_setup_teardown(test_names, begin, end),
		cmocka_unit_test_setup_teardown(test_writer, begin, end),
		cmocka_unit_test_setup_teardown(test_forged_before_start, begin, end),
		cmocka_unit_test_setup_teardown(test_crash, begin, end),
		cmocka_unit_test_setup_teardown(test_full_disk, begin, end),
		cmocka_unit_test_setup_teardown(test_granted, begin, end),
		cmocka_unit_test_setup_teardown(test_tidied, begin, end),
		cmocka_unit_test_setup_teardown(test_segments, begin, end),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
