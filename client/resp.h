/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * resp.h - one complete RESP2 or RESP3 value into a tree. Internal to libcxlring.
 */
#ifndef CLIENT_RESP_H
#define CLIENT_RESP_H

#include "cxlring.h"

/* A reply without children; str is copied when not NULL. NULL: no memory. */
struct cxlring_reply *reply_new(int type, const char *str, size_t len);

/* NULL when the bytes are not exactly one value, nest too deep, or memory is short. */
struct cxlring_reply *resp_parse(const void *p, size_t len);

#endif
