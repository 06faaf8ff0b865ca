/* SPDX-License-Identifier: BSD-3-Clause */
#include "mgr_caller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "clock.h"
#include "entropy.h"

enum { TICK_MS = 500, ROOM = 64 << 10 };

/* What nodes call the table's version; 0 is none. */
static uint64_t version_of(const struct mgr *m)
{
	return m->table->version + 1;
}

static const char *name_of(const struct caller *c)
{
	return c->link.open && c->link.peer.name[0] ? c->link.peer.name : "-";
}

/* ---- coming and going ---- */

static void end(struct mgr *m, struct caller *c, enum log_level level, const char *why)
{
	int node = table_find_node(m->table, c->link.peer.print);
	uint32_t most = m->config.connections;

	log_line(level, "%s from %s: closed: %s", name_of(c), c->from, why);
	if (c->watches && node >= 0)
		tickets_left(&m->tickets, (uint32_t)node, c->ticket);
	if (c->party) {
		m->held[c->party]--;
		m->parties_hold--;
	}
	if (m->parties_hold < most - most / 8)
		m->crowded = false;
	mgrlink_close(&c->link);
	memset(c, 0, sizeof *c);
	c->link.fd = -1;
}

static void close_caller(struct mgr *m, struct caller *c, const char *why)
{
	/* A flood of strangers is not to be one of lines. */
	end(m, c, c->link.open ? LOG_INFO : LOG_DEBUG, why);
}

/* A free place, or that of the stranger who has been there longest. There is one or the other:
 * those with a certificate have not all of them. */
static struct caller *find_place(struct mgr *m)
{
	struct caller *oldest = NULL;
	int i;

	for (i = 0; i < CALLERS; i++) {
		struct caller *c = &m->caller[i];

		if (c->link.fd < 0)
			return c;
		if (!c->link.open && (!oldest || c->since_ms < oldest->since_ms))
			oldest = c;
	}
	if (oldest)
		close_caller(m, oldest, "its place was needed, and it had shown no certificate");
	return oldest;
}

void caller_accept(struct mgr *m, int fd, const char *from)
{
	struct caller *c = find_place(m);

	memset(c, 0, sizeof *c);
	if (mgrlink_open(&c->link, fd, m->trust, true))
		return;
	snprintf(c->from, sizeof c->from, "%s", from);
	c->nr = ++m->accepted;
	c->since_ms = c->moved_ms = clock_ms();
}

/* ---- shares ---- */

/* Compares fingerprints once for each handshake, which costs thousands of times as much; from here on
 * a certificate is a number. */
static void join_party(struct mgr *m, struct caller *c)
{
	uint32_t i, party = 0;

	for (i = 0; i < CALLERS && !party; i++)
		if (m->caller[i].party && memcmp(m->caller[i].link.peer.print, c->link.peer.print, PEER_PRINT) == 0)
			party = m->caller[i].party;
	for (i = 1; i <= CALLERS && !party; i++)
		if (m->held[i] == 0)
			party = i;
	c->party = party;
	m->held[party]++;
	m->parties_hold++;
}

static uint32_t largest_party(const struct mgr *m)
{
	uint32_t i, most = 1;

	for (i = 2; i <= CALLERS; i++)
		if (m->held[i] > m->held[most])
			most = i;
	return most;
}

/* NULL: all of them are administrators that wait for an answer. */
static struct caller *longest_silent(struct mgr *m, uint32_t party)
{
	struct caller *silent = NULL;
	int i;

	for (i = 0; i < CALLERS; i++) {
		struct caller *c = &m->caller[i];

		if (c->party == party && !c->waits && (!silent || c->heard_ms < silent->heard_ms))
			silent = c;
	}
	return silent;
}

/* It has shown its certificate. False: all places are taken, and none is for it. */
static bool let_in(struct mgr *m, struct caller *c)
{
	struct caller *goes = NULL;
	uint32_t most;

	c->heard_ms = clock_ms();
	join_party(m, c);
	if (m->parties_hold <= m->config.connections)
		return true;
	most = largest_party(m);
	if (m->held[most] > m->held[c->party])
		goes = longest_silent(m, most);
	if (!goes)
		goes = c;
	if (!m->crowded)
		log_warning("all %u places are taken; %s from %s has %u: who comes from now on takes one of the "
			    "certificate that has the most, or is turned away",
			m->config.connections, name_of(goes), goes->from, m->held[goes->party]);
	m->crowded = true;
	end(m, goes, LOG_DEBUG,
		goes == c ? "all places are taken" : "its place was needed, and its certificate has the most");
	return goes != c;
}

/* ---- nodes ---- */

/* What each answer begins with. */
static void put_head(const struct caller *c, uint8_t head[MGR_ANSWER_HEAD])
{
	memcpy(head, &c->number, sizeof c->number);
	memcpy(head + sizeof c->number, c->ticket, MGR_TICKET);
	head[MGR_ANSWER_HEAD - 1] = c->anew;
}

static int send_view(struct mgr *m, struct caller *c)
{
	size_t len = table_view(m->table, &c->link.peer, m->config.lease_ms, m->journal.master,
		m->view + MGR_ANSWER_HEAD, VIEW_BYTES_MAX);
	int rc;

	if (!len)
		return -EMSGSIZE;
	put_head(c, m->view);
	rc = mgrlink_put(&c->link, MGR_VIEW, m->view, MGR_ANSWER_HEAD + len);
	sodium_memzero(m->view, MGR_ANSWER_HEAD + len);
	c->sent = version_of(m);
	return rc;
}

static uint64_t unix_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Who is not in the table has no right to anything, and nothing to be told of copies. */
static int take_ticket(struct mgr *m, struct caller *c, const uint8_t shown[MGR_TICKET])
{
	int node = table_find_node(m->table, c->link.peer.print), rc;

	c->anew = false;
	memset(c->ticket, 0, MGR_TICKET);
	if (node < 0)
		return 0;
	rc = tickets_take(&m->tickets, (uint32_t)node, c->link.peer.print, c->nr, shown, clock_ms(), unix_ms(),
		c->ticket, &c->anew);
	if (rc || !c->anew)
		return rc;
	m->copies++;
	log_warning("%s from %s: its ticket was used already, or is too old: it or another is a copy of one "
		    "memory; told to draw everything anew",
		name_of(c), c->from);
	return 0;
}

static int answer_ask(struct mgr *m, struct caller *c, struct cursor *body)
{
	uint64_t number = cursor_u64(body), version = cursor_u64(body);
	const uint8_t *ticket = cursor_bytes(body, MGR_TICKET);
	uint8_t same[MGR_ANSWER_HEAD + sizeof version];
	int rc;

	if (body->bad || body->left)
		return -EPROTO;
	c->watches = true;
	c->number = number;
	c->taken = version;
	rc = take_ticket(m, c, ticket);
	if (rc)
		return rc;
	if (version != version_of(m))
		return send_view(m, c);
	c->sent = version;
	put_head(c, same);
	memcpy(same + MGR_ANSWER_HEAD, &version, sizeof version);
	return mgrlink_put(&c->link, MGR_SAME, same, sizeof same);
}

/* ---- administrators ---- */

static int done(struct caller *c, int rc, const char *text)
{
	uint32_t code = (uint32_t)-rc;
	size_t len = strlen(text);
	uint8_t *p;

	len = len < VIEW_BYTES_MAX ? len : VIEW_BYTES_MAX;
	p = malloc(sizeof code + len);
	if (!p)
		return -ENOMEM;
	memcpy(p, &code, sizeof code);
	memcpy(p + sizeof code, text, len);
	rc = mgrlink_put(&c->link, MGR_DONE, p, sizeof code + len);
	free(p);
	return rc;
}

static void print_callers(const struct mgr *m, FILE *f)
{
	uint64_t now = clock_ms();
	int i;

	for (i = 0; i < CALLERS; i++) {
		const struct caller *c = &m->caller[i];
		int node;

		if (c->link.fd < 0 || !c->watches)
			continue;
		node = table_find_node(m->table, c->link.peer.print);
		fprintf(f, "watching %s certificate %s from %s version %llu for_s %llu\n",
			node < 0 ? "-" : m->table->node[node].name, name_of(c), c->from,
			(unsigned long long)c->taken, (unsigned long long)(now - c->since_ms) / 1000);
	}
}

static int answer_text(struct mgr *m, struct caller *c, bool table)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int rc;

	if (!f)
		return -ENOMEM;
	if (table) {
		table_print(m->table, f);
	} else {
		fprintf(f, "version %llu\nuptime_ms %llu\nlease_ms %u\njournal_bytes %llu\ncopies %llu\n",
			(unsigned long long)version_of(m),
			(unsigned long long)(clock_ms() - m->started_ms), m->config.lease_ms,
			(unsigned long long)m->journal.len, (unsigned long long)m->copies);
		print_callers(m, f);
	}
	fclose(f);
	rc = done(c, 0, text);
	free(text);
	return rc;
}

/* The lines that bring a new key have it drawn here. */
static bool add_salt(char line[TABLE_LINE])
{
	uint8_t salt[TABLE_SALT];
	size_t len = strlen(line);

	if (strncmp(line, "range ", 6) != 0 && strncmp(line, "rotate ", 7) != 0)
		return true;
	if (len + 2 + 2 * TABLE_SALT > TABLE_LINE)
		return false;
	line[len] = ' ';
	entropy_fill(salt, sizeof salt);
	sodium_bin2hex(line + len + 1, 2 * TABLE_SALT + 1, salt, sizeof salt);
	return true;
}

static int change(struct mgr *m, struct caller *c, const char *text)
{
	char line[TABLE_LINE];
	struct err_text e = {""};
	int rc;

	snprintf(line, sizeof line, "%s", text);
	if (!add_salt(line))
		return done(c, -EINVAL, "too long");
	rc = journal_change(&m->journal, m->table, name_of(c), line, &e);
	if (rc) {
		log_line(rc == -EINVAL || rc == -ENOENT || rc == -EEXIST ? LOG_INFO : LOG_ERROR,
			"%s: \"%.100s\": %s", name_of(c), text, e.s[0] ? e.s : err_name(rc));
		return done(c, rc, e.s[0] ? e.s : err_name(rc));
	}
	log_info("%s: %.200s: version %llu", name_of(c), text, (unsigned long long)version_of(m));
	c->waits = version_of(m);
	c->until_ms = clock_ms() + ACK_MS;
	return 0;
}

static int carry_out(struct mgr *m, struct caller *c, struct cursor *body)
{
	char text[TABLE_LINE];

	size_t i;

	if (body->left >= sizeof text)
		return done(c, -EINVAL, "too long");
	memcpy(text, body->p, body->left);
	text[body->left] = 0;
	for (i = 0; i < body->left; i++) /* it goes into the log as it is */
		if (text[i] < ' ' || text[i] > '~')
			return done(c, -EINVAL, "not a command");
	if (!(c->link.peer.roles & PEER_ADMIN)) {
		log_warning("%s from %s: no administrator: \"%.100s\"", name_of(c), c->from, text);
		return done(c, -EACCES, "this certificate has not the role admin");
	}
	if (strcmp(text, "list") == 0 || strcmp(text, "status") == 0)
		return answer_text(m, c, text[0] == 'l');
	return change(m, c, text);
}

/* Have all nodes that are here taken it? Else their names. */
static int count_behind(const struct mgr *m, uint64_t version, int *nodes, char *names, size_t size)
{
	int behind = 0, i;
	size_t len = 0;

	*nodes = 0;
	for (i = 0; i < CALLERS; i++) {
		const struct caller *c = &m->caller[i];

		if (c->link.fd < 0 || !c->watches)
			continue;
		++*nodes;
		if (c->taken >= version)
			continue;
		behind++;
		if (len < size)
			len += (size_t)snprintf(names + len, size - len, " %s", name_of(c));
	}
	return behind;
}

static int finish_waiting(struct mgr *m, struct caller *c, uint64_t now)
{
	char names[600] = "", text[800];
	int nodes, behind = count_behind(m, c->waits, &nodes, names, sizeof names);

	if (behind && now < c->until_ms)
		return 0;
	snprintf(text, sizeof text, "version %llu; %d of %d connected nodes have it%s%s\n",
		(unsigned long long)c->waits, nodes - behind, nodes, behind ? "; not yet:" : "", names);
	c->waits = 0;
	return done(c, 0, text);
}

/* ---- turns ---- */

/* May its next request be looked at? One command at a time: the next one when this is answered. */
static bool may_ask(const struct caller *c)
{
	return c->link.open && !c->waits && mgrlink_waiting(&c->link) < ROOM;
}

/* What it asks, and what comes while it is answered. */
static int answer(struct mgr *m, struct caller *c)
{
	struct cursor body;
	uint8_t kind;
	int rc = 0;

	do {
		while (!rc && may_ask(c) && mgrlink_take(&c->link, &kind, &body)) {
			c->heard_ms = clock_ms();
			rc = kind == MGR_ASK  ? answer_ask(m, c, &body)
				 : kind == MGR_DO ? carry_out(m, c, &body)
						  : -EPROTO;
		}
		if (!rc)
			rc = mgrlink_carry(&c->link);
	} while (!rc && may_ask(c) && mgrlink_ready(&c->link));
	return rc;
}

void caller_serve(struct mgr *m, struct caller *c)
{
	int rc = mgrlink_carry(&c->link);

	if (!rc)
		rc = answer(m, c);
	if (rc)
		close_caller(m, c, c->link.why[0] ? c->link.why : err_name(rc));
}

bool caller_think(struct mgr *m)
{
	bool more = false, thought = false;
	int i;

	for (i = 0; i < CALLERS; i++) {
		struct caller *c = &m->caller[(m->turn + (uint32_t)i) % CALLERS];

		if (c->link.fd < 0 || !c->link.thinks)
			continue;
		if (thought) {
			more = true;
			break;
		}
		thought = true;
		if (mgrlink_think(&c->link))
			close_caller(m, c, c->link.why);
		else if (c->link.open && let_in(m, c))
			caller_serve(m, c);
	}
	m->turn = (m->turn + (uint32_t)i) % CALLERS;
	return more;
}

static const char *too_slow(struct caller *c, uint64_t now)
{
	size_t waiting = mgrlink_waiting(&c->link);

	if (!c->link.open)
		return now - c->since_ms > HELLO_MS ? "no certificate within 5 s" : NULL;
	if (waiting == 0 || waiting < c->waiting)
		c->moved_ms = now;
	c->waiting = waiting;
	return now - c->moved_ms > SLOW_MS ? "it does not take what it is sent" : NULL;
}

int caller_tick(struct mgr *m)
{
	uint64_t now = clock_ms();
	int wait = TICK_MS, i, rc;

	for (i = 0; i < CALLERS; i++) {
		struct caller *c = &m->caller[i];
		const char *slow;

		if (c->link.fd < 0)
			continue;
		slow = too_slow(c, now);
		rc = 0;
		if (!slow && c->watches && c->sent != version_of(m) && mgrlink_waiting(&c->link) < ROOM)
			rc = send_view(m, c);
		if (!rc && !slow && c->waits)
			rc = finish_waiting(m, c, now);
		if (!rc && !slow)
			rc = answer(m, c);
		if (rc || slow)
			close_caller(m, c, slow ? slow : c->link.why[0] ? c->link.why : err_name(rc));
		else if (c->waits && c->until_ms > now && (int)(c->until_ms - now) < wait)
			wait = (int)(c->until_ms - now);
	}
	return wait;
}

void caller_review(struct mgr *m)
{
	struct err_text e = {""};
	int i;

	for (i = 0; i < CALLERS; i++)
		if (m->caller[i].link.fd >= 0 && m->caller[i].link.open &&
			trust_objects(m->trust, &m->caller[i].link.peer, time(NULL), &e))
			close_caller(m, &m->caller[i], e.s);
}
