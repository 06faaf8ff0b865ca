/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_mgr_journal.c - scope: ops-server/mgr_journal.h: what was answered is there after a kill at any
 * moment and after a full disk; what was cut is cut off; what was changed is no journal; a
 * long one becomes short. In a directory of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../mgrrig.h"
#include "../rig.h"
#include "../syncrig.h"

#include "../../ops-server/mgr_journal.h"

static char dir[64];
static struct err_text err;

static const char *in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static struct table *open_ok(struct journal *j)
{
	struct table *t = table_create();
	int rc = journal_open(j, dir, t, &err);

	if (rc)
		fail_msg("journal_open: %d %s", rc, err.s);
	return t;
}

static int open_rc(void)
{
	struct table *t = table_create();
	struct journal j;
	int rc = journal_open(&j, dir, t, &err);

	if (!rc)
		journal_close(&j);
	table_destroy(t);
	return rc;
}

static int change(struct journal *j, struct table *t, const char *fmt, ...)
{
	char line[TABLE_LINE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	return journal_change(j, t, "alice", line, &err);
}

static void fill(struct journal *j, struct table *t)
{
	assert_int_equal(change(j, t, "node web1 %s", rig_hex('a')), 0);
	assert_int_equal(change(j, t, "range r1 pool 0 end kv 0 3 %s", rig_hex('1')), 0);
	assert_int_equal(change(j, t, "grant web1 r1 write"), 0);
	assert_int_equal(change(j, t, "rotate r1 %s", rig_hex('2')), 0);
}

static bool same_tables(const struct table *a, const struct table *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

static char *slurp(size_t *len)
{
	FILE *f = fopen(in_dir("journal"), "r");
	char *p = malloc(1 << 20);

	assert_non_null(f);
	*len = fread(p, 1, 1 << 20, f);
	fclose(f);
	return p;
}

static void spit(const char *p, size_t len)
{
	FILE *f = fopen(in_dir("journal"), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, len, f), len);
	fclose(f);
}

static void test_again(void **state)
{
	struct journal j, k;
	struct table *t = open_ok(&j), *u;
	struct stat st;

	fill(&j, t);
	assert_int_equal(change(&j, t, "grant web1 r9 write"), -ENOENT);
	assert_int_equal(t->version, 4);
	journal_close(&j);
	u = open_ok(&k);
	assert_true(same_tables(t, u));
	assert_int_equal(k.cut, 0);
	assert_int_equal(stat(in_dir("master"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	journal_close(&k);
	table_destroy(t);
	table_destroy(u);
}

/* Who did it stands there, and no secret. */
static void test_readable(void **state)
{
	struct journal j;
	struct table *t = open_ok(&j);
	char hex[2 * VIEW_KEY + 1], *p;
	uint8_t key[VIEW_KEY];
	size_t len;

	fill(&j, t);
	p = slurp(&len);
	p[len] = 0;
	assert_non_null(strstr(p, " alice grant web1 r1 write #"));
	table_key(key, t->range[0].salt, j.master);
	sodium_bin2hex(hex, sizeof hex, key, sizeof key);
	assert_null(strstr(p, hex));
	sodium_bin2hex(hex, sizeof hex, j.master, TABLE_MASTER);
	assert_null(strstr(p, hex));
	free(p);
	journal_close(&j);
	table_destroy(t);
}

/* Any piece of it is a shorter journal, down to the whole lines. */
static void test_cut_anywhere(void **state)
{
	struct journal j;
	struct table *t = open_ok(&j), *u;
	size_t len, n, whole;
	char *p;

	fill(&j, t);
	journal_close(&j);
	p = slurp(&len);
	for (n = 0; n < len; n++) {
		unsigned lines = 0;

		for (whole = n; whole > 0 && p[whole - 1] != '\n'; whole--)
			;
		for (size_t i = 0; i < whole; i++)
			lines += p[i] == '\n';
		spit(p, n);
		u = open_ok(&j);
		assert_int_equal(u->version, lines ? lines - 1 : 0);
		assert_int_equal(j.cut, n - whole);
		assert_int_equal(change(&j, u, "node n%zu %064zx", n, n), 0);
		journal_close(&j);
		table_destroy(u);
		u = open_ok(&j); /* and it goes on from there */
		assert_int_equal(u->version, lines ? lines : 1);
		journal_close(&j);
		table_destroy(u);
	}
	free(p);
	table_destroy(t);
}

/* A changed bit is noticed, unless it makes the last line one that is not whole. */
static void test_changed_anywhere(void **state)
{
	struct journal j;
	struct table *t = open_ok(&j);
	size_t len, i;
	char *p;

	fill(&j, t);
	journal_close(&j);
	p = slurp(&len);
	for (i = 0; i < len; i++) {
		int rc;

		p[i] = (char)(p[i] ^ 1 << i % 8);
		spit(p, len);
		rc = open_rc();
		if (i == len - 1)
			assert_int_equal(rc, 0);
		else
			assert_true(rc == -EBADMSG || rc == -EINVAL);
		assert_true(rc == 0 || err.s[0]);
		p[i] = (char)(p[i] ^ 1 << i % 8);
	}
	free(p);
	table_destroy(t);
}

/* Without its second line; with two swapped; with one twice. */
static void test_lines_moved(void **state)
{
	struct journal j;
	struct table *t = open_ok(&j);
	char *p, *line[6], *q = malloc(1 << 20);
	size_t len;
	int i;

	fill(&j, t);
	journal_close(&j);
	p = slurp(&len);
	p[len] = 0;
	for (i = 0, line[0] = p; i < 5; i++)
		line[i + 1] = strchr(line[i], '\n') + 1;
#define PART(n) (int)(line[(n) + 1] - line[n]), line[n]
	snprintf(q, 1 << 20, "%.*s%.*s%.*s", PART(0), PART(1), PART(3));
	spit(q, strlen(q));
	assert_int_equal(open_rc(), -EBADMSG);
	assert_non_null(strstr(err.s, "line 3"));
	snprintf(q, 1 << 20, "%.*s%.*s%.*s%.*s", PART(0), PART(2), PART(1), PART(3));
	spit(q, strlen(q));
	assert_int_equal(open_rc(), -EBADMSG);
	snprintf(q, 1 << 20, "%s%.*s", p, PART(4));
	spit(q, strlen(q));
	assert_int_equal(open_rc(), -EBADMSG);
	free(q);
	free(p);
	table_destroy(t);
}

static void test_other_master(void **state)
{
	struct journal j;
	struct table *t = open_ok(&j);
	FILE *f;

	fill(&j, t);
	journal_close(&j);
	f = fopen(in_dir("master"), "w");
	fprintf(f, "%s\n", rig_hex('5'));
	fclose(f);
	assert_int_equal(open_rc(), -EBADMSG);
	assert_non_null(strstr(err.s, "another master key"));
	assert_int_equal(unlink(in_dir("master")), 0);
	assert_int_equal(open_rc(), -ENOENT); /* with a journal none is drawn */
	f = fopen(in_dir("master"), "w");
	fprintf(f, "short\n");
	fclose(f);
	chmod(in_dir("master"), 0600);
	assert_int_equal(open_rc(), -EINVAL);
	chmod(in_dir("master"), 0644);
	assert_int_equal(open_rc(), -EACCES);
	table_destroy(t);
}

static void test_open_to_others(void **state)
{
	static const mode_t bad[] = {0720, 0702, 0777, 01777};
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(chmod(dir, bad[i]), 0);
		assert_int_equal(open_rc(), -EACCES);
		assert_non_null(strstr(err.s, "others may write there"));
		assert_int_equal(access(in_dir("master"), F_OK), -1);
	}
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(open_rc(), 0);
}

static void test_one_at_a_time(void **state)
{
	struct journal j;
	struct table *t = open_ok(&j);

	assert_int_equal(open_rc(), -EBUSY);
	journal_close(&j);
	assert_int_equal(open_rc(), 0);
	table_destroy(t);
}

/* ---- deaths ---- */

/* Writes for ever; says each version that is on disk. */
static int write_on(void *arg)
{
	struct journal j;
	struct table *t = table_create();
	unsigned n;

	if (journal_open(&j, dir, t, &err))
		return 1;
	for (n = 0;; n++) {
		if (change(&j, t, "node n%u %064x", n % 100, (unsigned)t->version))
			return 2;
		if (write(*(int *)arg, &t->version, sizeof t->version) != sizeof t->version)
			return 3;
	}
}

static void test_killed(void **state)
{
	uint64_t seed = 1, said, last = 0, before = 0;
	int i, cuts = 0, more = 0;

	for (i = 0; i < 60; i++) {
		struct journal j;
		struct table *t;
		int fds[2];
		pid_t pid;

		assert_int_equal(pipe(fds), 0);
		pid = rig_spawn(write_on, &fds[1], 60);
		close(fds[1]);
		last = before;
		usleep((useconds_t)(2000 + rig_below(&seed, 20000)));
		assert_int_equal(rig_kill(pid), 1000 + SIGKILL);
		while (read(fds[0], &said, sizeof said) == sizeof said)
			last = said;
		close(fds[0]);
		t = open_ok(&j);
		assert_true(t->version >= last && t->version <= last + 1); /* one may be without its answer */
		more += t->version == last + 1;
		cuts += j.cut != 0;
		before = t->version;
		journal_close(&j);
		table_destroy(t);
	}
	print_message("%llu changes, %d deaths with one more on disk, %d with a piece of a line\n",
		(unsigned long long)before, more, cuts);
	assert_true(before > 60);
}

/* ---- full disks ---- */

static void limit(rlim_t bytes)
{
	struct rlimit l = {bytes, RLIM_INFINITY};

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

/* A file may not get longer at any place of a line: nothing changes, and afterwards it goes on. */
static void test_full_disk(void **state)
{
	struct journal j;
	struct table *t = open_ok(&j), *before = malloc(sizeof *before), *u;
	uint64_t room;
	int i;

	signal(SIGXFSZ, SIG_IGN);
	fill(&j, t);
	for (room = 0; room < 200; room++) {
		memcpy(before, t, sizeof *t);
		limit(j.len + room);
		i = change(&j, t, "node full%llu %064llx", (unsigned long long)room, (unsigned long long)room);
		limit(RLIM_INFINITY);
		if (i == 0)
			break;
		assert_int_equal(i, -EFBIG);
		assert_non_null(strstr(err.s, "nothing has changed"));
		assert_true(same_tables(before, t));
		assert_false(j.broken);
	}
	print_message("the line fits %llu bytes\n", (unsigned long long)room);
	assert_true(room > 100 && room < 200);
	assert_int_equal(change(&j, t, "revoke web1 *"), 0);
	journal_close(&j);
	u = open_ok(&j);
	assert_true(same_tables(t, u));
	assert_int_equal(j.cut, 0);
	journal_close(&j);
	free(before);
	table_destroy(t);
	table_destroy(u);
}

/* What is answered is on the disk: the master before the journal that needs it, and each change. */
static void test_synced(void **state)
{
	struct journal j;
	struct table *t;

	sync_forget();
	t = open_ok(&j);
	assert_string_equal(sync_calls, "frdfd"); /* master, its name and the directory; head, directory */
	sync_forget();
	fill(&j, t);
	assert_string_equal(sync_calls, "ffff");
	sync_forget();
	assert_int_equal(change(&j, t, "node web1 x"), -EINVAL);
	assert_string_equal(sync_calls, "");
	journal_close(&j);
	table_destroy(t);
}

/* A disk that failed once has perhaps what was refused, and perhaps not: nothing goes behind it. */
static void test_sync_fails(void **state)
{
	struct journal j;
	struct table *t = open_ok(&j), *u;

	fill(&j, t);
	sync_fails = true;
	assert_int_equal(change(&j, t, "node web2 %s", rig_hex('b')), -EIO);
	assert_int_equal(t->version, 4);
	sync_fails = false;
	assert_int_equal(change(&j, t, "revoke web1 *"), -EIO);
	assert_non_null(strstr(err.s, "has to be restarted"));
	assert_int_equal(t->version, 4);
	journal_close(&j);
	u = open_ok(&j);
	assert_true(same_tables(t, u));
	assert_int_equal(change(&j, u, "revoke web1 *"), 0);
	journal_close(&j);
	table_destroy(t);
	table_destroy(u);
}

/* ---- writing it anew ---- */

static void test_compact(void **state)
{
	struct journal j;
	struct table *t = open_ok(&j), *u;
	uint64_t long_one, version;
	int i;

	fill(&j, t);
	for (i = 0; i < 2000; i++)
		assert_int_equal(change(&j, t, "rotate r1 %064x", i), 0);
	long_one = j.len;
	version = t->version;
	journal_close(&j);
	sync_forget();
	u = open_ok(&j);
	assert_string_equal(sync_calls, "frd"); /* all of it is there before it takes the place */
	assert_true(j.len < long_one / 100);
	assert_int_equal(u->version, version);
	assert_memory_equal(t->range, u->range, sizeof t->range);
	assert_memory_equal(t->right, u->right, sizeof t->right);
	assert_int_equal(change(&j, u, "grant web1 r1 read"), 0);
	assert_int_equal(open_rc(), -EBUSY); /* the new file is locked as well */
	journal_close(&j);
	table_destroy(t);
	t = open_ok(&j);
	assert_true(same_tables(t, u));
	journal_close(&j);
	table_destroy(t);
	table_destroy(u);
}

/* ---- bytes ---- */

static void test_random_bytes(void **state)
{
	struct journal j;
	struct table *t = open_ok(&j);
	uint64_t seed = 1;
	char bytes[700];
	int i;

	for (i = 0; i < 20000; i++) {
		struct table *u = table_create();
		size_t len = rig_below(&seed, sizeof bytes), k;
		int64_t rc;

		for (k = 0; k < len; k++)
			bytes[k] = "0123456789abcdef \n#xyz"[rig_below(&seed, 22)];
		memset(j.mac, 0, sizeof j.mac);
		rc = journal_read(&j, u, bytes, len, &err);
		assert_true(rc == -EBADMSG || (rc == 0 && !memchr(bytes, '\n', len)));
		assert_int_equal(u->version, 0);
		table_destroy(u);
	}
	journal_close(&j);
	table_destroy(t);
}

static int begin(void **state)
{
	strcpy(dir, "/dev/shm/mgr-journal.XXXXXX");
	return mkdtemp(dir) ? 0 : 1;
}

static int end(void **state)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}

#define OWN_DIR(t) cmocka_unit_test_setup_teardown(t, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OWN_DIR(test_again),
		OWN_DIR(test_readable),
		OWN_DIR(test_cut_anywhere),
		OWN_DIR(test_changed_anywhere),
		OWN_DIR(test_lines_moved),
		OWN_DIR(test_other_master),
		OWN_DIR(test_open_to_others),
		OWN_DIR(test_one_at_a_time),
		OWN_DIR(test_killed),
		OWN_DIR(test_full_disk),
		OWN_DIR(test_synced),
		OWN_DIR(test_sync_fails),
		OWN_DIR(test_compact),
		OWN_DIR(test_random_bytes),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
