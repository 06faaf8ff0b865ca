# SPDX-License-Identifier: BSD-3-Clause
# `make report`: what was measured is in the page, nothing else is needed to read it, and what
# is no measurement is refused.
family=report
. tests/redis/lib.sh
start a
page() { python3 tests/bench/report.py "$1" >"$dir/page.html" 2>"$dir/err"; }
count() { grep -o "$1" "$dir/page.html" | wc -l; }

page "$dir/none"
same 'nothing measured' "$? $(cat "$dir/err")" "1 report.py: nothing was measured in $dir/none: run make bench first"

out=$dir/bench
mkdir "$out"
run() {
	_label=$1
	shift
	case $_label in unix) set -- --target unix --socket "$dir/a.sock" "$@" ;; esac
	"$B/cxl-bench" --region "$shm/a" --json --label "$_label" --latency "$@" >>"$out/runs.jsonl"
}
for t in ring unix; do
	for d in 1 16 64; do run $t --tests get --requests 2000 --no-fill --keys 200000 --depth $d; done
	run $t --workload tests/bench/ycsb/workloada -p recordcount=100 -p operationcount=500
done
page "$out"
same 'runs alone make a page' "$? $(cat "$dir/err")" '0 '
cat >"$out/results.jsonl" <<'END'
{"id":"kv_good","what":"better & <faster>","value":2000000,"unit":"req/s","baseline":1000000,"ratio":2,"ratios":[1.9,2.1],"must":1.25,"aim":1.5,"better":"higher"}
{"id":"kv_bad","what":"too slow","value":5,"unit":"us","baseline":10,"ratio":0.5,"must":1,"aim":2,"better":"higher"}
{"id":"kv_low","what":"low is good","value":0.3,"unit":"percent","baseline":null,"ratio":0.3,"must":0.5,"aim":0.1,"better":"lower"}
{"id":"kv_get_bytes_65536","what":"values","value":5000,"unit":"MB/s","baseline":8000,"ratio":0.62,"must":0.5,"aim":0.8,"better":"higher"}
{"id":"kv_word","what":"no number","value":"none","ratio":null,"must":null}
END
B=$B sh tests/bench/machine.sh >"$out/machine.json"
same 'the machine is JSON' "$(perl -MJSON::PP -ne 'print join ",", sort keys %{decode_json($_)}' "$out/machine.json")" \
	'commit,compiler,date,hiredis,kernel,load,memory_gib,postgresql,processor,processors,redis,system,virtual'
page "$out"
same 'a page' "$? $(cat "$dir/err")" '0 '
# A parser that knows which elements end: SVG and tables are closed where they should be.
python3 - "$dir/page.html" >"$dir/parsed" <<'END'
import html.parser, sys
class Page(html.parser.HTMLParser):
    open_, bad = [], []
    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br"):
            self.open_.append(tag)
        self.bad += [v for k, v in attrs if k in ("src", "href", "srcset", "xlink:href")]
    def handle_endtag(self, tag):
        if not self.open_ or self.open_.pop() != tag:
            self.bad.append("/" + tag)
p = Page()
p.feed(open(sys.argv[1], encoding="utf-8").read())
print("open:", *p.open_, "bad:", *p.bad)
END
same 'well formed, and nothing from elsewhere' "$(cat "$dir/parsed") $(count 'url(') $(count '@import')" 'open: bad: 0 0'
has 'names the machine' "$(cat "$dir/page.html")" "$(uname -r)"
has 'and versions' "$(cat "$dir/page.html")" "$(redis-server --version | sed 's/.*v=\([^ ]*\).*/\1/')"
# Of GET: throughput, latency at depth 1 and 64; sizes; YCSB with 1 thread.
same 'pictures' "$(count '<svg')" 5
same 'each transport has a line in each but YCSB' "$(count '<polyline')" 8
has 'a depth in the table' "$(tr -d '\n' <"$dir/page.html")" '<th>depth</th><th>1</th><th>16</th><th>64</th>'
for x in 'kv_good aim' 'kv_bad missed' 'kv_low must' 'kv_get_bytes_65536 must'; do
	set -- $x
	grep "<code>$1</code>" "$dir/page.html" | grep -q "<td class=\"$2\">$2</td>" && ok "$1: $2" || not_ok "$1 is not $2"
done
has 'what was missed is said first' "$(cat "$dir/page.html")" 'Of 4 figures with a limit, 3 reach it; missed: kv_bad.'
has 'text is text' "$(cat "$dir/page.html")" 'better &amp; &lt;faster&gt;'
echo '{"id":' >>"$out/results.jsonl"
page "$out"
same 'what is no JSON is refused' "$? $(grep -c 'results.jsonl, line 6: ' "$dir/err")" '1 1'
