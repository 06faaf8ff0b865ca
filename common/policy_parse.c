/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * policy_parse.c - policies from their text, which libinih takes apart into lines.
 */
#include "policy_build.h"

#include "hex.h"

#include <stdlib.h>
#include <string.h>

#include <ini.h>
#include <sodium.h>

enum { LINE_MAX_BYTES = 190 }; /* libinih cuts lines of 200 */

/* A text being read. */
struct reading {
	struct policy *p;
	struct err_text *e;
	bool failed;
	struct policy_role *role; /* of the section */
	struct policy_rule *rule; /* likewise */
	struct policy_domain *domain;
	char section[64];
	bool special; /* the section is of one domain */
	bool is_policy;
};

static int wrong(struct reading *r, const char *what, const char *which)
{
	if (!r->failed)
		err_set(r->e, "[%s]: %s: %s", r->section, what, which);
	r->failed = true;
	return 0;
}

static bool name_valid(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= POLICY_NAME &&
		strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == n;
}

/* A number below `end`, nothing behind it. */
static bool number(const char *s, uint64_t end, uint64_t *to)
{
	char *rest;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*to = strtoull(s, &rest, 10);
	return !errno && !*rest && *to < end;
}

/* Call each(r, word) for the words of a value. */
static int each_word(struct reading *r, const char *value, int (*each)(struct reading *, char *))
{
	char copy[LINE_MAX_BYTES + 16], *rest = copy, *word;

	if (strlen(value) >= sizeof copy)
		return wrong(r, "too long", value);
	strcpy(copy, value);
	while ((word = strtok_r(rest, " \t,", &rest)))
		if (!each(r, word))
			return 0;
	return 1;
}

/* ---- sections ---- */

static int begin_role(struct reading *r, char *words)
{
	unsigned domain = 0;

	char *rest = words, *name = strtok_r(rest, " ", &rest), *in = strtok_r(rest, " ", &rest);

	if (!name || !name_valid(name) || strtok_r(rest, " ", &rest))
		return wrong(r, "not [role NAME] or [role NAME DOMAIN]", "");
	r->special = in != NULL;
	if (in && strcmp(in, r->p->domain[0].name) != 0)
		domain = policy_find_domain(r->p, in);
	if (domain == r->p->ndomains)
		return wrong(r, "no such domain before this line", in);
	r->role = policy_add_role(r->p, name, POLICY_ROLES);
	if (!r->role)
		return wrong(r, "too many roles", name);
	r->role->defined = true;
	r->rule = in ? policy_add_special(r->p, (unsigned)(r->role - r->p->role), domain) : &r->role->rule;
	return r->rule ? 1 : wrong(r, "too many sections of roles in domains", name);
}

static int begin_domain(struct reading *r, const char *name)
{
	struct policy *p = r->p;

	if (!name_valid(name) || strcmp(name, "default") == 0)
		return wrong(r, "not a name", name);
	if (policy_find_domain(p, name) != p->ndomains)
		return wrong(r, "a second domain of that name", name);
	if (p->ndomains == POLICY_DOMAINS ||
		!policy_room((void **)&p->domain, p->ndomains, sizeof *p->domain))
		return wrong(r, "too many domains", name);
	r->domain = &p->domain[p->ndomains++];
	strcpy(r->domain->name, name);
	r->domain->first = p->nkeys;
	r->domain->first_named = p->nnamed;
	return 1;
}

static int begin_section(struct reading *r, const char *section)
{
	char copy[sizeof r->section];

	r->role = NULL;
	r->domain = NULL;
	r->special = false;
	if (strlen(section) >= sizeof r->section)
		return wrong(r, "too long", section);
	strcpy(r->section, section);
	strcpy(copy, section);
	r->is_policy = strcmp(section, "policy") == 0;
	if (r->is_policy)
		return 1;
	if (strncmp(copy, "role ", 5) == 0)
		return begin_role(r, copy + 5);
	if (strncmp(copy, "domain ", 7) == 0)
		return begin_domain(r, copy + 7);
	return wrong(r, "not [policy], [domain NAME] or [role NAME]", section);
}

/* ---- what is allowed ---- */

static void set_class(struct policy_rule *rule, enum op_class c, bool yes)
{
	uint32_t code;

	if (c == CLASS_ENCRYPT)
		rule->encrypt = yes;
	for (code = 0; code < OPTABLE_CODES; code++) {
		const struct op *op = optable_op(code);

		if (op && opclass_of(op) == c) {
			rule->op[code / 64] &= ~(UINT64_C(1) << code % 64);
			rule->op[code / 64] |= (uint64_t)yes << code % 64;
		}
	}
}

static const struct op *find_op(const char *name)
{
	uint32_t code;

	for (code = 0; code < OPTABLE_CODES; code++) {
		const struct op *op = optable_op(code);

		if (op && strcmp(op->name, name) == 0)
			return op;
	}
	return NULL;
}

static int set_word(struct reading *r, char *word, bool yes)
{
	struct policy_rule *rule = r->rule;
	enum op_class c = opclass_find(word);
	const struct op *op;

	if (strcmp(word, "all") == 0) { /* but what needs a word of its own */
		for (c = CLASS_EQUALITY; c < CLASS_ENCRYPT; c++)
			set_class(rule, c, yes);
		return 1;
	}
	if (strcmp(word, "transfer") == 0) {
		rule->transfer = yes;
		return 1;
	}
	if (c < OP_CLASSES) {
		set_class(rule, c, yes);
		return 1;
	}
	op = find_op(word);
	if (!op || opclass_of(op) == CLASS_PUBLIC)
		return wrong(r, "neither a class nor an operation on encrypted values", word);
	rule->op[op->code / 64] &= ~(UINT64_C(1) << op->code % 64);
	rule->op[op->code / 64] |= (uint64_t)yes << op->code % 64;
	return 1;
}

static int allow_word(struct reading *r, char *word)
{
	return set_word(r, word, true);
}

static int deny_word(struct reading *r, char *word)
{
	return set_word(r, word, false);
}

/* ---- settings ---- */

/* The name of a domain of keys. */
static int named_word(struct reading *r, const char *word)
{
	struct policy *p = r->p;

	if (!keyring_name_valid(word))
		return wrong(r, "neither a key id nor a name of a domain of keys", word);
	if (p->nnamed == POLICY_NAMED ||
		!policy_room((void **)&p->named, p->nnamed, sizeof *p->named))
		return wrong(r, "too many domains of keys", word);
	strcpy(p->named[p->nnamed++].name, word);
	r->domain->nnamed++;
	return 1;
}

static int key_word(struct reading *r, char *word)
{
	struct policy *p = r->p;
	uint64_t id;

	if (*word < '0' || *word > '9')
		return named_word(r, word);
	if (!number(word, 65536, &id) || id == 0)
		return wrong(r, "not a key id", word);
	if (p->nkeys == POLICY_KEYS || !policy_room((void **)&p->key, p->nkeys, sizeof *p->key))
		return wrong(r, "too many key ids", word);
	p->key[p->nkeys++] = (uint16_t)id;
	r->domain->nkeys++;
	return 1;
}

static int type_word(struct reading *r, char *word)
{
	uint32_t t;

	for (t = 1; t < T_FIRST_PUBLIC; t++)
		if (optable_type(t).name && strcmp(optable_type(t).name, word) == 0) {
			r->domain->types |= 1u << t;
			return 1;
		}
	return wrong(r, "not an encrypted type", word);
}

static int peer_word(struct reading *r, char *word)
{
	struct policy_role *role = r->role;

	if (role->npeers == POLICY_PEERS || strlen(word) >= sizeof role->peer[0])
		return wrong(r, "too many certificates, or too long a name", word);
	if (policy_role_of_peer(r->p, word))
		return wrong(r, "two roles for one certificate", word);
	strcpy(role->peer[role->npeers++], word);
	return 1;
}

static int set_key(struct reading *r, const char *value)
{
	if (r->role->has_key || !hex_read(r->role->key, sizeof r->role->key, value, strlen(value)))
		return wrong(r, "not one public key of 64 hexadecimal digits", value);
	r->role->has_key = true;
	return 1;
}

/* "1000/s": amount and unit. */
static int set_rate(struct reading *r, const char *name, const char *value)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = {{"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}};
	char copy[32], *slash;
	struct policy_rate *rate;
	int kind;
	size_t u;

	for (kind = 0; kind < RELEASES && strcmp(release_names[kind], name) != 0; kind++)
		;
	if (kind == RELEASES)
		return wrong(r, "nothing of that name is counted", name);
	rate = &r->role->rate[kind];
	if (rate->amount || strlen(value) >= sizeof copy)
		return wrong(r, "a rate is like 1000/s, 60/min, 10/h or 5/d, once", value);
	strcpy(copy, value);
	slash = strchr(copy, '/');
	if (slash)
		*slash++ = 0;
	for (u = 0; slash && u < sizeof units / sizeof units[0]; u++)
		if (strcmp(slash, units[u].unit) == 0 && number(copy, UINT64_C(1) << 40, &rate->amount) &&
			rate->amount) {
			rate->per_ms = units[u].ms;
			r->role->rated = true;
			return 1;
		}
	return wrong(r, "a rate is like 1000/s, 60/min, 10/h or 5/d, once", value);
}

static int set_bool(struct reading *r, const char *value, const char *yes, const char *no, bool *to)
{
	*to = strcmp(value, yes) == 0;
	return *to || strcmp(value, no) == 0 ? 1 : wrong(r, "neither of its two values", value);
}

static int set_home(struct reading *r, const char *value)
{
	if (!keyring_name_valid(value) || r->role->home_name[0])
		return wrong(r, "not one name of a domain of keys", value);
	strcpy(r->role->home_name, value);
	return 1;
}

static int set_results(struct reading *r, const char *value)
{
	int i;

	for (i = RESULTS_MARKED; i <= RESULTS_CLEAN; i++)
		if (strcmp(policy_results_names[i], value) == 0) {
			r->role->results = (enum policy_results)i;
			return 1;
		}
	return wrong(r, "not marked, kept or clean", value);
}

static int role_line(struct reading *r, const char *name, const char *value)
{
	if (strcmp(name, "allow") == 0)
		return each_word(r, value, allow_word);
	if (strcmp(name, "deny") == 0)
		return each_word(r, value, deny_word);
	if (r->special)
		return wrong(r, "in a domain there is allow and deny, not", name);
	if (strcmp(name, "computed") == 0)
		return set_bool(r, value, "allow", "deny", &r->role->computed);
	if (strcmp(name, "mixed") == 0)
		return set_bool(r, value, "allow", "deny", &r->role->mixed);
	if (strcmp(name, "domain") == 0)
		return set_home(r, value);
	if (strcmp(name, "results") == 0)
		return set_results(r, value);
	if (strcmp(name, "key") == 0)
		return set_key(r, value);
	if (strcmp(name, "peer") == 0)
		return each_word(r, value, peer_word);
	if (strncmp(name, "rate.", 5) == 0)
		return set_rate(r, name + 5, value);
	return wrong(r, "unknown setting", name);
}

static int policy_line(struct reading *r, const char *name, const char *value)
{
	if (strcmp(name, "name") == 0 && name_valid(value)) {
		strcpy(r->p->name, value);
		return 1;
	}
	if (strcmp(name, "version") == 0 && number(value, INT64_MAX, &r->p->stamp.version) && r->p->stamp.version)
		return 1;
	return wrong(r, "unknown setting or bad value", name);
}

static int line(void *arg, const char *section, const char *name, const char *value)
{
	struct reading *r = arg;

	if (r->failed)
		return 0;
	if (strcmp(section, r->section) != 0 && !begin_section(r, section))
		return 0;
	if (r->is_policy)
		return policy_line(r, name, value);
	if (r->role)
		return role_line(r, name, value);
	if (r->domain && strcmp(name, "keys") == 0)
		return each_word(r, value, key_word);
	if (r->domain && strcmp(name, "types") == 0)
		return each_word(r, value, type_word);
	return wrong(r, "unknown setting", name);
}

/* Bytes that an ini parser might take for something else. */
static int check_bytes(const char *text, size_t len, struct err_text *e)
{
	size_t i, start = 0;
	unsigned at = 1;

	if (len > POLICY_TEXT_MAX) {
		err_set(e, "a policy of %zu bytes; %d are the most", len, POLICY_TEXT_MAX);
		return -EINVAL;
	}
	for (i = 0; i < len; i++) {
		if (text[i] == '\n') {
			start = i + 1;
			at++;
		} else if ((text[i] < ' ' && text[i] != '\t') || text[i] > '~' ||
			i - start >= LINE_MAX_BYTES) {
			err_set(e, "line %u: longer than %d bytes, or not plain text", at, LINE_MAX_BYTES);
			return -EINVAL;
		}
	}
	return 0;
}

/* Of a section without lines the ini parser says nothing, and a role would have in that domain what
 * it has in all others: who wrote none meant the opposite. */
static int check_sections(const char *text, struct err_text *e)
{
	const char *p, *head = NULL; /* of a section that has had no line */
	bool named = false;          /* it has, so that an indented one goes on with it */

	for (p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		const char *at = p + strspn(p, " \t");
		bool begins = *at == '[' && (at == p || !named);

		if (begins && head)
			break;
		if (begins) {
			head = at;
			named = false;
		} else if (!strchr(";#\n", *at)) {
			head = NULL;
			named = true;
		}
	}
	if (!head)
		return 0;
	err_set(e, "%.*s: no lines; of a role that may do nothing there: deny = all",
		(int)strcspn(head, "\n"), head);
	return -EINVAL;
}

int policy_parse(struct policy *p, const char *text, size_t len, struct err_text *e)
{
	struct reading r = {.p = p, .e = e};
	const char *why;
	char *copy;
	int rc = check_bytes(text, len, e);

	if (rc)
		return rc;
	copy = malloc(len + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, len);
	copy[len] = 0;
	crypto_generichash(p->stamp.digest, sizeof p->stamp.digest, (const uint8_t *)text, len, NULL, 0);
	rc = check_sections(copy, e);
	if (!rc && !policy_room((void **)&p->domain, 0, sizeof *p->domain))
		rc = -ENOMEM;
	if (rc) {
		free(copy);
		return rc;
	}
	p->ndomains = 1;
	strcpy(p->domain[0].name, "default");
	rc = ini_parse_string(copy, line, &r);
	free(copy);
	if (rc) {
		if (!r.failed)
			err_set(e, "line %d is not `name = value`", rc);
		return -EINVAL;
	}
	if (!policy_settle(p))
		return -ENOMEM;
	why = policy_wrong(p);
	if (why) {
		err_set(e, "%s", why);
		return -EINVAL;
	}
	return 0;
}
