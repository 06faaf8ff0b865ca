/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ca_command.h - `hedbctl ca ...` (ca.h).
 */
#ifndef CLIENT_CA_COMMAND_H
#define CLIENT_CA_COMMAND_H

/* Words behind "ca". Exit status; 2: not understood, the caller prints the usage. */
int ca_command(int argc, char **argv);

#endif
