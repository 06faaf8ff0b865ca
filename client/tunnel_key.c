/* SPDX-License-Identifier: BSD-3-Clause */
#include "tunnel_key.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "file.h"

static const char secret_word[] = "secret:", public_word[] = "public:";

enum {
	VARIANT = sodium_base64_VARIANT_URLSAFE_NO_PADDING,
	WORD_BYTES = sizeof secret_word - 1,
	DIGITS = sodium_base64_ENCODED_LEN(NOISE_KEY_BYTES, VARIANT) - 1,
	TEXT_BYTES = WORD_BYTES + DIGITS,
};

_Static_assert(sizeof secret_word == sizeof public_word, "one length");
_Static_assert(TEXT_BYTES + 2 <= TUNNEL_KEY_TEXT, "with a newline and a zero");

static int fail(struct err_text *e, int rc, const char *path)
{
	err_set(e, "%s: %s", path, strerror(-rc));
	return rc;
}

static void encode(char text[TUNNEL_KEY_TEXT], const char *word, const uint8_t *key)
{
	memcpy(text, word, WORD_BYTES);
	sodium_bin2base64(text + WORD_BYTES, DIGITS + 1, key, NOISE_KEY_BYTES, VARIANT);
}

/* `text` begins with the word and a key? */
static bool decode(uint8_t key[NOISE_KEY_BYTES], const char *word, const char *text)
{
	size_t n;

	return strlen(text) >= TEXT_BYTES && memcmp(text, word, WORD_BYTES) == 0 &&
		   sodium_base642bin(key, NOISE_KEY_BYTES, text + WORD_BYTES, DIGITS, NULL, &n,
			   NULL, VARIANT) == 0 &&
		   n == NOISE_KEY_BYTES;
}

void tunnel_public_text(char text[TUNNEL_KEY_TEXT], const uint8_t key[NOISE_KEY_BYTES])
{
	encode(text, public_word, key);
}

/* ---- secret keys ---- */

int tunnel_key_create(const char *path, char text[TUNNEL_KEY_TEXT], struct err_text *e)
{
	char line[TUNNEL_KEY_TEXT];
	struct noise_pair p;
	int rc;

	noise_draw_pair(&p);
	encode(line, secret_word, p.secret);
	strcat(line, "\n");
	rc = file_create(path, 0600, line, TEXT_BYTES + 1, e);
	tunnel_public_text(text, p.public);
	sodium_memzero(line, sizeof line);
	sodium_memzero(&p, sizeof p);
	return rc;
}

/* The file's one line. */
static int read_secret(char line[TUNNEL_KEY_TEXT], const char *path, struct err_text *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0) {
		n = -errno;
		if (fd >= 0)
			close(fd);
		return fail(e, (int)n, path);
	}
	n = read(fd, line, TUNNEL_KEY_TEXT - 1);
	close(fd);
	if (n < 0)
		return fail(e, -errno, path);
	line[n] = 0;
	if ((st.st_mode & 077) == 0)
		return 0;
	err_set(e, "%s is open to others (mode %04o): run `chmod 600 %s`", path,
		(unsigned)(st.st_mode & 07777), path);
	return -EACCES;
}

int tunnel_key_load(struct noise_pair **out, const char *path, struct err_text *e)
{
	char line[TUNNEL_KEY_TEXT];
	struct noise_pair *p = sodium_malloc(sizeof *p);
	int rc = p ? read_secret(line, path, e) : fail(e, -ENOMEM, path);

	if (rc == 0 && (!decode(p->secret, secret_word, line) ||
					   strcspn(line, "\r\n") != TEXT_BYTES)) {
		err_set(e, "%s is no secret key: make one with `cxl-tunnel keygen %s`", path, path);
		rc = -EMEDIUMTYPE;
	}
	sodium_memzero(line, sizeof line);
	if (rc) {
		sodium_free(p);
		return rc;
	}
	crypto_scalarmult_base(p->public, p->secret);
	sodium_mprotect_readonly(p);
	*out = p;
	return 0;
}

/* ---- public keys ---- */

int tunnel_peers_add(struct tunnel_peers *p, const char *line, struct err_text *e)
{
	struct tunnel_peer *at = &p->peer[p->n];
	const char *name;

	line += strspn(line, " \t");
	if (p->n == TUNNEL_PEERS_MAX) {
		err_set(e, "more than %d public keys", TUNNEL_PEERS_MAX);
		return -EMSGSIZE;
	}
	if (strncmp(line, secret_word, WORD_BYTES) == 0) {
		err_set(e, "that is a secret key: keep it to yourself, and give the public one");
		return -EINVAL;
	}
	if (!decode(at->key, public_word, line) || !strchr(" \t\r\n#", line[TEXT_BYTES])) {
		err_set(e, "no public key: they look like public:... and %d characters", DIGITS);
		return -EINVAL;
	}
	name = line + TEXT_BYTES;
	name += strspn(name, " \t");
	snprintf(at->name, sizeof at->name, "%.*s", (int)strcspn(name, "\r\n#"), name);
	if (!at->name[0])
		snprintf(at->name, sizeof at->name, "%.15s...", line);
	p->n++;
	return 0;
}

int tunnel_peers_read(struct tunnel_peers *p, const char *path, struct err_text *e)
{
	FILE *f = fopen(path, "re");
	struct err_text why;
	char line[256];
	int number, rc = 0;

	if (!f)
		return fail(e, -errno, path);
	for (number = 1; rc == 0 && fgets(line, sizeof line, f); number++)
		if (strlen(line) == sizeof line - 1 && !strchr(line, '\n')) {
			/* or its end would be a line, with a key that a comment named */
			err_set(e, "%s, line %d: longer than %zu bytes", path, number, sizeof line - 2);
			rc = -EINVAL;
		} else if (line[strspn(line, " \t")] && !strchr("#\r\n", line[strspn(line, " \t")])) {
			rc = tunnel_peers_add(p, line, &why);
			if (rc)
				err_set(e, "%s, line %d: %s", path, number, why.s);
		}
	fclose(f);
	return rc;
}

const struct tunnel_peer *tunnel_peers_find(
	const struct tunnel_peers *p, const uint8_t key[NOISE_KEY_BYTES])
{
	const struct tunnel_peer *found = NULL;
	size_t i;

	for (i = 0; i < p->n; i++)
		if (sodium_memcmp(p->peer[i].key, key, NOISE_KEY_BYTES) == 0)
			found = &p->peer[i];
	return found;
}
