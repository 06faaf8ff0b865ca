/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * acl_command.h - `hedbctl acl ...`: the manager's table (docs/manager.md), by TLS.
 */
#ifndef CLIENT_ACL_COMMAND_H
#define CLIENT_ACL_COMMAND_H

#define ACL_COMMAND_HELP                                                                       \
	"  hedbctl acl node add NAME CERT.pem|FINGERPRINT    the manager's table: nodes, ...\n"    \
	"  hedbctl acl range add NAME [--service S] [--channels A-B] [--from N] [--to N]\n"        \
	"            [--pool P]                              ... parts of the memory, ...\n"       \
	"  hedbctl acl grant NODE RANGE read|write           ... and rights\n"                     \
	"  hedbctl acl revoke NODE [RANGE]\n"                                                      \
	"  hedbctl acl rotate RANGE                          another key\n"                        \
	"  hedbctl acl node drop NAME, acl range drop NAME\n"                                      \
	"  hedbctl acl list | status | view                  table; who has it; what we may\n"

/* Words behind "acl". Exit status; 2: not understood, the caller prints the usage. */
int acl_command(int argc, char **argv);

#endif
