/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reclaim.pml - who owns a channel: claim, open, close, reap, take-over (channel.h,
 * service.h), for one channel, two clients and a line of servers.
 *
 * A client may die between any two of its steps; that it may be paused there is what
 * interleaving means. A server may die between any two of its steps and is replaced.
 * Death is judged by pid, so it is judged rightly; owners on other hosts go by time,
 * which is not modelled. Steps are sequentially consistent: C1, G1 and O1 order stores
 * of one side, which is what each step's being one store already says.
 *
 * Checked:
 *   - never two clients that hold the channel, from the claim to having let go;
 *   - the rings of one generation are written by one client only, opened or not;
 *   - the server consumes only from a generation that its owner has prepared;
 *   - in the end, with all clients done or dead and a server alive, the channel is free
 *     and can be claimed again. One exception is known: a server that dies between
 *     moving the generation on and storing claim = 0, for an owner that has let go but
 *     lives; the channel is then lost until that process ends.
 *
 *     -DBAD_TAKE   the successor frees without looking whether the owner lives  must fail
 *     -DBAD_REAP   the server reaps an owner that is not dead                   must fail
 *     -DBAD_ORDER  claim = 0 before the generation moves on                     must fail
 *     -DNO_D1      any `closing` counts, also the last owner's                  must fail
 *     -DEXACT      `closing` counts under the server's generation only          must fail
 *     -DTWICE      as EXACT; the owner stores it again when that has moved on   must fail
 */
#define CLIENTS 2
#ifndef SERVERS
#define SERVERS 2
#endif
#ifndef ROUNDS
#define ROUNDS 2 /* attachments of each client */
#endif
#define GENS 16

/* The control block. */
byte gen;
byte claim; /* 0 or a client */
byte open;
byte closing;
byte freed_at;

/* The service block. */
byte lease;
bool serving;

/* What /proc knows. */
bool dead[CLIENTS + 1];
bool server_dead[SERVERS + 1];

/* What only the checks know. */
bool holding[CLIENTS + 1];
byte prepared[GENS]; /* who prepared this generation's rings */
byte ended;
bool lost_window; /* a server died between its last two stores of freeing */

#if defined(NO_D1)
#define LET_GO (closing != 0)
#elif defined(EXACT) || defined(TWICE)
#define LET_GO (closing != 0 && closing == gen)
#else
#define LET_GO (closing != 0 && closing >= freed_at)
#endif

inline check_holders() {
	assert(!(holding[1] && holding[2]))
}

inline write_rings(c, g) {
	atomic {
		assert(prepared[g] == 0 || prepared[g] == c);
		prepared[g] = c;
		check_holders()
	}
}

/* A client's step may be its last one. */
#define OR_DIE :: true -> goto die

proctype client(byte c) {
	byte round, mine, g;

	do
	:: round < ROUNDS ->
		/* chan_attach; the server that it saw may be dead by now */
		if
		:: serving
		:: goto done /* gives up */
		fi;
		atomic {
			if
			:: claim == 0 ->
				claim = c; /* C1 */
				holding[c] = true;
				check_holders()
			:: goto done /* gives up */
			fi
		}
again:		if
		:: mine = gen /* G1 */
		OR_DIE
		fi;
		if
		:: write_rings(c, mine) /* ring_produce */
		OR_DIE
		fi;
		if
		:: open = mine /* O1 */
		OR_DIE
		fi;
use:		if
		:: write_rings(c, mine); /* a frame, checked beforehand or not */
			if
			:: claim == c && gen != mine -> goto again /* chan_reopen */
			:: claim == c -> goto let_go
			:: claim != c -> assert(false) /* a live owner lost its channel */
			fi
		:: goto let_go
		OR_DIE
		fi;
let_go:		/* chan_detach */
#ifdef TWICE
		do
		:: g = gen;
			if
			:: atomic {
				closing = g;
				holding[c] = false
			   }
			OR_DIE
			fi;
			if
			:: gen == g -> break
			:: gen != g
			fi
		od;
#else
		if
		:: atomic {
			closing = mine; /* the last store into this channel */
			holding[c] = false
		   }
		OR_DIE
		fi;
#endif
	round++
	:: round >= ROUNDS -> break
	od;
done:	ended++;
	goto out;
die:	atomic {
		dead[c] = true;
		holding[c] = false;
		ended++
	}
out:	skip
}

#define MAY_DIE :: s < SERVERS -> goto die

/* reset_channel: the generation moves on; `left`: and the channel is given away. */
inline reset(left) {
	sopen = false;
	cgen++;
	assert(cgen < GENS);
	freed = left;
#ifdef BAD_ORDER
	if
	:: freed -> claim = 0
	:: else
	fi;
#endif
	if
	:: gen = cgen /* G1 */
	MAY_DIE
	fi;
#ifndef BAD_ORDER
	if
	:: freed ->
		if
		:: freed_at = cgen /* D1 */
		MAY_DIE
		fi;
		if
		:: claim = 0 /* C1 */
		:: s < SERVERS -> lost_window = true; goto die
		fi
	:: else
	fi
#endif
}

proctype server(byte s) {
	byte cgen, owner;
	bool sopen, left, freed;

	/* service_take: the one before is dead */
	atomic {
		(lease == 0 || server_dead[lease]) && (s == 1 || server_dead[s - 1]);
		lease = s
	};
	serving = false;
	cgen = gen;
	owner = claim;
#ifdef BAD_TAKE
	left = owner != 0;
#else
	left = owner != 0 && (LET_GO || dead[owner]);
#endif
	reset(left);
	serving = true; /* service_ready */
end:	do
	:: claim != 0 && LET_GO ->
		reset(true)
	:: claim != 0 && !sopen && open == cgen -> /* O1 */
		atomic {
			sopen = true;
			assert(prepared[cgen] == claim)
		}
#ifdef BAD_REAP
	:: claim != 0 && sopen ->
#else
	:: claim != 0 && dead[claim] ->
#endif
		reset(true)
	:: s < SERVERS -> goto die
	od;
die:	server_dead[s] = true
}

/* When nothing moves any more. */
proctype referee() {
end:	timeout;
	assert(ended < CLIENTS || claim == 0 || lost_window);
	assert(!server_dead[SERVERS])
}

init {
	byte s;

	atomic {
		run client(1);
		run client(2);
		s = 1;
		do
		:: s <= SERVERS -> run server(s); s++
		:: s > SERVERS -> break
		od;
		run referee()
	}
}
