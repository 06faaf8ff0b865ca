/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_copy.c - how many bytes a second go through shared memory at most: one process
 * writes pieces of `size` bytes into it, another copies them out. The measure for what
 * values of that size reach over a ring (bench_size.sh).
 *
 *     bench_copy SIZE TOTAL     one JSON line; the pieces lie in TOTAL bytes of source
 *
 * Up to 256 KiB are under way, and four pieces at least, each with a word that says whose it
 * is; both sides spin. Each piece ends with its number, which is checked.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "barrier.h"
#include "clock.h"

enum { SLOTS_MIN = 4, UNDER_WAY = 256 << 10, YIELD_AFTER = 2000 };
static const double seconds = 0.5;

struct slot {
	uint64_t full; /* the number of the piece in it + 1, or 0 */
} LINE_PAIR_ALIGNED;

static void wait_until(const uint64_t *word, uint64_t v)
{
	unsigned n = 0;

	while (shm_load_acquire64(word) != v)
		if (++n % YIELD_AFTER)
			cpu_relax();
		else
			sched_yield();
}

static void write_pieces(
	struct slot *slot, size_t slots, char *at, size_t size, size_t total)
{
	char *source = malloc(total);
	uint64_t i, pieces = total / size;

	memset(source, 'x', total);
	for (i = 0;; i++) {
		struct slot *s = &slot[i % slots];
		char *to = at + i % slots * size;

		wait_until(&s->full, 0);
		memcpy(to, source + i % pieces * size, size - sizeof i);
		memcpy(to + size - sizeof i, &i, sizeof i);
		shm_store_release64(&s->full, i + 1);
	}
}

int main(int argc, char **argv)
{
	size_t size = argc > 1 ? strtoul(argv[1], NULL, 10) : 65536;
	size_t total = argc > 2 ? strtoul(argv[2], NULL, 10) : 8 << 20;
	size_t slots = UNDER_WAY / (size ? size : 1);
	struct slot *slot;
	char *at, *out = malloc(size);
	uint64_t i, n, t0, end;
	pid_t writer;

	if (size < 64 || total < size || !out)
		return fprintf(stderr, "bench_copy: size of 64 or more, total of a size or more\n"), 2;
	slots = slots > SLOTS_MIN ? slots : SLOTS_MIN;
	slot = mmap(NULL, slots * (sizeof *slot + size), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (slot == MAP_FAILED)
		return perror("bench_copy"), 1;
	at = (char *)(slot + slots);
	clock_from_ns(1);
	writer = fork();
	if (writer == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		write_pieces(slot, slots, at, size, total);
	}
	for (i = 0, t0 = 0, end = 0; !end || (int64_t)(clock_ticks() - end) < 0; i++) {
		struct slot *s = &slot[i % slots];

		wait_until(&s->full, i + 1);
		memcpy(out, at + i % slots * size, size);
		shm_store_release64(&s->full, 0);
		memcpy(&n, out + size - sizeof n, sizeof n);
		if (n != i) {
			fprintf(stderr, "bench_copy: piece %llu instead of %llu\n", (unsigned long long)n,
				(unsigned long long)i);
			kill(writer, SIGKILL);
			return 1;
		}
		if (i == 16) { /* warm */
			t0 = clock_ticks();
			end = t0 + (uint64_t)((double)clock_from_ns(1000000000) * seconds);
		}
	}
	n = clock_to_ns(clock_ticks() - t0);
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	printf("{\"size\":%zu,\"mb_s\":%.1f}\n", size, (double)(i - 17) * (double)size * 1e3 / (double)n);
	return 0;
}
