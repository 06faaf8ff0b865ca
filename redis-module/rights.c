/* SPDX-License-Identifier: BSD-3-Clause */
#include "rights.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "config.h"
#include "roster.h"
#include "watcher.h"

enum { FIRST_VIEW_MS = 1000 }; /* longest wait for the manager, at load alone */

static struct {
	struct view *view; /* held; NULL: no manager */
	struct watcher *watcher;
	int efd;
} r;

const char rights_read_only[] = "NOPERM the manager gives this node the right to read alone";

/* By the watcher's thread; RM_Log may be called there. */
static void say(bool found, const char *text)
{
	RedisModule_Log(NULL, found ? "notice" : "warning", "<cxlring> %s", text);
}

/* It stays, opens again, or is refused. */
static void review(struct session *s)
{
	struct err_text e = {""};
	int rc;

	if (!s->peer)
		return;
	rc = view_peer(r.view, KV_SERVICE, s->chan->index, s->peer->print, s->key_id, &s->right, &e);
	if (rc == -ESTALE)
		roster_renew(s);
	else if (rc)
		roster_end(s, e.s);
}

static void on_news(int fd, void *unused, int mask)
{
	uint64_t n;

	if (read(fd, &n, sizeof n) < 0)
		return;
	roster_each(review);
}

int rights_open(const struct region *region, struct err_text *e)
{
	const char *pool = config.sec_pool[0] ? config.sec_pool : VIEW_POOL;

	memset(&r, 0, sizeof r);
	r.efd = -1;
	if (!config.sec_mgr[0])
		return 0;
	if (!view_name_valid(pool, strlen(pool))) {
		err_set(e, "cxlring.sec-pool: \"%.40s\" is no name of a pool", pool);
		return -EINVAL;
	}
	if (config.secure != TRUST_REQUIRED) {
		err_set(e, "cxlring.sec-mgr needs cxlring.secure required: a plain client has no certificate to look up");
		return -EINVAL;
	}
	r.view = view_create(pool);
	r.efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r.view && r.efd >= 0 &&
		RedisModule_EventLoopAdd(r.efd, REDISMODULE_EVENTLOOP_READABLE, on_news, NULL) ==
			REDISMODULE_OK) {
		view_place(r.view, region, KV_SERVICE);
		return 0;
	}
	rights_close();
	return -ENOMEM;
}

int rights_use(struct trust *t, struct err_text *e)
{
	struct watcher_config c = {.changed_fd = r.efd, .say = say};
	int rc;

	if (!r.view)
		return 0;
	if (config.secure != TRUST_REQUIRED) {
		err_set(e, "with cxlring.sec-mgr there is nothing but cxlring.secure required");
		return -EINVAL;
	}
	if (!t)
		return 0;
	rc = trust_manage(t, r.view, e);
	if (rc)
		return rc;
	if (r.watcher) {
		watcher_use(r.watcher, t);
		return 0;
	}
	rc = watcher_create(&r.watcher, config.sec_mgr, t, r.view, &c, e);
	if (!rc)
		rc = watcher_start(r.watcher);
	if (!rc && !watcher_await(r.watcher, FIRST_VIEW_MS))
		RedisModule_Log(NULL, "warning", "<cxlring> serving nobody until the manager at %s answers",
			config.sec_mgr);
	return rc;
}

void rights_close(void)
{
	watcher_destroy(r.watcher);
	r.watcher = NULL;
	if (r.efd >= 0 && r.view)
		RedisModule_EventLoopDel(r.efd, REDISMODULE_EVENTLOOP_READABLE);
	if (r.efd >= 0 && r.view)
		close(r.efd);
	r.efd = -1;
	view_drop(r.view);
	r.view = NULL;
}
