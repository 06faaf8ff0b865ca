/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * key_command.h - `hedbctl key ...`: key files (keyfile.h) and client credentials.
 */
#ifndef CLIENT_KEY_COMMAND_H
#define CLIENT_KEY_COMMAND_H

/* Words behind "key". Exit status; 2: not understood, the caller prints the usage. */
int key_command(int argc, char **argv);

#endif
