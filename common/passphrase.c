/* SPDX-License-Identifier: BSD-3-Clause */
#include "passphrase.h"

#include <sodium.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* Up to the end, or, of a terminal, to the end of the line. */
static int read_all(int fd, char out[PASSPHRASE_MAX], size_t *len, bool line)
{
	ssize_t n;

	for (*len = 0; *len < PASSPHRASE_MAX; *len += (size_t)n) {
		n = read(fd, out + *len, PASSPHRASE_MAX - *len);
		if (n < 0 && errno == EINTR) {
			n = 0;
			continue;
		}
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		if (line && out[*len + (size_t)n - 1] == '\n') {
			*len += (size_t)n;
			break;
		}
	}
	if (*len == PASSPHRASE_MAX)
		return -EMSGSIZE;
	if (*len && out[*len - 1] == '\n')
		out[--*len] = 0;
	return 0;
}

/* One line that is not shown. ^C takes effect behind it, when the terminal is as before. */
static int ask(int tty, const char *question, char out[PASSPHRASE_MAX], size_t *len)
{
	struct termios was, silent;
	sigset_t all, before;
	int rc;

	if (tcgetattr(tty, &was) != 0)
		return -ENOTTY;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	silent = was;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	tcsetattr(tty, TCSAFLUSH, &silent);
	dprintf(tty, "%s: ", question);
	rc = read_all(tty, out, len, true);
	dprintf(tty, "\n");
	tcsetattr(tty, TCSAFLUSH, &was);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static int from_prompt(
	char out[PASSPHRASE_MAX], size_t *len, const char *what, bool fresh, struct err_text *why)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY), rc;
	char question[PATH_MAX + 32], again[PASSPHRASE_MAX];
	size_t again_len;

	if (tty < 0) {
		err_set(why, "there is no terminal to ask for the passphrase of %s: name where it is, "
			"passphrase:FILE, passphrase:fd:N or passphrase:credential:NAME", what);
		return -ENOTTY;
	}
	snprintf(question, sizeof question, "passphrase of %s", what);
	rc = ask(tty, question, out, len);
	if (rc == 0 && fresh) {
		rc = ask(tty, "once more", again, &again_len);
		if (rc == 0 && (again_len != *len || sodium_memcmp(again, out, *len) != 0)) {
			err_set(why, "the two passphrases differ");
			rc = -EINVAL;
		}
		sodium_memzero(again, sizeof again);
	} else if (rc) {
		err_set(why, "cannot read the passphrase of %s: %s", what, strerror(-rc));
	}
	close(tty);
	return rc;
}

/* `credential`: systemd guards it, by rights that its mode does not show. */
static int from_file(char out[PASSPHRASE_MAX], size_t *len, const char *path, bool credential,
	struct err_text *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0) {
		rc = -errno;
		err_set(why, "cannot read the passphrase in %s: %s", path, strerror(-rc));
	} else if (!credential && (st.st_mode & 077)) {
		rc = -EACCES;
		err_set(why, "the passphrase in %s is open to others (mode %04o): run `chmod 600 %s`",
			path, (unsigned)(st.st_mode & 07777), path);
	} else if ((rc = read_all(fd, out, len, false)) != 0) {
		err_set(why, "cannot read the passphrase in %s: %s", path, strerror(-rc));
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

static int from_credential(
	char out[PASSPHRASE_MAX], size_t *len, const char *name, struct err_text *why)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_MAX];

	if (!dir || strchr(name, '/')) {
		err_set(why, "there is no credential %s: LoadCredential= in a systemd unit makes one",
			name);
		return -ENOENT;
	}
	if (snprintf(path, sizeof path, "%s/%s", dir, name) >= PATH_MAX)
		return -ENAMETOOLONG;
	return from_file(out, len, path, true, why);
}

static int from_fd(char out[PASSPHRASE_MAX], size_t *len, const char *number, struct err_text *why)
{
	char *end;
	long fd = strtol(number, &end, 10);
	int rc = -EINVAL;

	if (*number >= '0' && *number <= '9' && !*end && fd <= INT_MAX)
		rc = read_all((int)fd, out, len, false);
	if (rc)
		err_set(why, "cannot read the passphrase from fd:%s: %s", number, strerror(-rc));
	return rc;
}

int passphrase_read(char out[PASSPHRASE_MAX], size_t *len, const char *from,
	const char *what, bool fresh, struct err_text *why)
{
	int rc;

	sodium_memzero(out, PASSPHRASE_MAX);
	if (strcmp(from, "prompt") == 0)
		rc = from_prompt(out, len, what, fresh, why);
	else if (strncmp(from, "fd:", 3) == 0)
		rc = from_fd(out, len, from + 3, why);
	else if (strncmp(from, "credential:", 11) == 0)
		rc = from_credential(out, len, from + 11, why);
	else
		rc = from_file(out, len, from, false, why);
	if (rc == 0 && *len == 0) {
		err_set(why, "the passphrase is empty");
		rc = -EINVAL;
	} else if (rc == 0 && fresh && *len < PASSPHRASE_NEW_MIN) {
		err_set(why, "the passphrase has %zu bytes: a new one needs %d", *len,
			PASSPHRASE_NEW_MIN);
		rc = -EINVAL;
	}
	if (rc)
		sodium_memzero(out, PASSPHRASE_MAX);
	return rc;
}
