# SPDX-License-Identifier: BSD-3-Clause
# Clients killed in every state give everything back: their channel, and what the server
# kept for them.
family=deaths
. tests/redis/lib.sh
rounds=${DEATHS:-80}
start a
head -c 100000 /dev/zero | tr '\0' b | redis-cli -s "$dir/a.sock" -x set big >/dev/null
tcp a set key v >/dev/null # what clients set here is there already
deaths() { "$B/tests/redis/deaths" "$shm/a" "$@" 2>&1; }
memory() { info a memory used_memory; }
fds() { ls "/proc/$(pid_of a)/fd" | wc -l; }
rss() { awk '/^VmRSS/ { print $2 * 1024 }' "/proc/$(pid_of a)/status"; }
within() {
	[ "$(memory)" -le $((m + rounds * 100)) ] && [ "$(fds)" -le "$f" ] &&
		{ [ -n "$PRELOAD" ] || [ "$(rss)" -le $((r + (2 << 20))) ]; } # a sanitizer frees late
}

# Without growth once in five times: what is lost is lost every time, while Redis's pools
# of clients and scripts grow at first. A session has more than 100 bytes. What Redis holds
# for a moment is gone half a second later.
lossless() {
	for try in 1 2 3 4 5; do
		m=$(memory) f=$(fds) r=$(rss)
		got=$(deaths "$1" "$rounds")
		[ "$got" = "$rounds of $rounds" ] || break
		within || { sleep 0.5; within; } && return 0
	done
	echo "# $got; memory $m to $(memory), descriptors $f to $(fds), RSS $r to $(rss)"
	return 1
}

for s in idle unpublished half in-flight held deaf stuck; do
	[ $s != held ] || tcp a client pause 1000000 write >/dev/null
	full=$(info a cxlring cxlring_ring_full) held=$(info a cxlring cxlring_held_requests)
	lossless $s && ok "killed $s: nothing is lost" || not_ok "killed $s: something is lost"
	full=$(($(info a cxlring cxlring_ring_full) - full)) held=$(($(info a cxlring cxlring_held_requests) - held))
	case $s in
	held) [ $held -ge "$rounds" ] && ok "$s: they were" || not_ok "$s: only $held were"
		tcp a client unpause >/dev/null ;;
	deaf | stuck) [ $full -ge "$rounds" ] && ok "$s: a reply of each had to wait" || not_ok "$s: only $full replies had to wait" ;;
	esac
done
same 'no channel is open' "$(info a cxlring cxlring_channels_open)" 0
same 'none was refused' "$(info a cxlring cxlring_refused_channels)" 0

# A refused one's death is noticed by itself, not with the next look at all channels, which
# is a second away: 80 would take a minute.
ms() { echo $(($(date +%s%N) / 1000000)); }
t0=$(ms)
deaths idle "$rounds" >/dev/null
t1=$(ms)
lossless refused && ok 'killed refused: nothing is lost' || not_ok 'killed refused: something is lost'
t2=$(ms)
[ $((t2 - t1)) -lt $(((t1 - t0) * 20 + rounds * 250)) ] && ok "refused: in $((t2 - t1)) ms, idle $((t1 - t0))" ||
	not_ok "refused: in $((t2 - t1)) ms, idle $((t1 - t0))"
same 'a full house later' "$("$B/tests/redis/hostile" "$shm/a" check full 100)" '0 bad'
