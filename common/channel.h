/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * channel.h - two rings with an owner: the client's end, and what lies in memory.
 *
 * control block, nine lines:
 *     field        at   written by   read by   meaning
 *     gen          0    server       client    generation, counts up with every reset
 *     broken       4    server       client    = gen: the server refuses this channel
 *     freed        8    server       servers   generation at which it was last given away
 *     killed       12   server       client    generation that an administrator ended
 *     busy         16   server       client    a thread is at something long from here, and
 *                                              looks again when that is done: no need to
 *                                              ring another; a hint
 *     claim        64   client, CAS  server    ident token of the owner, 0 = free;
 *                       0 -> token             the server alone stores 0
 *     host         128  owner        server    full host hash
 *     open         136  owner        server    = gen: the owner has prepared its rings
 *     closing      140  owner        server    a generation not before `freed`: the owner
 *                                              is done, this is its last store
 *     heartbeat    144  owner        server    counts up; judges owners on other hosts
 *     label        152  owner        status    who it is, for humans; never trusted
 *     asleep       192  both         both      the client's bell (wait.h)
 *     req_head     256  server       client    consumer position, request ring
 *     rsp_head     320  client       server    consumer position, reply ring
 *     given_up     384  owner        server    id of a request whose answer nobody awaits;
 *                                              CHAN_AND_BEFORE: nor of those before it
 *
 * Life of a channel:
 *
 *     free --CAS claim--> claimed --store open = gen--> open --closing/death--> reset
 *       ^                    ^                                                   |
 *       +--- claim = 0 ------|---------------- owner gone -----------------------+
 *                            +---------------- server replaced: owner keeps it --+
 *
 * O1  client: rings prepared, then `open` = gen by release; server acquires `open`
 *     before it consumes. Lost: bytes of an earlier owner are executed.
 * G1  server: req_head = 0, then `gen` by release; client acquires `gen` before it
 *     prepares. Lost: the client produces against the head of an earlier generation.
 * C1  server: all of the reset, the reply window zeroed, then claim = 0 by release; the
 *     next owner's CAS acquires. Lost: two owners' stores interleave. The window of an
 *     owner that keeps its channel stays: it may be reading a reply in place.
 * D1  server: `freed` = gen before claim = 0. The owner may know an older generation
 *     than the server when it lets go, and may not store `closing` twice, since its
 *     channel may have a new owner by then; so any generation counts that this owner
 *     can have had. Lost: the next owner's channel is closed by the last one's word.
 *
 * Only the server frees a channel, and only when its owner has let go (closing) or is
 * surely dead: pid and start time on one host, elsewhere a missed heartbeat and then a
 * quarantine (service.h). So a client that was stopped and goes on late can write only
 * into a channel that is still its own; if the generation moved on meanwhile, its
 * frames carry the old one and are not frames. tests/model checks "never two owners".
 *
 * One thread at a time per struct chan. After fork() a child must not use the parent's.
 */
#ifndef COMMON_CHANNEL_H
#define COMMON_CHANNEL_H

#include "ident.h"
#include "lane.h"
#include "region.h"
#include "ring.h"
#include "seal.h"
#include "view.h"
#include "wait.h"

enum { CHAN_LABEL = 40 };

#define CHAN_AND_BEFORE (UINT64_C(1) << 63) /* in given_up */

struct chan_shm {
	uint32_t gen;    /* 0 */
	uint32_t broken; /* 4 */
	uint32_t freed;  /* 8 */
	uint32_t killed; /* 12 */
	uint32_t busy; /* 16 */
	uint8_t rsv0[44];
	uint64_t claim; /* 64 */
	uint8_t rsv1[56];
	uint64_t host;          /* 128 */
	uint32_t open;          /* 136 */
	uint32_t closing;       /* 140 */
	uint64_t heartbeat;     /* 144 */
	char label[CHAN_LABEL]; /* 152 */
	uint32_t asleep;        /* 192 */
	uint8_t rsv2[60];
	uint64_t req_head; /* 256 */
	uint8_t rsv3[56];
	uint64_t rsp_head; /* 320 */
	uint8_t rsv4[56];
	uint64_t given_up; /* 384 */
	uint8_t rsv5[CHAN_CONTROL - 392];
};

_Static_assert(sizeof(struct chan_shm) == CHAN_CONTROL, "control block");
_Static_assert(offsetof(struct chan_shm, busy) == 16, "busy");
_Static_assert(offsetof(struct chan_shm, claim) == 64, "claim");
_Static_assert(offsetof(struct chan_shm, host) == 128, "owner line");
_Static_assert(offsetof(struct chan_shm, label) == 152, "label");
_Static_assert(offsetof(struct chan_shm, asleep) == 192, "client bell");
_Static_assert(offsetof(struct chan_shm, req_head) == 256, "req_head");
_Static_assert(offsetof(struct chan_shm, rsp_head) == 320, "rsp_head");
_Static_assert(offsetof(struct chan_shm, given_up) == 384, "given_up");

static inline struct chan_shm *chan_control(const struct service_geometry *g, uint32_t i)
{
	return (struct chan_shm *)(g->channels + i * region_stride(g->ring_bytes));
}

static inline uint8_t *chan_req_ring(const struct service_geometry *g, uint32_t i)
{
	return (uint8_t *)chan_control(g, i) + CHAN_CONTROL;
}

static inline uint8_t *chan_rsp_ring(const struct service_geometry *g, uint32_t i)
{
	return chan_req_ring(g, i) + g->ring_bytes;
}

/* Generations travel in frames as 16 bits, and 0 is not one. */
static inline uint16_t chan_gen16(uint32_t gen)
{
	return (uint16_t)(gen % 65535 + 1);
}

struct chan_config {
	const char *label; /* shown by status commands; NULL = program and pid */
	uint64_t spin_ns;  /* most to spin for an answer before sleeping */
	uint64_t delay_ns; /* injected latency per frame (CXL_SHM_DELAY_NS) */
	struct view *view; /* only channels that it gives a right to (view.h); NULL: any */
};

/* A client's end. Memory is the caller's, aligned for struct chan. */
struct chan {
	struct ring tx; /* requests */
	struct ring rx; /* replies */
	struct seal *seal; /* owned; what tx and rx lead to once they are sealed (secure.h) */
	const struct service_geometry *service; /* in the region: outlives the channel */
	struct chan_shm *shm;
	struct ident self;
	struct spin spin;
	uint64_t next_id;
	uint64_t delay;
	uint64_t slept;  /* times it went to sleep, and rang the server's bell */
	uint64_t rung;
	uint64_t waited; /* ticks in the last chan_await() */
	uint64_t full_since; /* ticks; 0: the server made room the last time */
	uint32_t index;
	uint32_t gen;
	int bell_fd;      /* server's eventfd when it sleeps in an event loop, or -1 */
	bool server_here; /* same kernel: futexes work */
	bool away;        /* ring other processors than this: we go on meanwhile */
	bool rang;        /* the server was asleep when the last request went out */
	bool beside;      /* and its thread there runs on this processor, when we let it */
	bool in_vain;     /* the last time asleep brought nothing */
};

/* What the environment says about the injected latency: CXL_SHM_DELAY_NS, or 0. */
uint64_t chan_delay_from_env(void);

/*
 * chan_attach - claim a free channel of a service and open it.
 *
 *   r        an open region; must outlive the channel
 *   service  "kv" or "ops"
 *
 * Does not wait for the server to notice. Returns 0, -EINVAL (no such service in the
 * region), -EOWNERDEAD (no live server, or one that drains; `e` says how to start one),
 * -EUSERS (every channel has an owner), -EACCES (the view gives no right to any), -EMEDIUMTYPE (the region was formatted anew:
 * open it again).
 */
MUST_CHECK int chan_attach(struct chan *c, const struct region *r, const char *service,
	const struct chan_config *config, struct err_text *e);

/* Give the channel back: the server frees it, replies on their way are dropped. A
 * channel that was never attached (all zero) is left alone. */
void chan_detach(struct chan *c);

/*
 * chan_state - is the channel still ours and served?
 *
 * Returns 0, -EOWNERDEAD when the server was replaced (chan_reopen) or the claim was
 * taken away (attach anew), -EPROTO when the server refuses the channel (detach, attach
 * anew), -EAGAIN when no live server serves it at the moment. Ask it, too, what -EPROTO
 * from ring_claim() means: while the server is replaced, the head goes back to 0.
 */
int chan_state(const struct chan *c);

/* Are its frames sealed? */
static inline bool chan_sealed(const struct chan *c)
{
	return c->tx.seal != NULL;
}

/* After -EOWNERDEAD: was it an administrator who ended this channel? */
static inline bool chan_killed(const struct chan *c)
{
	return shm_load32(&c->shm->killed) == c->gen;
}

/*
 * chan_reopen - after -EOWNERDEAD: go on under the server's new generation, plain again.
 *
 * Requests without a reply are gone and may be sent again when they are pure. Returns
 * 0; -EAGAIN when there is no server yet; -EOWNERDEAD when the channel itself is lost.
 */
MUST_CHECK int chan_reopen(struct chan *c);

/* Wake the server, which sleeps as `how` (bell_heard) says. */
void chan_ring(struct chan *c, uint32_t how);

/* Publish what was committed to c->tx, and ring if the server sleeps. */
static inline void chan_publish(struct chan *c)
{
	uint32_t how;

	ring_show(&c->tx);
	how = bell_heard(&c->service->shm->asleep);
	if (__builtin_expect(how != BELL_AWAKE, 0))
		chan_ring(c, how);
	ring_prepare(&c->tx);
}

/*
 * chan_await - wait for a reply: spin, then sleep once.
 *
 * Returns 0 when a frame waits, -EAGAIN after at most timeout_ms (check for interrupts
 * and deadlines, call again), else what chan_state() says.
 */
MUST_CHECK int chan_await(struct chan *c, uint32_t timeout_ms);

/* Wait a moment for the server to make room in c->tx, a longer one each time in a row that
 * it made none. Returns 0 (claim again; there may
 * be none yet), else what chan_state() says. */
MUST_CHECK int chan_await_room(struct chan *c);

/* Count one heartbeat. Who waits here for a server on another host beats by it. Who is
 * silent for longer than the lease finds the channel reset, and after the quarantine
 * taken away (chan_state); an owner that must not lose replies then beats every second. */
static inline void chan_beat(struct chan *c)
{
	shm_store64(&c->shm->heartbeat, c->shm->heartbeat + 1);
}

#endif
