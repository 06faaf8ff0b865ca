/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * audit_command.h - `hedbctl audit ...`: the log that ops_server writes (audit.h), read by somebody else.
 */
#ifndef CLIENT_AUDIT_COMMAND_H
#define CLIENT_AUDIT_COMMAND_H

#define AUDIT_COMMAND_HELP \
	"  hedbctl audit keygen FILE                     new key pair of an audit log: FILE, FILE.pub\n" \
	"  hedbctl audit verify DIR --key FILE.pub [--head NUMBER:HASH]   is all of it there, and\n" \
	"                                                unchanged? HEAD: as ops_server said once\n"

/* Words behind "audit". Exit status; 2: not understood, the caller prints the usage. */
int audit_command(int argc, char **argv);

#endif
