/*
 * lane.pml - the sleep and wake handshake of common/lane.h and ops-server's worker.c,
 * under total store order.
 *
 * Two threads of a server, each with a lane; one client, which publishes FRAMES frames and
 * waits for each to be taken. It rings nobody while somebody is said to poll, else lane 0
 * first. Thread 0 starts by polling; it stops whenever it likes, and may start on something
 * long that ends only when all is over. Thread 1 starts asleep.
 *
 * There are no time-outs here, so a lost wake-up is an invalid end state.
 *
 *     -DNO_W1     no fence between a thread's sleep word and its last look   must fail
 *     -DNO_W2     no fence between the client's frame and its look at words  must fail
 *     -DNO_L1     none between saying "something long" and the look          must fail
 *     -DBLIND     no look after it                                           must fail
 *     -DNO_L2     who rings stores, instead of comparing and swapping       must fail
 *     -DEARLY     the poller says that it stops after its last look          must fail
 */
#ifndef FRAMES
#define FRAMES 2
#endif

#define AWAKE 0
#define FUTEX 1
#define LANES 3
#define BUSY 4

/* Addresses: the service's word, the lanes', the number of frames published. */
#define ASLEEP 0
#define LANE 1
#define FRAME 3
#define WORDS 4

/* Processors: the threads', then the client's. */
#define CLIENT 2
#define CPUS 3
#include "tso.h"

bool slept[2]; /* in the kernel's queue of that lane */
byte got;      /* frames taken */

inline futex_wait(k) {
	fence(k);
	atomic {
		if
		:: mem[LANE + k] == FUTEX -> slept[k] = true
		:: else
		fi
	};
	(!slept[k] || got == FRAMES)
}

/* lane_wake: compare and swap (a fence), then the kernel. */
inline wake(by, ln) {
#ifdef NO_L2
	store(by, LANE + ln, AWAKE);
	fence(by);
	slept[ln] = false
#else
	atomic {
		fence(by);
		if
		:: mem[LANE + ln] == FUTEX -> mem[LANE + ln] = AWAKE; how = AWAKE
		:: else -> how = mem[LANE + ln]
		fi
	};
	if
	:: how == AWAKE -> slept[ln] = false
	:: else
	fi
#endif
}

inline look(k) {
	load(k, FRAME, seen);
	d_step {
		none = seen <= got;
		if
		:: seen > got -> got = seen
		:: else
		fi;
		seen = 0
	}
}

/* bell_set, a last look, bell_sleep, bell_clear */
inline rest(k) {
	store(k, LANE + k, FUTEX);
#ifndef NO_W1
	fence(k);
#endif
	look(k);
	if
	:: none && got < FRAMES -> futex_wait(k)
	:: else
	fi;
	store(k, LANE + k, AWAKE)
}

/* Something long: say so, look, wake another for what is there. */
inline be_busy(k) {
	store(k, LANE + k, BUSY);
#ifndef NO_L1
	fence(k);
#endif
#ifndef BLIND
	load(k, FRAME, seen);
	if
	:: seen > got ->
		load(k, LANE + 1 - k, how);
		if
		:: how == FUTEX -> wake(k, 1 - k)
		:: else
		fi
	:: else
	fi;
	seen = 0;
	how = 0;
#endif
	got == FRAMES
}

proctype thread(byte k) {
	bool none, polls;
	byte seen, how;

	polls = k == 0;
	do
	:: got == FRAMES -> break
	:: else ->
		look(k);
		if
		:: !none -> skip
		:: none && polls -> skip /* on */
		:: none && polls -> /* poll_end, then rest */
			polls = false;
#ifdef EARLY
			rest(k);
			store(k, ASLEEP, LANES)
#else
			store(k, ASLEEP, LANES);
			rest(k)
#endif
		:: none && k == 0 -> /* poll_end, then be_busy */
			polls = false;
			store(k, ASLEEP, LANES);
			be_busy(k)
		:: none && !polls -> rest(k)
		fi
	od
}

proctype client() {
	byte i, how;

	i = 1;
	do
	:: i <= FRAMES ->
		store(CLIENT, FRAME, i);
#ifndef NO_W2
		fence(CLIENT);
#endif
		load(CLIENT, ASLEEP, how);
		if
		:: how == LANES -> /* lane_ring */
			load(CLIENT, LANE + 0, how);
			if
			:: how == FUTEX -> wake(CLIENT, 0)
			:: else
			fi;
			if
			:: how != BUSY -> skip
			:: how == BUSY ->
				load(CLIENT, LANE + 1, how);
				if
				:: how == FUTEX -> wake(CLIENT, 1)
				:: else
				fi
			fi
		:: else
		fi;
		got >= i;
		i++
	:: i > FRAMES -> break
	od
}

init {
	atomic {
		mem[LANE + 1] = FUTEX;
		slept[1] = true;
		run thread(0);
		run thread(1);
		run client();
		run drain(0);
		run drain(1);
		run drain(CLIENT)
	}
}
