/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tunnel_key.h - keys of cxl-tunnel, as files and as words.
 *
 * A secret key is a file of one line, "secret:" and 43 characters of URL-safe base64, which
 * nobody but its owner may read. A public key is one word, "public:" and 43 characters, so
 * that neither is taken for the other. A file of public keys has one a line; what comes after
 * it on the line names it in messages, `#` begins a comment.
 */
#ifndef CLIENT_TUNNEL_KEY_H
#define CLIENT_TUNNEL_KEY_H

#include "noise.h"

enum { TUNNEL_KEY_TEXT = 64, TUNNEL_PEERS_MAX = 256, TUNNEL_NAME_MAX = 40 };

/* A public key that is let in. */
struct tunnel_peer {
	uint8_t key[NOISE_KEY_BYTES];
	char name[TUNNEL_NAME_MAX];
};

struct tunnel_peers {
	struct tunnel_peer peer[TUNNEL_PEERS_MAX];
	size_t n;
};

/* Draw a pair and write it to a new file, mode 0600; its public key's word into `text`.
 * Returns 0, -EEXIST or the kernel's errno, with the reason in `e`. */
MUST_CHECK int tunnel_key_create(
	const char *path, char text[TUNNEL_KEY_TEXT], struct err_text *e);

/* Read a pair. *out is in locked memory; sodium_free() it. Returns 0, -EACCES when others can
 * read the file, -EMEDIUMTYPE when it is no secret key, or the kernel's errno. */
MUST_CHECK int tunnel_key_load(
	struct noise_pair **out, const char *path, struct err_text *e);

void tunnel_public_text(char text[TUNNEL_KEY_TEXT], const uint8_t key[NOISE_KEY_BYTES]);

/* One more that is let in: a word and perhaps a name; a file of them. Return 0, -EINVAL,
 * -EMSGSIZE when there are too many, or the kernel's errno. */
MUST_CHECK int tunnel_peers_add(
	struct tunnel_peers *p, const char *line, struct err_text *e);
MUST_CHECK int tunnel_peers_read(
	struct tunnel_peers *p, const char *path, struct err_text *e);

/* Who has this key; NULL: nobody that is let in. Looks at all of them, always. */
const struct tunnel_peer *tunnel_peers_find(
	const struct tunnel_peers *p, const uint8_t key[NOISE_KEY_BYTES]);

#endif
