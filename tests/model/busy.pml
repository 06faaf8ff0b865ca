/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * busy.pml - the channel's word `busy` (common/channel.h) under total store order: whom a
 * client need not ring, and who rings the client when there is room.
 *
 * One thread of a server, one client whose ring holds a single frame. The thread says that
 * it is busy while it serves, and gives the room back before it takes that back. The client
 * rings nobody who is busy, neither for a frame nor for room.
 *
 * There are no time-outs here, so a lost wake-up is an invalid end state.
 *
 *     -DNO_W1   no fence between a sleep word and the last look           must fail
 *     -DNO_W2   no fence between a frame and the look at `busy`           must fail
 *     -DNO_R    no fence between room and the look at the client's word   must fail
 *     -DLATE    `busy` is taken back after the thread's last look         must fail
 */
#ifndef FRAMES
#define FRAMES 2
#endif

#define AWAKE 0
#define FUTEX 1

/* Addresses: busy, the thread's lane, frames published, frames given back, client's bell. */
#define BUSY 0
#define LANE 1
#define FRAME 2
#define ROOM 3
#define BELL 4
#define WORDS 5

#define SERVER 0
#define CLIENT 1
#define CPUS 2
#include "tso.h"

bool slept[CPUS];
byte got;

inline futex_wait(cpu, word) {
	fence(cpu);
	atomic {
		if
		:: mem[word] == FUTEX -> slept[cpu] = true
		:: else
		fi
	};
	!slept[cpu]
}

inline futex_wake(by, word, whom) {
	store(by, word, AWAKE);
	atomic {
		fence(by);
		slept[whom] = false
	}
}

proctype server() {
	byte seen, how;

	do
	:: got == FRAMES -> break
	:: else ->
		load(SERVER, FRAME, seen);
		if
		:: seen > got ->
			store(SERVER, BUSY, 1);
			got = seen;
			store(SERVER, ROOM, got);
#ifndef LATE
			store(SERVER, BUSY, 0);
#endif
#ifndef NO_R
			fence(SERVER);
#endif
			load(SERVER, BELL, how);
			if
			:: how == FUTEX -> futex_wake(SERVER, BELL, CLIENT)
			:: else
			fi
		:: else -> /* rest */
			store(SERVER, LANE, FUTEX);
#ifndef NO_W1
			fence(SERVER);
#endif
			load(SERVER, FRAME, seen);
#ifdef LATE
			store(SERVER, BUSY, 0);
#endif
			if
			:: seen == got -> futex_wait(SERVER, LANE)
			:: else
			fi;
			store(SERVER, LANE, AWAKE)
		fi;
		seen = 0;
		how = 0
	od
}

inline ring() {
	load(CLIENT, LANE, how);
	if
	:: how == FUTEX -> futex_wake(CLIENT, LANE, SERVER)
	:: else
	fi
}

/* Until the frames published before number i are out of the ring. */
inline await_room() {
	do
	:: load(CLIENT, ROOM, seen);
		if
		:: seen == i - 1 -> break
		:: else
		fi;
		load(CLIENT, BUSY, how);
		if
		:: how ->
			store(CLIENT, BELL, FUTEX);
#ifndef NO_W1
			fence(CLIENT);
#endif
			load(CLIENT, ROOM, seen);
			if
			:: seen != i - 1 -> futex_wait(CLIENT, BELL)
			:: else
			fi;
			store(CLIENT, BELL, AWAKE)
		:: else -> /* it polls, in the end */
			ring();
			mem[ROOM] == i - 1
		fi
	od
}

proctype client() {
	byte i, seen, how;

	i = 1;
	do
	:: i <= FRAMES ->
		await_room();
		store(CLIENT, FRAME, i);
#ifndef NO_W2
		fence(CLIENT);
#endif
		load(CLIENT, BUSY, how);
		if
		:: how == 0 -> ring()
		:: else
		fi;
		i++
	:: i > FRAMES -> break
	od;
	got == FRAMES
}

init {
	atomic {
		run server();
		run client();
		run drain(SERVER);
		run drain(CLIENT)
	}
}
