/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kv.h - the wire of service "kv": what a frame between a client and who serves Redis
 * to it means: cxlring.so, or cxl-proxy with a Redis behind it. docs/protocol-kv.md is the specification; this is its list of numbers.
 *
 * The frame's kind is the verb or the reply's type, its id correlates the two. Payload
 * is little-endian and unaligned past the first eight bytes:
 *
 *     request     0 u16 db   2 u16 opt   4 u32 n   8 body
 *     PING        n = bytes of the text to send back (0: PONG)
 *     GET         n = key bytes; body: key
 *     SET         n = key bytes; body: [i64 time, if opt has one] key, value
 *     INCRBY      n = key bytes; body: i64 delta, key
 *     DEL EXISTS  n = keys; body: n times (u32 length, bytes)
 *     CALL        n = arguments, command name first; body: as above
 *     AUTH        n = bytes of the user name (0: default); body: name, password
 *     STREAM      no header: bytes for a connection of its own, one frame at a time; only
 *                 these from the first one on. None: just begin
 *
 *     reply       OK, NIL, PONG: empty · VALUE: bytes · INT: i64 · ERROR: text, without
 *                 "-" and line end, code first · RESP: one complete RESP value · BYTES:
 *                 from the connection, id 0 · END: it was closed, id 0
 *
 * Messages longer than a frame go in parts (message.h).
 */
#ifndef COMMON_KV_H
#define COMMON_KV_H

#include <stdint.h>

#define KV_SERVICE "kv"

enum kv_request {
	KV_PING = 1,
	KV_GET = 2,
	KV_SET = 3,
	KV_DEL = 4,
	KV_EXISTS = 5,
	KV_INCRBY = 6,
	KV_CALL = 7,
	KV_AUTH = 8,
	KV_STREAM = 9,
};

enum kv_reply {
	KV_OK = 64,
	KV_NIL = 65,
	KV_PONG = 66,
	KV_VALUE = 67,
	KV_INT = 68,
	KV_ERROR = 69,
	KV_RESP = 70,
	KV_BYTES = 71,
	KV_END = 72,
};

/* opt of SET: at most one of KEEPTTL and the four of KV_SET_TIME, not NX with XX. */
enum kv_set_opt {
	KV_SET_NX = 1,
	KV_SET_XX = 2,
	KV_SET_GET = 4,
	KV_SET_KEEPTTL = 8,
	KV_SET_EX = 16,
	KV_SET_PX = 32,
	KV_SET_EXAT = 64,
	KV_SET_PXAT = 128,
	KV_SET_TIME = KV_SET_EX | KV_SET_PX | KV_SET_EXAT | KV_SET_PXAT,
	KV_SET_ALL = 255,
};

enum kv_call_opt {
	KV_CALL_RESP3 = 1, /* answer in RESP3 */
};

enum { KV_HEADER = 8 };

struct kv_header {
	uint16_t db;
	uint16_t opt;
	uint32_t n;
};

_Static_assert(sizeof(struct kv_header) == KV_HEADER, "kv header");

#endif
