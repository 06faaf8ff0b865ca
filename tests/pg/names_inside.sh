# SPDX-License-Identifier: BSD-3-Clause
# names_inside.sh - what part_names.sh runs in namespaces of its own, as root of them.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/says.sh"
. "$here/cluster.sh"
cluster_begin || exit 1
dns=
trap 'status=$?; [ -z "$dns" ] || kill "$dns"; (exit $status); cluster_end' EXIT
echo 'nameserver 127.0.0.1
options timeout:3 attempts:2' >"$base/resolv"
echo 'hosts: files dns' >"$base/nsswitch"
: >"$base/hosts"
for f in resolv:resolv.conf nsswitch:nsswitch.conf hosts:hosts; do
	chmod 644 "$base/${f%:*}"
	mount --bind "$base/${f%:*}" "/etc/${f#*:}" || exit 1
done
perl "$here/../redis/dns.pl" "$base/dns" &
dns=$!
for _ in $(seq 100); do
	grep -q ready "$base/dns" 2>/dev/null && break
	sleep 0.1
done

mkdir "$base/ca"
[ -z "$user" ] || chown "$user" "$base/ca"
as_user hedbctl ca init "$base/ca/zone" >/dev/null
certificate pg db
pg_begin "hedb.ca_file = '$base/ca/zone/ca.pem'" "hedb.cert_file = '$base/ca/zone/pg.pem'" \
	"hedb.key_file = '$base/ca/zone/pg.key'" "hedb.secure = on" "hedb.sec_mgr = 'silent.test:7411'"
q -c 'CREATE EXTENSION hedb'
ask="SELECT hedb_challenge('dba')"
t0=$(date +%s%N)
has 'a name that is not looked up' "$(q -c "SET hedb.timeout = '1s'" -v VERBOSITY=verbose -c "$ask")" \
	'08006: no sealed channel to ops_server: no answer from the manager: "silent.test:7411" is being looked up'
took=$((($(date +%s%N) - t0) / 1000000))
equal 'is waited for no longer than hedb.timeout' "$([ $took -lt 3000 ] || echo "$took ms")" ''
equal 'and was asked for' "$(grep -c silent.test "$base/dns" | sed 's/[1-9][0-9]*/some/')" some
cancelled 'who waits for a name can be cancelled' "$ask"
# the lookups of statements that were left are not over, and the next ones ask again
equal 'one session, again and again' "$({ echo "SET statement_timeout = '100ms';"
	for _ in $(seq 40); do echo "$ask;"; done; } | q -v ON_ERROR_STOP=0 | grep -c 'statement timeout')" 40
has 'no such name' "$(q -c "SET hedb.sec_mgr = 'gone.test:7411'" -c "$ask")" '"gone.test:7411": Name or service not known'
q -c "SET application_name = 'waits'" -c "$ask" >"$base/waits" &
asker=$!
sleep 0.5
t0=$(date +%s%N)
as_user "$bin/pg_ctl" -D "$base/data" -m fast stop >/dev/null
took=$((($(date +%s%N) - t0) / 1000000))
equal 'a stop does not wait for it' "$([ $took -lt 4000 ] || echo "$took ms")" ''
wait $asker
exit 0
