/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * policy_command.h - `hedbctl policy ...`: the data owner's side of policy.h.
 */
#ifndef CLIENT_POLICY_COMMAND_H
#define CLIENT_POLICY_COMMAND_H

#define POLICY_COMMAND_HELP \
	"  hedbctl policy keygen FILE                    new key pair: FILE, and FILE.pub\n" \
	"  hedbctl policy check POLICY                   is it one? what does it say?\n" \
	"  hedbctl policy sign POLICY --key FILE         the owner's signature: POLICY.sig\n" \
	"  hedbctl policy prove TEXT --key FILE          signature of what hedb_challenge() gave\n" \
	"  hedbctl policy show POLICY --key FILE.pub     what it says, if the signature is good\n"

/* Words behind "policy". Exit status; 2: not understood, the caller prints the usage. */
int policy_command(int argc, char **argv);

#endif
