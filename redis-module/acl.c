/* SPDX-License-Identifier: BSD-3-Clause */
#include "acl.h"

#include <stdio.h>
#include <string.h>

RedisModuleUser *acl_user(const struct acl *a)
{
	RedisModuleString *name;
	RedisModuleUser *u;

	if (a->user)
		return RedisModule_GetModuleUserFromUserName(a->user);
	name = RedisModule_CreateString(NULL, "default", 7);
	u = RedisModule_GetModuleUserFromUserName(name);
	RedisModule_FreeString(NULL, name);
	return u;
}

/* Is `word` one of the space-separated words of `s`? */
static bool has_word(const char *s, const char *word)
{
	size_t n = strlen(word);
	const char *p = s;

	while ((p = strstr(p, word))) {
		if ((p == s || p[-1] == ' ') && (p[n] == ' ' || p[n] == 0))
			return true;
		p += n;
	}
	return false;
}

/*
 * The rules as ACL LIST shows them: "on nopass ~* &* +@all". Everything is allowed when
 * the three wildcards stand there and nothing is taken away again. Anything else,
 * passwords and patterns that look alike included, errs towards ACL_SOME.
 */
static enum acl_state judge(const char *rules, bool authenticated)
{
	if (!authenticated && (!has_word(rules, "on") || !has_word(rules, "nopass")))
		return ACL_NOBODY;
	if (has_word(rules, "~*") && has_word(rules, "&*") && has_word(rules, "+@all") &&
		!strstr(rules, " -") && !strchr(rules, '('))
		return ACL_ALL;
	return ACL_SOME;
}

static uint64_t changes; /* that we know of */

void acl_changed(void)
{
	changes++;
}

/* As if the connection had been closed and made anew: somebody that a certificate names is
 * not the default user then. */
static void acl_deleted(struct acl *a)
{
	if (!a->certified)
		acl_forget(a);
}

static void ask(struct acl *a)
{
	RedisModuleUser *u = acl_user(a);
	RedisModuleString *rules;

	a->state = ACL_NOBODY;
	if (!u) {
		acl_deleted(a);
		return;
	}
	rules = RedisModule_GetModuleUserACLString(u);
	a->state = judge(RedisModule_StringPtrLen(rules, NULL), a->user != NULL);
	RedisModule_FreeString(NULL, rules);
	RedisModule_FreeModuleUser(u);
}

/* All who did not authenticate are one and the same: asked for once. */
enum acl_state acl_look(struct acl *a, uint64_t turn)
{
	static struct acl nobody;
	struct acl *known = a->user ? a : &nobody;

	turn += changes; /* neither goes back: the sum is new when one of them is */
	if (known->turn != turn) {
		known->turn = turn;
		ask(known);
	}
	return a->state = known->state;
}

void acl_check(struct acl *a)
{
	RedisModuleUser *u;

	if (!a->user)
		return;
	u = acl_user(a);
	if (u)
		RedisModule_FreeModuleUser(u);
	else
		acl_deleted(a);
}

bool acl_authenticate(RedisModuleCtx *ctx, struct acl *a, const char *user, size_t user_len,
	const char *password, size_t password_len, char *why, size_t len)
{
	RedisModuleCallReply *r;
	const char *text;
	size_t n;
	bool ok;

	/* The call authenticates its own short-lived client; we only want the verdict. */
	if (user_len)
		r = RedisModule_Call(ctx, "AUTH", "Ebb", user, user_len, password, password_len);
	else
		r = RedisModule_Call(ctx, "AUTH", "Eb", password, password_len);
	text = r ? RedisModule_CallReplyProto(r, &n) : "-ERR AUTH failed\r\n";
	ok = text[0] == '+';
	if (ok) {
		acl_forget(a);
		if (user_len == 0)
			user = "default";
		a->user = RedisModule_CreateString(NULL, user, user_len ? user_len : 7);
		a->turn = 0;
	} else {
		snprintf(why, len, "%.*s", (int)strcspn(text + 1, "\r\n"), text + 1);
	}
	if (r)
		RedisModule_FreeCallReply(r);
	return ok;
}

bool acl_certify(struct acl *a, const char *user)
{
	RedisModuleString *name = RedisModule_CreateString(NULL, user, strlen(user)), *rules;
	RedisModuleUser *u = RedisModule_GetModuleUserFromUserName(name);
	bool on = false;

	if (u) {
		rules = RedisModule_GetModuleUserACLString(u);
		on = has_word(RedisModule_StringPtrLen(rules, NULL), "on");
		RedisModule_FreeString(NULL, rules);
		RedisModule_FreeModuleUser(u);
	}
	if (!on) {
		RedisModule_FreeString(NULL, name);
		return false;
	}
	acl_forget(a);
	a->user = name;
	a->certified = true;
	return true;
}

void acl_forget(struct acl *a)
{
	a->certified = false;
	if (a->user)
		RedisModule_FreeString(NULL, a->user);
	a->user = NULL;
	a->turn = 0;
}
