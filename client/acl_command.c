/* SPDX-License-Identifier: BSD-3-Clause */
#include "acl_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/x509_crt.h>
#include <sodium.h>

#include "clock.h"
#include "hedbctl.h"
#include "option.h"
#include "secure_option.h"

enum { WORDS = 5, LINE = 400, ANSWER_MS = 10000 };

struct words {
	const char *word[WORDS];
	int n;
	const char *pool, *service, *channels;
	uint64_t from, to;
	struct secure_option secure;
};

static bool take_value(struct words *w, int argc, char **argv, int *i)
{
	const struct {
		const char *name;
		const char **text;
		uint64_t *bytes;
	} options[] = {{"--pool", &w->pool, NULL}, {"--service", &w->service, NULL},
		{"--channels", &w->channels, NULL}, {"--from", NULL, &w->from}, {"--to", NULL, &w->to}};
	size_t k;

	for (k = 0; k < sizeof options / sizeof options[0]; k++) {
		if (strcmp(argv[*i], options[k].name) != 0 || *i + 1 == argc)
			continue;
		++*i;
		if (options[k].bytes)
			return region_parse_bytes(argv[*i], options[k].bytes) == 0;
		*options[k].text = argv[*i];
		return true;
	}
	return false;
}

static bool parse(struct words *w, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) != 0) {
			if (w->n == WORDS)
				return false;
			w->word[w->n++] = argv[i];
		} else if (!secure_option_take(&w->secure, argc, argv, &i) &&
				   !take_value(w, argc, argv, &i)) {
			return false;
		}
	}
	return w->n > 0;
}

/* ---- asking the manager ---- */

/* Step and wait until it is open, or an answer is there. */
static int wait_for(struct mgrlink *l, uint8_t *kind, struct cursor *body, struct err_text *e)
{
	uint64_t t0 = clock_ms();
	struct pollfd p;
	int rc = 0;

	while (!rc && clock_ms() - t0 < ANSWER_MS) {
		rc = mgrlink_carry(l);
		if (!rc)
			rc = mgrlink_think(l);
		if (!rc && l->open && (!kind || mgrlink_take(l, kind, body)))
			return 0;
		p = (struct pollfd){.fd = l->fd, .events = rc ? 0 : mgrlink_events(l)};
		if (!rc && !l->thinks)
			poll(&p, 1, 100);
	}
	err_set(e, "no answer from the manager: %s", rc ? l->why : "it is silent");
	return rc ? rc : -ETIMEDOUT;
}

static int print_answer(struct cursor *body, struct err_text *e)
{
	uint32_t code = cursor_u32(body);

	if (code == 0 && !body->bad) {
		fwrite(body->p, 1, body->left, stdout);
		return 0;
	}
	err_set(e, "%.*s", (int)(body->left < 200 ? body->left : 200), (const char *)body->p);
	return code && code < 4096 ? -(int)code : -EPROTO;
}

static int tell(struct mgrlink *l, const char *line, struct err_text *e)
{
	struct cursor body;
	uint8_t kind;
	int rc = wait_for(l, NULL, NULL, e);

	if (!rc)
		rc = mgrlink_put(l, MGR_DO, line, strlen(line));
	if (!rc)
		rc = wait_for(l, &kind, &body, e);
	if (!rc && kind != MGR_DONE)
		rc = -EPROTO;
	return rc ? rc : print_answer(&body, e);
}

/* A connection of its own, by the first address that takes one. */
static int with_manager(struct words *w, const char *line)
{
	struct sockaddr_storage at[MGR_ADDRESSES];
	socklen_t len[MGR_ADDRESSES];
	struct err_text e = {""};
	struct mgrlink l = {.fd = -1};
	struct trust *t = NULL;
	int n, i, rc;

	w->secure.secure = true;
	rc = secure_option_resolve(&w->secure, &e);
	if (!rc && !w->secure.sec_mgr) {
		err_set(&e, "which manager? --sec-mgr HOST:PORT, or CXL_SEC_MGR");
		rc = -EINVAL;
	}
	if (!rc)
		rc = trust_load(&t, &w->secure.files, &e);
	n = rc ? 0 : mgrlink_resolve(w->secure.sec_mgr, at, len, &e);
	if (!rc && n < 0)
		rc = n;
	for (i = 0; i < n; i++) {
		int fd = mgrlink_dial(&at[i], len[i]);

		rc = fd < 0 ? fd : mgrlink_open(&l, fd, t, false);
		if (!rc)
			rc = tell(&l, line, &e);
		if (l.open)
			break; /* that was it */
		mgrlink_close(&l);
	}
	mgrlink_close(&l);
	trust_drop(t);
	return hedbctl_end(rc, &e);
}

/* ---- commands ---- */

/* Of a PEM file. */
static int read_print(char hex[2 * PEER_PRINT + 1], const char *path, struct err_text *e)
{
	uint8_t print[PEER_PRINT];
	mbedtls_x509_crt crt;
	int rc;

	mbedtls_x509_crt_init(&crt);
	rc = mbedtls_x509_crt_parse_file(&crt, path) ? -EINVAL : 0;
	if (rc)
		err_set(e, "%s: no certificate, nor 64 hexadecimal digits of a fingerprint", path);
	else
		crypto_hash_sha256(print, crt.raw.p, crt.raw.len);
	mbedtls_x509_crt_free(&crt);
	if (!rc)
		sodium_bin2hex(hex, 2 * PEER_PRINT + 1, print, sizeof print);
	return rc;
}

static int node_add(struct words *w)
{
	char hex[2 * PEER_PRINT + 1], line[LINE];
	struct err_text e = {""};
	int rc = 0;

	if (strlen(w->word[3]) == 2 * PEER_PRINT && strspn(w->word[3], "0123456789abcdef") == 2 * PEER_PRINT)
		strcpy(hex, w->word[3]);
	else
		rc = read_print(hex, w->word[3], &e);
	if (rc)
		return hedbctl_end(rc, &e);
	snprintf(line, sizeof line, "node %.80s %s", w->word[2], hex);
	return with_manager(w, line);
}

static int range_add(struct words *w)
{
	uint64_t first = 0, last = SERVICE_CHANNELS_MAX;
	char line[LINE], to[24] = "end", *end;

	if (w->channels) {
		first = last = strtoull(w->channels, &end, 10);
		if (*end == '-')
			last = strtoull(end + 1, &end, 10);
		if (*end || end == w->channels)
			return 2;
	}
	if (w->to)
		snprintf(to, sizeof to, "%llu", (unsigned long long)w->to);
	snprintf(line, sizeof line, "range %.40s %.40s %llu %s %.20s %llu %llu", w->word[2],
		w->pool ? w->pool : VIEW_POOL, (unsigned long long)w->from, to,
		w->service ? w->service : "*", (unsigned long long)first, (unsigned long long)last);
	return with_manager(w, line);
}

static int view(struct words *w)
{
	struct err_text e = {""};
	struct trust *t = NULL;
	char *text;
	int rc;

	w->secure.secure = true;
	rc = secure_option_load(&w->secure, &t, &e);
	if (!rc && !t->view) {
		err_set(&e, "which manager? --sec-mgr HOST:PORT, or CXL_SEC_MGR");
		rc = -EINVAL;
	}
	text = rc ? NULL : view_text(t->view);
	if (text)
		fputs(text, stdout);
	free(text);
	trust_drop(t);
	return hedbctl_end(rc, &e);
}

/* VERB and what comes after it, as it is. */
static int verbatim(struct words *w, const char *verb, int from)
{
	char line[LINE];
	int len = snprintf(line, sizeof line, "%s", verb), i;

	for (i = from; i < w->n && len < LINE; i++)
		len += snprintf(line + len, sizeof line - (size_t)len, " %.80s", w->word[i]);
	return with_manager(w, line);
}

static bool is(const struct words *w, int n, const char *first, const char *second)
{
	return w->n == n && strcmp(w->word[0], first) == 0 &&
		(!second || strcmp(w->word[1], second) == 0);
}

int acl_command(int argc, char **argv)
{
	struct words w = {.n = 0};

	if (sodium_init() < 0 || !parse(&w, argc, argv))
		return 2;
	if (is(&w, 4, "node", "add"))
		return node_add(&w);
	if (is(&w, 3, "range", "add"))
		return range_add(&w);
	if (is(&w, 3, "node", "drop"))
		return verbatim(&w, "drop-node", 2);
	if (is(&w, 3, "range", "drop"))
		return verbatim(&w, "drop-range", 2);
	if (is(&w, 4, "grant", NULL) || is(&w, 3, "revoke", NULL) || is(&w, 2, "rotate", NULL) ||
		is(&w, 1, "list", NULL) || is(&w, 1, "status", NULL))
		return verbatim(&w, w.word[0], 1);
	if (is(&w, 2, "revoke", NULL)) {
		w.word[w.n++] = "*";
		return verbatim(&w, w.word[0], 1);
	}
	return is(&w, 1, "view", NULL) ? view(&w) : 2;
}
