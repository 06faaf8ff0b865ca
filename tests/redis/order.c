/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * order.c - two connections of one program: is what it writes to one and then, without
 * waiting, to the other executed in that order? Nobody promises it, Redis's own tests rely
 * on it.
 *
 * usage: order SOCKET ROUNDS [COMMANDS]. COMMANDS, 1 if not given, go to the one before the
 * other is written to. Now and then it pauses, so that the server is met asleep too. Prints
 * how often it was the other way round.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static FILE *dial(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0) {
		perror(path);
		exit(2);
	}
	return fdopen(fd, "r+");
}

static void tell(FILE *f, const char *command)
{
	fseek(f, 0, SEEK_CUR); /* between reading and writing */
	fputs(command, f);
	fflush(f);
}

static void hear(FILE *f, char *line, int len)
{
	fseek(f, 0, SEEK_CUR);
	if (!fgets(line, len, f)) {
		fputs("the connection ended\n", stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[2]) : 0, commands = argc > 3 ? atoi(argv[3]) : 1;
	int i, k, wrong = 0;
	FILE *first, *second;
	char line[64], command[64], wanted[64];

	if (rounds <= 0 || commands <= 0)
		return 2;
	first = dial(argv[1]);
	second = dial(argv[1]);
	for (i = 0; i < rounds; i++) {
		FILE *a = i % 2 ? first : second, *b = i % 2 ? second : first;

		if (i % 7 == 0)
			usleep(300);
		for (k = 0; k < commands; k++) {
			snprintf(command, sizeof command, "HSET order n %d\r\n", i * commands + k);
			tell(a, command);
		}
		tell(b, "HINCRBY order n 0\r\n");
		hear(b, line, sizeof line);
		snprintf(wanted, sizeof wanted, ":%d\r\n", i * commands + commands - 1);
		wrong += strcmp(line, wanted) != 0;
		for (k = 0; k < commands; k++)
			hear(a, line, sizeof line);
	}
	printf("%d\n", wrong);
	return 0;
}
