#!/bin/sh
# keys.sh - scope: `hedbctl key`, and ops_server with sealed key files: a passphrase from
# everywhere but a terminal (tests/unit/test_kek.c has that), a TPM (swtpm, a real process,
# and a second one that is a foreign TPM), each state of a key and what is said when it is
# lost, a reload of a sealed file, two starts and a restored file (no incarnation twice),
# no core, no key bytes in logs. Needs the programs in $B; parts are skipped by name where
# there is no swtpm or the build has no TPM.
set -u
cd "$(dirname "$0")/../.."
B=${B:-build}
server=$B/ops_server
ctl=$B/hedbctl
unset HEDB_REGION CXL_SHM_DELAY_NS NOTIFY_SOCKET CREDENTIALS_DIRECTORY
dir=$(mktemp -d "${TMPDIR:-/tmp}/keys-e2e.XXXXXX") || exit 1
pids=
. tests/e2e/lib/tap.sh
patience=60

cleanup() {
	for p in $pids; do kill -9 "$p" 2>/dev/null; done
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# start ARGUMENTS...: a server in the background; its pid in $pid, its log in $log
start() {
	log=$dir/log
	"$server" --region "$r" --workers 2 "$@" 2>"$log" </dev/null &
	pid=$!
	pids="$pids $pid"
	i=0
	until grep -q 'serving' "$log"; do
		i=$((i + 1))
		if [ $i -gt 300 ] || ! kill -0 "$pid" 2>/dev/null; then
			not_ok "ops_server $*" "$(cat "$log")"
			return 1
		fi
		sleep 0.1
	done
}

stop() {
	kill -TERM "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

logged() {
	i=0
	until grep -qF -- "$2" "$log"; do
		i=$((i + 1))
		if [ $i -gt 100 ]; then
			not_ok "$1" "not logged: $2" "$(cat "$log")"
			return
		fi
		sleep 0.1
	done
	ok "$1"
}

encrypt() { printf '%s\n' "$1" | "$ctl" encrypt int4 "$r" --credential "$c"; }
decrypt() { printf '%s\n' "$1" | "$ctl" decrypt "$r" --credential "$c" 2>&1; }

# Of a value in base64: its key id, and its incarnation (common/value.h)
key_of() { printf '%s' "$1" | base64 -d | od -An -tu2 -j1 -N2 | tr -d ' '; }
incarnation_of() { printf '%s' "$1" | base64 -d | od -An -tx8 -j3 -N8 | tr -d ' '; }

r=$dir/region k=$dir/keys c=$dir/credential p=$dir/pass q=$dir/pass2
cheap="--argon2-kib 64 --argon2-passes 1"
umask 077
"$ctl" region format "$r" --ops-channels 8 --kv-channels 2 --size 2M >/dev/null || exit 1
"$ctl" key credential "$c" >/dev/null || exit 1
echo "correct horse battery staple" >"$p"
echo "another one altogether" >"$q"

# ---- plain ----
says "create says that it is not sealed" 0 "$k is not sealed" "$ctl" key create "$k"
says "list says so" 0 "sealed by plain" "$ctl" key list "$k"
start --keys "$k" --credential "$c"
logged "ops_server says so at its start" "not sealed, whoever reads the file has them: for development only"
says "and in its status" 0 "keys_sealed plain" "$ctl" status "$r"
before=$(encrypt 41)
stop

# ---- under a passphrase ----
says "usage: seal without a source" 2 "key seal FILE --new-kek" "$ctl" key seal "$k"
says "usage: an unknown source" 2 "not plain, passphrase" "$ctl" key seal "$k" --new-kek safe
says "usage: costs out of bounds" 2 "--argon2-kib" \
	"$ctl" key seal "$k" --new-kek "passphrase:$p" --argon2-kib 2097152
says "no terminal to ask on" 1 "no terminal" setsid "$ctl" key seal "$k" --new-kek passphrase
# shellcheck disable=SC2086
says "seal" 0 "sealed by passphrase" "$ctl" key seal "$k" --new-kek "passphrase:$p" $cheap
is "the file's mode" "$(stat -c %a "$k")" 600
is "the header names the source" "$(od -An -tu1 -j16 -N1 "$k" | tr -d ' ')" 1
says "list" 0 "sealed by passphrase" "$ctl" key list "$k" --kek "passphrase:$p"
says "list, by a descriptor" 0 "key 1" sh -c "exec '$ctl' key list '$k' --kek passphrase:fd:5 5<'$p'"
says "list, by a credential" 0 "key 1" env CREDENTIALS_DIRECTORY="$dir" \
	"$ctl" key list "$k" --kek passphrase:credential:pass
says "list, wrong passphrase" 1 "wrong passphrase for keyring $k" \
	"$ctl" key list "$k" --kek "passphrase:$q"
says "list, said to be plain" 1 "is sealed under a passphrase, but --kek says plain" \
	"$ctl" key list "$k" --kek plain
says "rotate, wrong passphrase" 1 "wrong passphrase" "$ctl" key rotate "$k" --kek "passphrase:$q"
chmod 644 "$p"
says "a passphrase that others may read" 1 "chmod 600 $p" "$ctl" key list "$k" --kek "passphrase:$p"
chmod 600 "$p"
says "ops_server, wrong passphrase" 1 "wrong passphrase for keyring $k" \
	"$server" --region "$r" --keys "$k" --kek "passphrase:$q"
says "ops_server, nobody to ask" 1 "passphrase:credential:NAME" \
	setsid "$server" --region "$r" --keys "$k"
says "ops_server, a source that is none" 2 "--kek safe: unknown option or bad value" \
	"$server" --region "$r" --keys "$k" --kek safe
head -c 100 "$k" >"$dir/short"
says "a file cut short" 1 "$dir/short is damaged" "$ctl" key list "$dir/short" --kek "passphrase:$p"
cp "$k" "$dir/bad"
printf '\377' | dd of="$dir/bad" bs=1 seek=120 conv=notrunc status=none
says "a flipped byte" 1 "$dir/bad is damaged" "$ctl" key list "$dir/bad" --kek "passphrase:$p"
cp "$k" "$dir/bad"
printf '\377\377\377\177' | dd of="$dir/bad" bs=1 seek=72 conv=notrunc status=none
says "a file that wants 2 TiB" 1 "argon2id with 2147483647 KiB" \
	"$ctl" key list "$dir/bad" --kek "passphrase:$p"

start --keys "$k" --kek passphrase:fd:7 --credential "$c" 7<"$p"
logged "ops_server says by what it is sealed" "were sealed by passphrase"
says "and in its status" 0 "keys_sealed passphrase" "$ctl" status "$r"
is "a value from before it was sealed" "$(decrypt "$before")" 41
one=$(encrypt 42)

# ---- states of a key, and reloads of a sealed file without asking again ----
P="--kek passphrase:$p"
# shellcheck disable=SC2086
{
says "add" 0 "key 2 is ready" "$ctl" key add "$k" $P
says "list: ready" 0 "ready" "$ctl" key list "$k" $P
kill -HUP "$pid"
logged "a ready key is not encrypted under" "reloaded: active key is 1"
says "rotate to it" 0 "key 2 is active" "$ctl" key rotate "$k" $P
kill -HUP "$pid"
logged "reload, the descriptor is used up" "reloaded: active key is 2"
two=$(encrypt 43)
is "new values are under it" "$(key_of "$two")" 2
is "old ones are read" "$(decrypt "$one")" 42
says "the active one stays" 1 "key 2 is active: rotate first" "$ctl" key destroy "$k" 2 --yes $P
says "destroy says what would be lost" 1 "nothing was done. Destroying key 1 of $k loses" \
	"$ctl" key destroy "$k" 1 $P
is "and did nothing" "$(decrypt "$one")" 42
says "list: retired" 0 "retired" "$ctl" key list "$k" $P
cp "$k" "$dir/backup"
says "destroy" 0 "every value that was still under it" "$ctl" key destroy "$k" 1 --yes $P
says "list: destroyed" 0 "destroyed" "$ctl" key list "$k" $P
: >"$log"
kill -HUP "$pid"
logged "reload" "reloaded: active key is 2"
is "a value under it" "$(decrypt "$one")" "hedbctl: encrypted value is under a key that was destroyed"
is "others" "$(decrypt "$two")" 43
says "destroy what is destroyed" 1 "key 1 is destroyed" "$ctl" key destroy "$k" 1 --yes $P
says "destroy what never was" 1 "key 9 is not in the keyring" "$ctl" key destroy "$k" 9 --yes $P
says "usage: no id" 2 "hedbctl key destroy" "$ctl" key destroy "$k" --yes $P
says "usage: id 0" 2 "hedbctl key destroy" "$ctl" key destroy "$k" 0 --yes $P
says "usage: id 65537" 2 "hedbctl key destroy" "$ctl" key destroy "$k" 65537 --yes $P
says "retire" 1 "key 2 is active" "$ctl" key retire "$k" 2 $P
"$ctl" key add "$k" $P >/dev/null
says "retire a ready one" 0 "key 3 is retired" "$ctl" key retire "$k" 3 $P

# ---- domains ----
is "without domains the file is of version 2" "$(head -c 15 "$k")" "hedb keyring v2"
says "rotate in a domain that is not there" 1 'the keyring has no domain "pay": key add makes one' \
	"$ctl" key rotate "$k" --domain pay $P
says "no name of a domain" 1 '"4" is no name of a domain' "$ctl" key add "$k" --domain 4 $P
says "add makes a domain, and says how to go on" 0 "key rotate with the same --domain" "$ctl" key add "$k" --domain pay $P
is "and the file one of version 3" "$(head -c 15 "$k")" "hedb keyring v3"
says "list" 0 "key 4 domain pay created" "$ctl" key list "$k" $P
: >"$log"
kill -HUP "$pid"
logged "reload" "reloaded: active key is 2"
says "status: a domain without an active key" 0 "key_domain pay 0" "$ctl" status "$r"
says "another domain's key" 1 "key 4 is of domain pay" "$ctl" key rotate "$k" 4 --domain default $P
says "rotate in a domain" 0 "key 4 is active" "$ctl" key rotate "$k" --domain pay $P
says "and once more" 0 "key 5 is active" "$ctl" key rotate "$k" --domain pay $P
: >"$log"
kill -HUP "$pid"
logged "reload: the default one's is what it was" "reloaded: active key is 2"
says "status: the active one" 0 "key_domain pay 5" "$ctl" status "$r"
is "who names no domain encrypts under it" "$(key_of "$(encrypt 44)")" 2
says "usage: an id and a domain" 2 "key destroy FILE --domain NAME --yes" \
	"$ctl" key destroy "$k" 4 --domain pay --yes $P
says "usage: a domain where it says nothing" 2 "hedbctl key retire" "$ctl" key retire "$k" 4 --domain pay $P
says "destroy a domain: what would be lost" 1 "nothing was done. Destroying all keys of domain pay of $k loses" \
	"$ctl" key destroy "$k" --domain pay $P
says "and did nothing" 0 "key_domain pay 5" "$ctl" status "$r"
says "the default domain stays" 1 "the default domain stays" "$ctl" key destroy "$k" --domain default --yes $P
says "destroy a domain" 0 "domain pay is destroyed, and with it every value" "$ctl" key destroy "$k" --domain pay --yes $P
is "both of its keys" "$("$ctl" key list "$k" $P | grep -c 'domain pay .* destroyed')" 2
: >"$log"
kill -HUP "$pid"
logged "reload" "reloaded: active key is 2"
says "status: none" 0 "key_domain pay 0" "$ctl" status "$r"
is "others are read as before" "$(decrypt "$two")" 43
}

# ---- two starts, and a restored file: never the same incarnation ----
: >"$dir/incarnations"
for i in 1 2 3 4; do incarnation_of "$(encrypt 7)" >>"$dir/incarnations"; done
stop
start --keys "$k" --kek "passphrase:$p" --credential "$c"
incarnation_of "$(encrypt 7)" >>"$dir/incarnations"
kill -9 "$pid"
wait "$pid" 2>/dev/null
start --keys "$k" --kek "passphrase:$p" --credential "$c"
incarnation_of "$(encrypt 7)" >>"$dir/incarnations"
stop
cp "$dir/backup" "$dir/restored"
start --keys "$dir/restored" --kek "passphrase:$p" --credential "$c"
restored=$(encrypt 7)
incarnation_of "$restored" >>"$dir/incarnations"
is "a restored file has its key of then" "$(key_of "$restored")" 2
is "and the key that was destroyed since" "$(decrypt "$one")" 42
: >"$log"
kill -HUP "$pid"
logged "reload" "reloaded"
incarnation_of "$(encrypt 7)" >>"$dir/incarnations"
# The first four may be of one worker or two: at most two of their incarnations differ.
n=$(sort -u "$dir/incarnations" | wc -l)
if [ "$n" -ge 5 ] && [ "$(tail -n 4 "$dir/incarnations" | sort -u | wc -l)" = 4 ]; then
	ok "start, kill -9, restore, reload: an incarnation each"
else
	not_ok "start, kill -9, restore, reload: an incarnation each" "$(cat "$dir/incarnations")"
fi

# ---- no core, and nothing in the log ----
is "no core can be written" "$(awk '/Max core file size/ { print $5, $6 }' /proc/"$pid"/limits)" "0 0"
# A process that is not dumpable belongs to root in /proc, and has no mem for its own user.
if [ "$(id -u)" = 0 ]; then
	stop
	chmod 711 "$dir"
	chown 65534 "$r" "$dir/restored" "$p" "$c"
	log=$dir/log
	setpriv --reuid 65534 --regid 65534 --clear-groups "$server" --region "$r" --workers 2 \
		--keys "$dir/restored" --kek "passphrase:$p" 2>"$log" </dev/null &
	pid=$!
	pids="$pids $pid"
	logged "as another user" "serving"
	is "it is not dumpable" "$(stat -c %u /proc/"$pid"/mem)" 0
	if setpriv --reuid 65534 --regid 65534 --clear-groups head -c 1 /proc/"$pid"/environ >/dev/null 2>&1; then
		not_ok "nor may its user look into it"
	else
		ok "nor may its user look into it"
	fi
	(cd "$dir" && kill -ABRT "$pid")
	wait "$pid" 2>/dev/null
	is "SIGABRT leaves no core" "$(find "$dir" -name 'core*' | wc -l)" 0
	chown 0 "$r" "$p" "$c"
else
	skip "not dumpable" "not root"
fi
stop
if grep -rqF "correct horse" "$dir/log"; then
	not_ok "the passphrase is not in the log"
else
	ok "the passphrase is not in the log"
fi

# ---- a TPM ----
tpm() { # tpm NAME PORT: a software TPM; its TCTI is swtpm:host=127.0.0.1,port=PORT
	mkdir -p "$dir/$1"
	swtpm socket --tpm2 --tpmstate dir="$dir/$1" --server type=tcp,port="$2",bindaddr=127.0.0.1 \
		--ctrl type=tcp,port="$(($2 + 1))",bindaddr=127.0.0.1 \
		--flags not-need-init,startup-clear >"$dir/$1.log" 2>&1 &
	tpm_pid=$!
	pids="$pids $tpm_pid"
	i=0
	until [ "$(awk -v p="$(printf ':%04X' "$2")" '$2 ~ p && $4 == "0A"' /proc/net/tcp | wc -l)" -gt 0 ]; do
		i=$((i + 1))
		if [ $i -gt 100 ] || ! kill -0 "$tpm_pid" 2>/dev/null; then return 1; fi
		sleep 0.1
	done
}
any_tpm() { # any_tpm NAME: on some port that is free; $tcti
	tries=0
	while [ $tries -lt 20 ]; do
		port=$((20000 + $(od -An -tu2 -N2 /dev/urandom) % 6000 * 2))
		if tpm "$1" $port; then
			tcti=swtpm:host=127.0.0.1,port=$port
			return 0
		fi
		tries=$((tries + 1))
	done
	return 1
}

if ! command -v swtpm >/dev/null; then
	skip "keys sealed by a TPM" "no swtpm"
elif "$ctl" key create "$dir/t" --kek tpm:none 2>&1 | grep -q "without libtss2"; then
	skip "keys sealed by a TPM" "this build has no TPM"
elif any_tpm one; then
	one_tcti=$tcti one_pid=$tpm_pid
	t=$dir/tkeys
	says "create, by a TPM" 0 "one that is sealed under a passphrase" "$ctl" key create "$t" --kek "tpm:$one_tcti"
	is "the header names the source" "$(od -An -tu1 -j16 -N1 "$t" | tr -d ' ')" 2
	says "list" 0 "sealed by tpm" "$ctl" key list "$t" --kek "tpm:$one_tcti"
	says "create, no such TPM" 1 "none cannot be reached: tcti:IO failure; without a TPM say --kek passphrase" \
		"$ctl" key create "$dir/none" --kek "tpm:device:$dir/none"
	says "no such TPM" 1 "TPM device:$dir/none cannot be reached" "$ctl" key list "$t" --kek "tpm:device:$dir/none"
	says "said to be under a passphrase" 1 "is sealed by a TPM, but --kek says passphrase" \
		"$ctl" key list "$t" --kek "passphrase:$p"
	start --keys "$t" --kek "tpm:$one_tcti" --credential "$c"
	logged "ops_server says by what it is sealed" "were sealed by tpm"
	value=$(encrypt 44)
	says "rotate" 0 "key 2 is active" "$ctl" key rotate "$t" --kek "tpm:$one_tcti"
	kill -HUP "$pid"
	logged "reload, behind the filter of system calls" "reloaded: active key is 2"
	is "the old key" "$(decrypt "$value")" 44
	says "seal anew" 0 "sealed by tpm" "$ctl" key seal "$t" --kek "tpm:$one_tcti" --new-kek "tpm:$one_tcti"
	kill -HUP "$pid"
	logged "a reload of what was sealed anew is refused" "was sealed anew since ops_server started: restart it"
	is "and it goes on" "$(decrypt "$value")" 44
	stop
	start --keys "$t" --kek "tpm:$one_tcti" --credential "$c"
	is "after a restart" "$(decrypt "$value")" 44
	stop
	# The machine is started again: what the TPM had in its memory is gone, its seed is not.
	kill "$one_pid"
	wait "$one_pid" 2>/dev/null
	says "a TPM that is gone" 1 "cannot be reached" "$ctl" key list "$t" --kek "tpm:$one_tcti"
	any_tpm one && one_tcti=$tcti
	says "the same TPM, started again" 0 "sealed by tpm" "$ctl" key list "$t" --kek "tpm:$one_tcti"
	cp "$t" "$dir/tbad"
	printf '\377' | dd of="$dir/tbad" bs=1 seek=250 conv=notrunc status=none
	says "a flipped byte of the sealed object" 1 "another TPM sealed it" \
		"$ctl" key list "$dir/tbad" --kek "tpm:$one_tcti"
	cp "$t" "$dir/tbad"
	printf '\377' | dd of="$dir/tbad" bs=1 seek=73 conv=notrunc status=none
	says "what is no sealed object" 1 "no sealed object" "$ctl" key list "$dir/tbad" --kek "tpm:$one_tcti"
	if any_tpm two; then
		says "a foreign TPM" 1 "another TPM sealed it, or this one ($tcti) was cleared" \
			"$ctl" key list "$t" --kek "tpm:$tcti"
		says "ops_server with a foreign TPM" 1 "another TPM sealed it" \
			"$server" --region "$r" --keys "$t" --kek "tpm:$tcti"
		# To another machine: by way of a passphrase.
		# shellcheck disable=SC2086
		says "from a TPM to a passphrase" 0 "sealed by passphrase" "$ctl" key seal "$t" \
			--kek "tpm:$one_tcti" --new-kek "passphrase:$p" $cheap
		says "and to another TPM" 0 "sealed by tpm" "$ctl" key seal "$t" \
			--kek "passphrase:$p" --new-kek "tpm:$tcti"
		start --keys "$t" --kek "tpm:$tcti" --credential "$c"
		is "has the same keys" "$(decrypt "$value")" 44
		stop
	else
		not_ok "a second swtpm" "$(cat "$dir/two.log")"
	fi
else
	not_ok "swtpm starts" "$(cat "$dir/one.log")"
fi

# ---- losing the file ----
says "ops_server without its key file" 1 "without its keys all values under them are lost" \
	"$server" --region "$r" --keys "$dir/lost"

# ---- back to plain ----
says "unseal" 0 "$k is not sealed" "$ctl" key seal "$k" --kek "passphrase:$p" --new-kek plain
says "who expects a sealed file refuses a plain one" 1 "is not sealed, but --kek says passphrase" \
	"$server" --region "$r" --keys "$k" --kek "passphrase:$p"

[ "$failed" = 0 ]
