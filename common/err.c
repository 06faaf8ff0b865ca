/* SPDX-License-Identifier: BSD-3-Clause */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void err_set(struct err_text *e, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return;
	va_start(ap, fmt);
	vsnprintf(e->s, sizeof e->s, fmt, ap);
	va_end(ap);
}

const char *err_name(int rc)
{
	switch (-rc) {
	case 0:
		return "success";
	case EAGAIN:
		return "nothing there yet";
	case EMSGSIZE:
		return "message too long";
	case EPROTO:
		return "the peer broke the protocol";
	case EOWNERDEAD:
		return "the channel belongs to an older generation";
	case EBUSY:
		return "another live server holds the service";
	case EUSERS:
		return "every channel is taken";
	case ETIMEDOUT:
		return "no answer in time";
	case EBADMSG:
		return "authentication of the value failed";
	case ENOKEY:
		return "no such key in the keyring";
	case EKEYREVOKED:
		return "the key was destroyed";
	case EKEYREJECTED:
		return "the keyring is sealed under another key";
	case ESTALE:
		return "the server does not have that value";
	case EACCES:
		return "not allowed for this role";
	case EMEDIUMTYPE:
		return "not a region of this format";
	case EFBIG:
		return "the mapping is too small";
	default:
		return strerror(-rc);
	}
}
