/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bell.pml - the sleep and wake handshake of common/wait.h under total store order.
 *
 * One sleeper, WAKERS wakers that publish FRAMES frames each into a ring of their own
 * (as a service sleeps on all its channels). Processor 0 is the sleeper's. Entering the
 * kernel for a futex takes a lock and so is a fence as well.
 *
 * There are no time-outs here, so a lost wake-up is a state that nothing leads out of,
 * which spin reports as an invalid end state.
 *
 *     -DNO_W1       the sleeper's fence is left out      must fail
 *     -DNO_W2       the waker's fence is left out        must fail
 *     -DWAKE_FIRST  the waker wakes, then clears         must fail
 */
#ifndef WAKERS
#define WAKERS 1
#endif
#ifndef FRAMES
#define FRAMES 2
#endif
#define AWAKE 0
#define FUTEX 1

/* Addresses: 0 the bell word, w the number of frames that waker w has published. */
#define BELL 0

#define WORDS (WAKERS + 1)
#define CPUS (WAKERS + 1)
#include "tso.h"

bool asleep;           /* in the kernel's queue */

/* FUTEX_WAIT compares and sleeps at once, under the kernel's lock. */
inline futex_wait() {
	fence(0);
	atomic {
		if
		:: mem[BELL] == FUTEX -> asleep = true
		:: else
		fi
	};
	!asleep
}

inline futex_wake(cpu) {
	atomic {
		fence(cpu);
		asleep = false
	}
}

byte got[WAKERS + 1];

/* Take what is there; `none` when there was nothing. */
inline look() {
	byte w, seen;

	none = true;
	w = 1;
	do
	:: w <= WAKERS ->
		load(0, w, seen);
		if
		:: seen > got[w] -> got[w] = seen; none = false
		:: else
		fi;
		w++
	:: w > WAKERS -> break
	od;
	w = 0;
	seen = 0
}

inline all_taken(res) {
	byte k;

	d_step {
		res = true;
		k = 1;
		do
		:: k <= WAKERS -> res = res && got[k] == FRAMES; k++
		:: k > WAKERS -> break
		od;
		k = 0
	}
}

proctype sleeper() {
	bool none, all;

	do
	:: look();
		all_taken(all);
		if
		:: all -> break
		:: !all && !none -> skip
		:: !all && none ->
			store(0, BELL, FUTEX); /* bell_set */
#ifndef NO_W1
			fence(0);
#endif
			look(); /* once more */
			all_taken(all);
			if
			:: none && !all -> futex_wait()
			:: else
			fi;
			store(0, BELL, AWAKE) /* bell_clear */
		fi
	od
}

proctype waker(byte p) {
	byte i, how;

	i = 1;
	do
	:: i <= FRAMES ->
		store(p, p, i); /* ring_publish */
#ifndef NO_W2
		fence(p);
#endif
		load(p, BELL, how);
		if
		:: how != AWAKE ->
#ifdef WAKE_FIRST
			futex_wake(p);
			store(p, BELL, AWAKE)
#else
			store(p, BELL, AWAKE); /* bell_wake */
			futex_wake(p)
#endif
		:: else
		fi;
		i++
	:: i > FRAMES -> break
	od
}

init {
	byte p;

	atomic {
		run sleeper();
		run drain(0);
		p = 1;
		do
		:: p <= WAKERS -> run waker(p); run drain(p); p++
		:: p > WAKERS -> break
		od
	}
}
