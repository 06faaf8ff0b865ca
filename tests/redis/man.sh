# SPDX-License-Identifier: BSD-3-Clause
# The manual pages: well-formed, installed, and as the programs and the header are.
family=man
. tests/redis/lib.sh
command -v mandoc >/dev/null || { not_ok 'mandoc is missing: make setup'; exit 1; }

# Options of a page, and of what a program prints; --help itself and --version are not told
# by all of them; -1 is a number.
documented() { grep -o 'Fl -\{0,1\}[a-zA-Z0-9][a-z0-9-]*' "$1" | sed 's/Fl /-/' | sort -u; }
printed() { "$B/$1" --help | grep -oE '(^|[^a-zA-Z0-9-])--?[a-zA-Z0-9][a-z0-9-]*' | grep -oE -- '-.*' | sort -u; }
common() { grep -vxE -- '--(help|version)|-1'; }
for page in docs/man/*; do
	same "$page has no fault" "$(mandoc -T lint -W warning "$page" 2>&1)" ''
done
for page in cxl-cli.1 cxl-bench.1 cxl-proxy.1 cxl-tunnel.1 hedb-load.1 hedbctl.1 ops_server.8 cxl_sec_mgr.8; do
	p=${page%.*}
	same "$p: each option is in its page, and none else" "$(documented "docs/man/$page" | common)" "$(printed "$p" | common)"
	[ "$(printed "$p" | wc -l)" -ge 5 ] && ok "$p has options" || not_ok "$p --help: $(printed "$p")"
done
same 'each function of cxlring.h is in cxlring(3), and none else' \
	"$(sed -n '/^.Sh SYNOPSIS/,/^.Sh DESC/s/^\.Fn \(cxlring_[a-z0-9_]*\).*/\1/p' docs/man/cxlring.3 | sort)" \
	"$(nm -D --defined-only "$B/libcxlring.so" | sed -n 's/.* \(cxlring_[a-z0-9_]*\)$/\1/p;s/.* \(cxlring_[a-z0-9_]*\)@.*/\1/p' | sort -u)"
same 'and told of' "$(for f in $(sed -n 's/^\.Fn \(cxlring_[a-z0-9_]*\) .*/\1/p' docs/man/cxlring.3); do
	case $f in cxlring_append_*) continue ;; esac
	sed '1,/^.Sh DESC/d' docs/man/cxlring.3 | grep -q "$f\$\|$f " || echo "$f"; done)" ''
start a
same 'each setting is in cxlring(7), and none else' \
	"$(sed -n 's/^\.It Cm \([a-z-]*\).*/\1/p' docs/man/cxlring.7 | sort)" \
	"$(tcp_raw a config get 'cxlring.*' | sed -n 's/^cxlring\.//p' | sort)"
make -s B="$B" DESTDIR="$dir/dest" prefix=/p install-man >/dev/null 2>&1
same 'make install puts them where man looks' "$(cd "$dir/dest/p/share/man" && find . -type f | sort | tr '\n' ' ')" \
	'./man1/cxl-bench.1 ./man1/cxl-cli.1 ./man1/cxl-proxy.1 ./man1/cxl-tunnel.1 ./man1/hedb-load.1 ./man1/hedbctl.1 ./man3/cxlring.3 ./man7/cxlring.7 ./man8/cxl_sec_mgr.8 ./man8/ops_server.8 '
