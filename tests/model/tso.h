/*
 * tso.h - total store order: every processor has a store buffer of DEPTH entries in front
 * of memory. A store goes into the buffer, a load sees its own buffer first, a processor
 * of its own (drain) moves entries to memory whenever it likes, a full fence waits until
 * the buffer is empty.
 *
 * The model defines WORDS of memory and CPUS.
 */
#define DEPTH 2

typedef buffer {
	byte addr[DEPTH];
	byte val[DEPTH];
	byte n
}

byte mem[WORDS];
buffer sb[CPUS];

inline store(cpu, ad, va) {
	atomic {
		sb[cpu].n < DEPTH;
		sb[cpu].addr[sb[cpu].n] = ad;
		sb[cpu].val[sb[cpu].n] = va;
		sb[cpu].n++
	}
}

/* The youngest entry of the own buffer, else memory. */
inline load(cpu, ad, ou) {
	d_step {
		if
		:: sb[cpu].n == 2 && sb[cpu].addr[1] == ad -> ou = sb[cpu].val[1]
		:: !(sb[cpu].n == 2 && sb[cpu].addr[1] == ad) && sb[cpu].n >= 1 &&
			sb[cpu].addr[0] == ad -> ou = sb[cpu].val[0]
		:: else -> ou = mem[ad]
		fi
	}
}

inline fence(cpu) {
	sb[cpu].n == 0
}

proctype drain(byte p) {
end:	do
	:: d_step {
		sb[p].n > 0 ->
		mem[sb[p].addr[0]] = sb[p].val[0];
		sb[p].addr[0] = sb[p].addr[1];
		sb[p].val[0] = sb[p].val[1];
		sb[p].n--;
		sb[p].addr[sb[p].n] = 0;
		sb[p].val[sb[p].n] = 0
	   }
	od
}
