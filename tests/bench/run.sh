#!/bin/sh
# All benches, one after the other on a quiet machine; every figure goes as one JSON line
# to $B/bench/results.jsonl and into the table at the end, every single run of cxl-bench to
# runs.jsonl, and what it all ran on to machine.json. BENCHES names some of them.
set -u
cd "$(dirname "$0")/../.."
B=${B:-build}
out=$B/bench
mkdir -p "$out"
: >"$out/results.jsonl"
: >"$out/runs.jsonl"
sh tests/bench/machine.sh >"$out/machine.json"
failed=0

load=$(cut -d' ' -f1 /proc/loadavg)
echo "load average before: $load (a figure measured beside other work says little)"

for b in ${BENCHES:-ring value ops flight whole memory seal redis clients size depth tunnel sealed ycsb pg hedb_batch hedb_sealed hedb_handshake}; do
	case $b in
	ring | value | ops | flight | whole | memory | seal) set -- "$B/tests/bench/bench_$b" ;;
	*) set -- sh "tests/bench/bench_$b.sh" ;;
	esac
	echo "# $b"
	if "$@" >"$out/$b.out" 2>"$out/$b.err"; then
		grep '^{' "$out/$b.out" >>"$out/results.jsonl"
	else
		echo "bench $b failed:"
		tail -n 20 "$out/$b.err"
		failed=1
	fi
done

perl -MJSON::PP -ne '
	BEGIN {
		printf "%-26s %-60s %12s %12s %8s %7s %7s\n",
			"id", "what", "value", "baseline", "ratio", "must", "aim";
	}
	my $r = eval { decode_json($_) } or next;
	my $met = "";
	if (defined $r->{ratio} && defined $r->{must}) {
		my $lower = ($r->{better} // "") eq "lower";
		my $ok = sub { $lower ? $r->{ratio} <= $_[0] : $r->{ratio} >= $_[0] };
		$met = !$ok->($r->{must}) ? "MISSED" : defined $r->{aim} && $ok->($r->{aim}) ? "aim" : "must";
	}
	my $n = sub { defined $_[0] && $_[0] =~ /^-?[0-9.e+]+$/ ? sprintf("%.4g", $_[0]) : $_[0] // "-" };
	printf "%-26s %-60.60s %12s %12s %8s %7s %7s %s\n", $r->{id}, $r->{what} // "",
		$n->($r->{value}) . " " . ($r->{unit} // ""), $n->($r->{baseline}),
		$n->($r->{ratio}), $n->($r->{must}), $n->($r->{aim}), $met;
' "$out/results.jsonl"
exit $failed
