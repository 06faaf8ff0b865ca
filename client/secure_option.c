/* SPDX-License-Identifier: BSD-3-Clause */
#include "secure_option.h"

#include <stdlib.h>
#include <string.h>

struct file {
	const char *name, *env;
	const char **to;
};

enum { FILES = 7 };

static void list_files(struct file f[FILES], struct secure_option *o)
{
	f[0] = (struct file){"--cert", "CXL_CERT", &o->files.cert};
	f[1] = (struct file){"--key", "CXL_KEY", &o->files.key};
	f[2] = (struct file){"--ca", "CXL_CA", &o->files.ca};
	f[3] = (struct file){"--crl", "CXL_CRL", &o->files.crl};
	f[4] = (struct file){"--psk", "CXL_PSK", &o->files.psk};
	f[5] = (struct file){"--sec-mgr", "CXL_SEC_MGR", &o->sec_mgr};
	f[6] = (struct file){"--sec-pool", "CXL_SEC_POOL", &o->sec_pool};
}

bool secure_option_take(struct secure_option *o, int argc, char *const argv[], int *i)
{
	struct file f[FILES];
	int k;

	if (strcmp(argv[*i], "--secure") == 0)
		return o->secure = true;
	list_files(f, o);
	for (k = 0; k < FILES; k++)
		if (strcmp(argv[*i], f[k].name) == 0 && *i + 1 < argc) {
			*f[k].to = argv[++*i];
			return true;
		}
	return false;
}

bool secure_option_long(struct secure_option *o, int code, const char *value)
{
	struct file f[FILES];

	if (code < SECURE_OPTION || code > SECURE_OPTION + FILES)
		return false;
	if (code == SECURE_OPTION)
		return o->secure = true;
	list_files(f, o);
	*f[code - SECURE_OPTION - 1].to = value;
	return true;
}

int secure_option_resolve(struct secure_option *o, struct err_text *e)
{
	const char *env = getenv("CXL_SECURE");
	struct file f[FILES];
	bool named = false;
	int k;

	list_files(f, o);
	for (k = 0; k < FILES; k++)
		named |= *f[k].to != NULL;
	if (!o->secure && named) {
		err_set(e, "a certificate, key or manager is for --secure, which is not there");
		return -EINVAL;
	}
	/* Who wrote "yes" meant it: a plain channel would have all of it in clear. */
	if (env && env[0] && strcmp(env, "0") != 0 && strcmp(env, "1") != 0) {
		err_set(e, "CXL_SECURE is 1, or 0, not \"%.40s\"", env);
		return -EINVAL;
	}
	o->secure |= env && strcmp(env, "1") == 0;
	if (!o->secure)
		return 0;
	/* A key that was named is not to lose against a certificate that was not. */
	for (k = 0; k < FILES && !o->files.psk; k++)
		if (!*f[k].to)
			*f[k].to = getenv(f[k].env);
	return 0;
}

int secure_option_load(struct secure_option *o, struct trust **t, struct err_text *e)
{
	int rc = secure_option_resolve(o, e);

	*t = NULL;
	return rc || !o->secure ? rc : watch_load(t, &o->files, o->sec_mgr, o->sec_pool, NULL, e);
}
