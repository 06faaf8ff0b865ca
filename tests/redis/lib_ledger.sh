# SPDX-License-Identifier: BSD-3-Clause
# lib_ledger.sh - writers with a ledger (writer.c), and whether the data is what these
# ledgers say. Sourced after lib.sh.

# writer SERVER TAG FIRST: by the ring; its pid in $w
writer() { write_to "$shm/$1" "$2" "$3"; }
# tcp_writer SERVER TAG FIRST: by its socket
tcp_writer() { write_to "socket:$dir/$1.sock" "$2" "$3"; }
write_to() {
	"$B/tests/redis/writer" "$1" "$2" "$3" "$dir/ledger.$2" >>"$dir/writers" 2>&1 &
	w=$!
	pids="$pids $w"
}
acked() { [ "$(cat "$dir/ledger.$1" | grep -c '^<')" -ge "$2" ]; }
ended() {
	kill "-$1" "$2" 2>/dev/null
	wait "$2" 2>/dev/null
	pids=$(echo " $pids " | sed "s/ $2 / /")
}

# account SERVER TAG [lag]: what is wrong, if anything. lag: the last ones may be missing.
account() {
	tcp_raw "$1" get "n:$2" >"$dir/n"
	tcp_raw "$1" lrange "l:$2" 0 -1 >"$dir/l"
	awk -v t="$2" '$1 == ">" && $2 == "set" { print "get s:" t ":" $3 }' "$dir/ledger.$2" |
		redis-cli -s "$dir/$1.sock" >"$dir/s"
	awk -v lag="${3:-}" '
		FNR == 1 { file++ }
		file == 1 && $2 == "incr" { sum[$1] += $3 }
		file == 1 && $2 != "incr" { fate[$2, $3] = $1 }
		file == 1 && $1 == ">" && $2 == "set" { set[++sets] = $3 }
		file == 2 { n = $1 + 0 }
		file == 3 && $1 != "" {
			if ($1 <= last) print $1 " was pushed after " last
			if (!(("push", $1) in fate) || fate["push", $1] == "!") print $1 " was pushed, and not by us"
			last = $1
			there[$1] = 1
		}
		file == 4 {
			i = set[FNR]
			if ($1 == "" ? fate["set", i] == "<" && !lag : $1 != i || fate["set", i] == "!")
				print "set " i " (" fate["set", i] ") is \"" $1 "\""
		}
		END {
			if (n > sum[">"] - sum["!"] || (!lag && n < sum["<"]))
				print "counter " n ", of " sum["<"] " acknowledged, " sum[">"] " sent"
			for (x in fate) {
				split(x, p, SUBSEP)
				if (p[1] == "push" && fate[x] == "<" && !(p[2] in there) && !(lag && p[2] > last + 0))
					print "push " p[2] " is missing"
			}
		}' "$dir/ledger.$2" "$dir/n" "$dir/l" "$dir/s"
}
