# SPDX-License-Identifier: BSD-3-Clause
# cxlring.so under Debian's own redis-server.service: Redis with the filters of system calls
# that the unit has, which kill; plain and sealed, with a zone, of another group; and the
# drop-in of deploy/.
family=confined
. tests/redis/lib.sh
unset CXL_SECURE CXL_CERT CXL_KEY CXL_CA CXL_CRL CXL_PSK

units=/lib/systemd/system
unit=$units/redis-server.service
[ -z "$PRELOAD" ] || { skip 'the unit of redis-server' 'sanitizers make calls of their own'; exit 0; }
command -v systemd-analyze >/dev/null || { skip 'the unit of redis-server' 'no systemd-analyze here'; exit 0; }
[ -e "$unit" ] || { skip 'the unit of redis-server' "no $unit here"; exit 0; }

# Names of the calls that the unit allows: its first line says what is allowed, those with ~
# what of it is not; @default always is.
allowed_names() {
	systemd-analyze syscall-filter --no-pager | awk -v filters="$(sed -n 's/^SystemCallFilter=//p' "$unit")" '
		function walk(name, yes,   i, n, w) {
			if (name !~ /^@/) { allowed[name] = yes; return }
			n = split(of[name], w, " ")
			for (i = 1; i <= n; i++) walk(w[i], yes)
		}
		/^@/ { set = $1; next }
		/^$/ { set = "" }
		set && $1 !~ /^#/ { of[set] = of[set] " " $1 }
		END {
			walk("@default", 1)
			n = split(filters, line, "\n")
			for (i = 1; i <= n; i++) {
				yes = line[i] !~ /^~/
				sub(/^~/, "", line[i])
				m = split(line[i], word, " ")
				for (j = 1; j <= m; j++) walk(word[j], yes)
			}
			for (name in allowed) if (allowed[name]) print name
		}' | sort
}
numbers() { echo '#include <sys/syscall.h>' | ${CC:-cc} -E -dM - | sed -n 's/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$/\1 \2/p' | sort; }
allowed_names >"$dir/names"
numbers >"$dir/numbers"
join -o 2.2 "$dir/names" "$dir/numbers" | tr '\n' ' ' >"$dir/allowed"
confined() { "$B/tests/redis/confined" $(cat "$dir/allowed") -- "$@"; }
dies() { (ulimit -c 0; confined "$@" >/dev/null 2>&1); [ $? = 159 ]; }

# ---- the filter itself ----
same 'what the unit leaves out is out' "$(grep -cxE 'chown|fchownat|setpriority|sched_setaffinity|mbind|setuid|bpf' "$dir/names")" 0
same 'what it has is in' "$(grep -cxE 'read|openat|mmap|futex|clone|prctl|chmod|mlock' "$dir/names")" 8
touch "$dir/mine"
dies chgrp 65534 "$dir/mine" && ok 'chown kills' || not_ok 'chown kills'
dies nice -n 1 true && ok 'setpriority kills' || not_ok 'setpriority kills'
has 'Redis itself lives' "$(confined redis-server --version)" 'Redis server v='

real=$(command -v redis-server)
mkdir "$dir/bin"
cat >"$dir/bin/redis-server" <<END
#!/bin/sh
exec "$B/tests/redis/confined" $(cat "$dir/allowed") -- "$real" "\$@"
END
chmod 755 "$dir/bin/redis-server"
PATH=$dir/bin:$PATH
# A stream: a connection to Redis through the door. stream NAME [sealed...]
stream() {
	_server=$1
	shift
	"$B/cxl-proxy" --region "$shm/$_server" "$@" --unix "$dir/$_server.proxy" 2>>"$dir/proxy.err" &
	_proxy=$!
	pids="$pids $_proxy"
	until_true [ -S "$dir/$_server.proxy" ]
	printf 'set n 1\nmulti\nincr n\nexec\n' | timeout 20 redis-cli -s "$dir/$_server.proxy" --no-raw 2>&1 | tail -n 1
	kill "$_proxy"
}
filtered() { sed -n 's/^Seccomp:[[:space:]]*//p' "/proc/$(pid_of "$1")/status"; }

# ---- plain ----
start a
same 'plain: the server is under the filter' "$(filtered a)" 2
same 'plain: SET over the ring' "$(ring a set k hello)" OK
same 'plain: GET over the ring' "$(ring a get k)" '"hello"'
same 'plain: a stream' "$(stream a)" '1) (integer) 2'
same 'plain: MODULE UNLOAD' "$(tcp a module unload cxlring)" OK
same 'plain: MODULE LOAD' "$(tcp a module load "$B/cxlring.so" "$shm/a")" OK
same 'plain: GET again' "$(ring a get k)" '"hello"'
stop a

# ---- a region that is others' as well ----
chmod 660 "$shm/a"
start a
same 'mode 660: the bell is for the same group' "$(stat -c '%a %g' "$shm"/a.*.bell)" "$(stat -c '%a %g' "$shm/a")"
same 'mode 660: the log has no complaint' "$(grep -c 'keeps its mode' "$dir/a.log")" 0
stop a
# Another group than the server's would need chown().
group=65534
[ "$(id -u)" = 0 ] || group=$(id -G | tr ' ' '\n' | grep -vx "$(id -g)" | head -n 1)
if [ -n "$group" ]; then
	chgrp "$group" "$shm/a"
	start a
	same 'another group: the server lives' "$(ring a get k) $(filtered a)" '(nil) 2'
	has 'another group: the log says what it means' "$(cat "$dir/a.log")" 'bell keeps its mode (Operation not permitted): clients of other users are slow'
	same 'another group: and so it is' "$(stat -c '%a %g' "$shm"/a.*.bell)" "600 $(id -g)"
	stop a
else
	skip 'a region of another group' 'this user has one group only'
fi

# ---- sealed, and with a zone ----
ca=$dir/ca zone=$shm/zone
ctl ca init "$ca"
ctl ca issue "$ca" redis --role server:kv,db
ctl ca issue "$ca" vault --role server:ops
ctl ca issue "$ca" alice --role 'kv:*,db,client'
sealed_by() { echo "--secure --cert $ca/$1.pem --key $ca/$1.key --ca $ca/ca.pem"; }
ctl region format "$zone"
ctl key create "$dir/keys"
"$B/ops_server" --region "$zone" --keys "$dir/keys" --secure required --cert "$ca/vault.pem" --key "$ca/vault.key" \
	--ca "$ca/ca.pem" >"$dir/ops.log" 2>&1 &
pids="$pids $!"
until_true "$B/hedbctl" ping "$zone" --count 1 $(sealed_by alice)
start b --cxlring.secure required --cxlring.cert-file "$ca/redis.pem" --cxlring.key-file "$ca/redis.key" \
	--cxlring.ca-file "$ca/ca.pem" --cxlring.crl-file "$ca/crl.pem" --cxlring.zone-path "$zone" --cxlring.zone-secure yes
as_alice() { "$B/cxl-cli" --region "$shm/b" --no-raw $(sealed_by alice) "$@" 2>&1; }
same 'sealed: the server is under the filter' "$(filtered b)" 2
same 'sealed: SET over the ring' "$(as_alice set k hello)" OK
same 'sealed: GET over the ring' "$(as_alice get k)" '"hello"'
same 'sealed: a stream' "$(stream b $(sealed_by alice))" '1) (integer) 2'
one=$(echo 1 | "$B/hedbctl" encrypt int4 "$zone" $(sealed_by alice) 2>&1)
as_alice enc.incrby counter "$one" >/dev/null
same 'sealed: the zone' "$(as_alice --raw enc.incrby counter "$one" | "$B/hedbctl" decrypt "$zone" $(sealed_by alice) 2>&1)" 2
ctl ca revoke "$ca" alice
until_true sh -c "'$B/cxl-cli' --region '$shm/b' $(sealed_by alice) get k 2>&1 | grep -q revoked"
has 'sealed: a new list is read' "$(as_alice get k)" revoked
stop b

# Without the filter a thread that greets goes behind those who are in.
nice_of() { for t in "/proc/$1/task"/*; do [ "$(cat "$t/comm")" != "$2" ] || awk '{ sub(/.*\) /, ""); print $17 }' "$t/stat"; done; }
PATH=${PATH#"$dir/bin:"}
start c
same 'without a filter the greeting thread is nice' "$(filtered c) $(nice_of "$(pid_of c)" cxlring-greet)" '0 5'
stop c

# ---- the drop-in ----
# systemd-analyze says what it does not understand, of the unit with the drop-in. Paths as
# installed: verify wants none of them to be there.
mkdir -p "$dir/units/redis-server.service.d"
sed "s|@prefix@|/usr/local|" deploy/redis-server-dropin.conf >"$dir/units/redis-server.service.d/cxlring.conf"
verify() { SYSTEMD_UNIT_PATH="$dir/units:$units" systemd-analyze verify --man=no "$unit" 2>&1 | grep -F cxlring.conf; }
same 'the drop-in: systemd understands it' "$(verify)" ''
sed -i 's/^RemoveIPC/RemoveIpc/' "$dir/units/redis-server.service.d/cxlring.conf"
has 'the drop-in: it is read' "$(verify)" 'RemoveIpc'
