/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cxlring.h - libcxlring: Redis through shared memory.
 *
 *     struct cxlring *c;
 *     struct cxlring_reply *r;
 *     char why[256];
 *
 *     if (cxlring_open(&c, NULL, why, sizeof why))
 *         errx(1, "%s", why);
 *     if (cxlring_get(c, "key", 3, &r) == 0 && r->type == CXLRING_STRING)
 *         fwrite(r->str, 1, r->len, stdout);
 *     cxlring_free(r);
 *     cxlring_close(c);
 *
 * A connection is one channel of the region's service "kv"; at most that many clients
 * can be connected at a time.
 *
 * Threads: a connection belongs to one thread at a time; give each thread its own. After
 * fork() a child must not use its parent's connections.
 *
 * Errors. Every call returns 0 or a negative errno; cxlring_why() has a sentence on it.
 * What Redis itself answers with an error is not one of these: it is a reply of type
 * CXLRING_ERROR. From every call that waits:
 *
 *   -ETIMEDOUT   no answer in time. The request is still under way: a write may yet take
 *                effect. Its answer is dropped when it comes
 *   -ECONNRESET  the server went away. The fate of what was not answered is unknown: it
 *                may have been executed or not. Nothing is sent twice: only GET, EXISTS
 *                and PING of the blocking interface are repeated, since they change
 *                nothing. The next call connects to the server's successor
 *   -EOWNERDEAD  no server within the time-out, or one that takes nobody for now: Redis is
 *                loading, or has no answer from the manager
 *   -EUSERS      every channel is taken
 *   -EACCES      the successor did not accept the user's password
 *   -EPROTO      the server refused this channel: a request made no sense to it, or it was
 *                longer than proto-max-bulk-len
 *   -EMSGSIZE, -ENOMEM, -EINVAL, and -EBUSY: blocking and pipelined calls were mixed
 */
#ifndef CXLRING_H
#define CXLRING_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cxlring;

/* All zero, or NULL for the whole, means the default. */
struct cxlring_options {
	const char *region;   /* file or device; default $CXLRING_REGION, $CXL_RING_PATH */
	uint64_t offset;      /* of the region in it */
	uint64_t map_size;    /* bytes to map; default: all there are */
	const char *user;     /* default user, when only the password is given */
	const char *password; /* both are kept, for the server's successor */
	int db;               /* cxlring_select() */
	const char *label;    /* shown by status commands; default: program and pid */
	int timeout_ms;       /* longest wait for an answer; 5000; -1: for ever */
	int spin_us;          /* longest to spin for one before sleeping; 50; -1: never */
	/*
	 * Sealed channels (docs/security.md): 1, or not at all. Then files, PEM: certificate,
	 * its key, the CA's certificate, and, or NULL, what that has revoked; or a file with a
	 * pre-shared key. cxlring_open() reads them: -EACCES when the server does not
	 * accept what they say or the other way round, -ECONNREFUSED when it has no sealed channels.
	 * They are looked at again once a second while there are calls, and read anew when they were
	 * replaced; what does not fit together changes nothing. A server whose certificate does not hold
	 * any more, by them or because it has ended, is left by the next call, which is -ECONNRESET when
	 * replies were outstanding and else connects anew, to whoever shows a good certificate.
	 */
	int secure;
	const char *cert, *key, *ca, *crl, *psk;
	/* With certificates: the manager (docs/manager.md), HOST:PORT, and what it calls the region's
	 * memory; NULL: none, "pool". -ETIMEDOUT when it does not answer, -EACCES when it gives no right. */
	const char *sec_mgr, *sec_pool;
};

enum cxlring_type {
	CXLRING_STRING = 1,
	CXLRING_ARRAY = 2,
	CXLRING_INTEGER = 3,
	CXLRING_NIL = 4,
	CXLRING_STATUS = 5,
	CXLRING_ERROR = 6,
	/* only from cxlring_call() with CXLRING_RESP3: */
	CXLRING_DOUBLE = 7,
	CXLRING_BOOL = 8,
	CXLRING_MAP = 9, /* 2 * n elements */
	CXLRING_SET = 10,
	CXLRING_ATTR = 11,
	CXLRING_PUSH = 12,
	CXLRING_BIGNUM = 13,
	CXLRING_VERB = 14,
};

/* As hiredis has it; all of a tree is freed at once, by its root: cxlring_free(). */
struct cxlring_reply {
	int type;
	int64_t integer; /* INTEGER, BOOL */
	double dval;     /* DOUBLE */
	size_t len;
	char *str; /* STRING, STATUS, ERROR, DOUBLE, BIGNUM, VERB; a zero byte follows */
	size_t elements;
	struct cxlring_reply **element;
};

/*
 * cxlring_open - map the region and claim a channel.
 *
 *   c     out: the connection; free by cxlring_close(). NULL when it fails
 *   why   a sentence when it fails; may be NULL with len 0
 *
 * Does not wait for a server: -EOWNERDEAD when there is none.
 */
int cxlring_open(
	struct cxlring **c, const struct cxlring_options *o, char *why, size_t len);
void cxlring_close(struct cxlring *c);

/* One sentence about the last call that failed. */
const char *cxlring_why(const struct cxlring *c);

void cxlring_free(struct cxlring_reply *r);

/* ---- blocking: one request, its reply ---- */

enum cxlring_set_flags {
	CXLRING_NX = 1,
	CXLRING_XX = 2,
	CXLRING_GET = 4, /* reply is the old value */
	CXLRING_KEEPTTL = 8,
	/* at most one of these, with `time` */
	CXLRING_EX = 16,
	CXLRING_PX = 32,
	CXLRING_EXAT = 64,
	CXLRING_PXAT = 128,
};

int cxlring_ping(struct cxlring *c, struct cxlring_reply **r);
int cxlring_get(
	struct cxlring *c, const void *key, size_t key_len, struct cxlring_reply **r);
int cxlring_set(struct cxlring *c, const void *key, size_t key_len, const void *value,
	size_t value_len, unsigned flags, int64_t time, struct cxlring_reply **r);
int cxlring_incrby(struct cxlring *c, const void *key, size_t key_len, int64_t by,
	struct cxlring_reply **r);
int cxlring_del(struct cxlring *c, size_t n, const char *const keys[], const size_t lens[],
	struct cxlring_reply **r);
int cxlring_exists(struct cxlring *c, size_t n, const char *const keys[],
	const size_t lens[], struct cxlring_reply **r);

/*
 * The requests from here on are for this database; 0 to begin with. Costs nothing, since
 * each request names its own; Redis answers them with an error if there is no such
 * database. Kept for the server's successor. -EINVAL: not 0 .. 65535.
 */
int cxlring_select(struct cxlring *c, int db);

/* From here on as this user (NULL: the default user). The reply says whether. */
int cxlring_auth(
	struct cxlring *c, const char *user, const char *password, struct cxlring_reply **r);

enum { CXLRING_RESP3 = 1 };

/* Any command that needs no connection of its own. lens may be NULL for C strings. */
int cxlring_call(struct cxlring *c, size_t argc, const char *const argv[],
	const size_t lens[], unsigned flags, struct cxlring_reply **r);

/*
 * cxlring_command - the same from a format, as hiredis has it.
 *
 *     cxlring_command(c, &r, "SET user:%d %b", id, data, data_len);
 *
 * Spaces of the format end a word, those of an argument do not. %s a C string; %b bytes, a
 * pointer and a size_t; %c and the numbers of printf, d i o u x X e E f F g G a A with hh h
 * l ll z before them; %% a percent sign. -EINVAL for anything else.
 */
int cxlring_command(struct cxlring *c, struct cxlring_reply **r, const char *fmt, ...);
int cxlring_vcommand(
	struct cxlring *c, struct cxlring_reply **r, const char *fmt, va_list ap);

/* ---- pipelined ----
 *
 * Append as many requests as there is room for, flush, take the replies: one per
 * request, in the order of the requests.
 *
 * An append that returns -EAGAIN has changed nothing: the ring is full. Take replies
 * first. Appending never waits; a request longer than the ring is copied, and goes on
 * its way in cxlring_flush() and cxlring_next().
 */
int cxlring_append_ping(struct cxlring *c);
int cxlring_append_get(struct cxlring *c, const void *key, size_t key_len);
int cxlring_append_set(struct cxlring *c, const void *key, size_t key_len,
	const void *value, size_t value_len, unsigned flags, int64_t time);
int cxlring_append_incrby(struct cxlring *c, const void *key, size_t key_len, int64_t by);
int cxlring_append_del(struct cxlring *c, const void *key, size_t key_len);
int cxlring_append_exists(struct cxlring *c, const void *key, size_t key_len);
int cxlring_append_call(struct cxlring *c, size_t argc, const char *const argv[],
	const size_t lens[], unsigned flags);
int cxlring_append_command(struct cxlring *c, const char *fmt, ...);
int cxlring_append_vcommand(struct cxlring *c, const char *fmt, va_list ap);

/* Make what was appended visible to the server. -EPROTO: it will not be, since this process is a
 * copy (docs/clones.md); cxlring_next() is -ECONNRESET then, and what comes next connects anew. */
int cxlring_flush(struct cxlring *c);

/* A reply where it lies: valid until the next call on this connection. */
struct cxlring_view {
	int type;        /* enum cxlring_type; CXLRING_ARRAY: `data` is RESP of any type */
	int64_t integer; /* INTEGER */
	const char *data; /* STRING, ERROR (without "-"), STATUS */
	size_t len;
};

/*
 * cxlring_next - the reply to the oldest request that has none.
 *
 *   timeout_ms   -1: the connection's; 0: do not wait
 *
 * Returns 0; -EAGAIN when there is none yet and timeout_ms is 0; -ENODATA when nothing
 * is outstanding; -ECONNRESET when the server went away: none of the requests that are
 * outstanding will be answered, and cxlring_lost() tells how many these were.
 */
int cxlring_next(struct cxlring *c, struct cxlring_view *v, int timeout_ms);

/* The view as a reply of its own; NULL when there is no memory or it is not RESP. */
struct cxlring_reply *cxlring_copy(const struct cxlring_view *v);

size_t cxlring_outstanding(const struct cxlring *c);
size_t cxlring_lost(const struct cxlring *c);

/* ---- streams ----
 *
 * A connection may become a stream: an ordinary client connection of the server, bytes of
 * RESP both ways, for what the calls above cannot do: MULTI, SUBSCRIBE, blocking pops,
 * MONITOR, SELECT, CLIENT. It starts as the user that the connection had, in database 0,
 * and stays a stream until it is closed. Two threads may use it, one that writes and one
 * that reads.
 */

/* -EBUSY while replies are outstanding. */
int cxlring_stream(struct cxlring *c);

/* All of it, waiting for room. -ETIMEDOUT: part of it may have gone. */
int cxlring_stream_write(struct cxlring *c, const void *p, size_t len, int timeout_ms);

/*
 * The next bytes, where they lie, until the next call: v->data, v->len.
 *
 *   timeout_ms   -1: for ever; 0: do not wait
 *
 * Returns 0; -EAGAIN when none came in time; -ENODATA when the server has closed the
 * connection; -ECONNRESET when the server went away; -EACCES when its certificate has ended or
 * is revoked.
 */
int cxlring_stream_next(struct cxlring *c, struct cxlring_view *v, int timeout_ms);

/* From any thread: cxlring_stream_next() returns -ECANCELED, now and from now on. */
void cxlring_stream_stop(struct cxlring *c);

/* What waiting cost so far. */
struct cxlring_cost {
	uint64_t full;   /* appends that found no room */
	uint64_t sleeps; /* waits that became sleeps */
	uint64_t rings;  /* times the server had to be woken */
	uint64_t sleep_ns;
};

void cxlring_cost(const struct cxlring *c, struct cxlring_cost *cost);

#ifdef __cplusplus
}
#endif

#endif
