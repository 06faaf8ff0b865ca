# SPDX-License-Identifier: BSD-3-Clause
# part_secure.sh - sealed channels between PostgreSQL and ops_server: the same answers, roles by
# certificate, and what is said when it does not come to one; the same with a manager. Sourced by run.

. "$here/says.sh"
client() { PGOPTIONS='-c hedb.mode=client' q "$@"; }

# put NAME: its certificate and key in the place of my.pem and my.key
put() {
	for kind in pem key; do as_user cp "$base/ca/zone/$1.$kind" "$base/ca/zone/my.$kind"; done
}

use() {
	q -c "LOAD 'hedb'" -c "ALTER SYSTEM SET hedb.cert_file = '$base/ca/zone/$1.pem'" \
		-c "ALTER SYSTEM SET hedb.key_file = '$base/ca/zone/$1.key'" -c "SELECT pg_reload_conf()" >/dev/null
	sleep 0.3
}

secure_all() {
	mkdir "$base/ca"
	[ -z "$user" ] || chown "$user" "$base/ca"
	as_user hedbctl ca init "$base/ca/zone" >/dev/null
	certificate vault server:ops
	certificate pg db
	certificate dev db,client
	certificate web kv:web
	export CXL_CERT=$base/ca/zone/dev.pem CXL_KEY=$base/ca/zone/dev.key CXL_CA=$base/ca/zone/ca.pem
	CXL_SECURE=1 zone_start --secure required --cert "$base/ca/zone/vault.pem" \
		--key "$base/ca/zone/vault.key" --ca "$base/ca/zone/ca.pem" --crl "$base/ca/zone/crl.pem"
	pg_begin "hedb.ca_file = '$base/ca/zone/ca.pem'" "hedb.secure = on"
	q -c 'CREATE EXTENSION hedb'
	use dev
	q -c 'CREATE TABLE t (id int, a enc_int4, s enc_text)'
	client -c "INSERT INTO t SELECT i, i * 3 % 1000, 'row ' || i FROM generate_series(1, 5000) i"
	equal 'batches, through sealed channels' "$(client -c \
		'SELECT count(*), sum(a), min(s), max(a) FROM t WHERE a > 500')" \
		"$(q -c "SELECT count(*), sum(a), min(s), max(a) FROM (SELECT i * 3 % 1000, 'row ' || i
			FROM generate_series(1, 5000) i) x(a, s) WHERE a > 500")"
	equal 'one value at a time' "$(client -c 'SET hedb.enable_batch = off' -c \
		'SELECT count(*) FROM t WHERE a + 1 = 4' )" 5
	equal 'an index' "$(client -c 'CREATE INDEX ON t (a)' -c 'SET enable_seqscan = off' -c \
		'SELECT count(*) FROM t WHERE a = 3')" 5
	equal 'parallel workers' "$(client -c 'SET parallel_setup_cost = 0' -c 'SET parallel_tuple_cost = 0' \
		-c 'SET min_parallel_table_scan_size = 0' -c 'SELECT count(*) FROM t WHERE a < 10')" "$(q -c \
		'SELECT count(*) FROM generate_series(1, 5000) i WHERE i * 3 % 1000 < 10')"
	hedb-load --secure --dbname test --query 'SELECT s FROM t WHERE id = 7' --region "$region" >"$base/load.out" 2>&1
	equal 'hedb-load' "$(cat "$base/load.out")" 'row 7'
	# while its session is there: afterwards the channel is wiped
	equal 'no text is readable in the region' "$(client -c "SELECT count(*) FROM t WHERE s = 'row 4999'" \
		-c "\\! grep -caF 'row 4999' $region")" "$(printf '1\n0')"

	use pg
	equal 'role db computes' "$(q -c 'SELECT count(*) FROM t WHERE a < a + a')" 4995
	has 'and does not decrypt' "$(client -c 'SELECT a FROM t LIMIT 1')" 'does not name the role client'
	has 'nor encrypt' "$(client -c 'SELECT count(*) FROM t WHERE a = 3')" 'does not name the role client'
	use web
	has 'a certificate of another service' "$(q -c 'SELECT count(*) FROM t WHERE a < a + a')" 'not the role for this'
	use nobody
	has 'a file that is not there' "$(q -c 'SELECT count(*) FROM t WHERE a < a + a')" 'no sealed channel to ops_server'
	use pg
	equal 'the backend is the same as before' "$(q -c 'SELECT count(*) FROM t WHERE a < a + a')" 4995
	has 'a plain one is refused' "$(q -c 'SET hedb.secure = off' -c 'SELECT count(*) FROM t WHERE a < a + a')" \
		'sealed channels only'

	# a session's files are replaced while it has a channel
	put pg
	use my
	coproc SESSION { psql -XAtq 2>&1; }
	ask() {
		echo "$1;" >&"${SESSION[1]}"
		IFS= read -r -t 20 line <&"${SESSION[0]}"
		echo "$line"
	}
	equal 'a session that stays' "$(ask 'SELECT count(*) FROM t WHERE a < a + a')" 4995
	as_user truncate -s 300 "$base/ca/zone/my.pem"
	sleep 1.2
	equal 'half of its certificate: it goes on' "$(ask 'SELECT count(*) FROM t WHERE a < a + a')" 4995
	sleep 1.2
	equal 'and on' "$(ask 'SELECT count(*) FROM t WHERE a < a + a')" 4995
	equal 'the log says so, once' "$(grep -c 'certificates and keys are as they were: .*my.pem' "$base/log/postgres")" 1
	put dev
	equal 'another one: its next handshake shows it' "$(ask "SET hedb.mode = client; SELECT s FROM t WHERE id = 7")" 'row 7'
	has 'the log says that as well' "$(cat "$base/log/postgres")" 'certificates and keys were read anew'
	exec {SESSION[1]}>&-
	wait $SESSION_PID 2>/dev/null
	use pg

	# in the middle of a query: the server dies, its successor is asked all the same
	q -c "SELECT count(*) FROM t x JOIN t y ON x.id % 50 = y.id % 50 WHERE x.a + y.a > x.a" >"$base/long" &
	asker=$!
	sleep 0.5
	zone_stop KILL
	CXL_SECURE=1 zone_start --secure required --cert "$base/ca/zone/vault.pem" \
		--key "$base/ca/zone/vault.key" --ca "$base/ca/zone/ca.pem" --crl "$base/ca/zone/crl.pem"
	wait $asker
	equal 'a successor goes on' "$(cat "$base/long")" "$(q -c \
		"SELECT count(*) FROM generate_series(1, 5000) x JOIN generate_series(1, 5000) y ON x % 50 = y % 50
		 WHERE y * 3 % 1000 > 0")"
	as_user hedbctl ca revoke "$base/ca/zone" pg >/dev/null
	kill -HUP "$zone_pid"
	sleep 0.5
	has 'revoked' "$(q -c 'SELECT count(*) FROM t WHERE a < a + a')" revoked
}

# ---- with a manager (cxl_sec_mgr) ----

acl() {
	as_user hedbctl acl "$@" --sec-mgr "127.0.0.1:$port" --cert "$base/ca/zone/root.pem" \
		--key "$base/ca/zone/root.key" --ca "$base/ca/zone/ca.pem" 2>&1
}

# A port that is free now: another program may be quicker, so it is tried a few times.
manager_start() {
	for try in 1 2 3 4 5; do
		[ -n "$port" ] || port=$((20000 + ($$ * 7 + try * 131) % 10000))
		( # exec: $! has to be the manager itself
			set -- "$base/bin/cxl_sec_mgr" --listen "127.0.0.1:$port" --store "$base/mgr" \
				--cert "$base/ca/zone/mgr.pem" --key "$base/ca/zone/mgr.key" --ca "$base/ca/zone/ca.pem"
			[ -z "$user" ] || set -- setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups "$@"
			exec "$@" >>"$base/log/mgr" 2>&1
		) &
		mgr=$!
		for _ in $(seq 100); do
			acl list >/dev/null && return
			kill -0 "$mgr" 2>/dev/null || break
			sleep 0.1
		done
		port=
	done
	echo 'not ok - the manager starts'
}

managed_all() {
	zone_stop
	port=
	certificate mgr server:mgr
	certificate root admin
	certificate pg db
	cp "$root/build/cxl_sec_mgr" "$base/bin/"
	manager_start
	for node in vault pg dev; do acl node add "$node" "$base/ca/zone/$node.pem" >/dev/null; done
	acl range add all --service ops >/dev/null
	acl grant vault all write >/dev/null
	acl grant dev all write >/dev/null
	export CXL_SEC_MGR=127.0.0.1:$port
	CXL_SECURE=1 zone_start --secure required --cert "$base/ca/zone/vault.pem" --key "$base/ca/zone/vault.key" \
		--ca "$base/ca/zone/ca.pem" --crl "$base/ca/zone/crl.pem" --sec-mgr "127.0.0.1:$port"
	use pg
	has 'without the manager no channel of one who has it' "$(q -c "SET hedb.timeout = '2s'" \
		-c 'SELECT count(*) FROM t WHERE a < a + a')" 'manager'
	q -c "LOAD 'hedb'" -c "ALTER SYSTEM SET hedb.sec_mgr = '127.0.0.1:$port'" -c 'SELECT pg_reload_conf()' >/dev/null
	sleep 0.3
	has 'a node without a right' "$(q -c 'SELECT count(*) FROM t WHERE a < a + a')" \
		'the manager gives this node no right to'
	acl grant pg all write >/dev/null
	equal 'and with one' "$(q -c 'SELECT count(*) FROM t WHERE a < a + a')" 4995
	# the programs, by options alone
	by_options() {
		env -u CXL_SECURE -u CXL_SEC_MGR -u CXL_CERT -u CXL_KEY -u CXL_CA "$@" --secure --sec-mgr "127.0.0.1:$port" \
			--cert "$base/ca/zone/dev.pem" --key "$base/ca/zone/dev.key" --ca "$base/ca/zone/ca.pem" 2>&1
	}
	has 'hedbctl, of a manager' "$(by_options hedbctl status "$region")" 'channels_sealed 1'
	equal 'hedb-load, of a manager' "$(by_options hedb-load --dbname test --query 'SELECT s FROM t WHERE id = 7' --region "$region")" 'row 7'

	# one session, whose channel stays open
	coproc SESSION { psql -XAtq 2>&1; }
	ask() {
		echo "SELECT count(*) FROM t WHERE a < a + $1;" >&"${SESSION[1]}"
		IFS= read -r -t 20 line <&"${SESSION[0]}"
		echo "$line"
	}
	equal 'a session that stays' "$(ask a)" 4995
	acl revoke pg >/dev/null
	has 'its right is taken away: the next statement says so' "$(ask 'a')" \
		'the manager gives this node no right to'
	acl grant pg all write >/dev/null
	equal 'and given back: the one after goes on' "$(ask 'a')" 4995

	kill -STOP "$mgr"
	equal 'the manager hangs: who has a channel keeps it' "$(ask a)" 4995
	cancelled 'who waits for it can be cancelled'
	kill -KILL "$mgr"
	kill -CONT "$mgr"
	wait "$mgr" 2>/dev/null
	cancelled 'also when there is none'
	t0=$(date +%s%N)
	has 'there is none: a new session says so' "$(q -c "SET hedb.timeout = '1s'" -v VERBOSITY=verbose \
		-c 'SELECT count(*) FROM t WHERE a < a + a')" '08006: no sealed channel to ops_server: no answer from the manager'
	took=$((($(date +%s%N) - t0) / 1000000))
	equal 'within hedb.timeout' "$([ $took -lt 3000 ] || echo "$took ms")" ''
	equal 'the other one still has it' "$(ask a)" 4995
	manager_start
	equal 'it is back' "$(q -c 'SELECT count(*) FROM t WHERE a < a + a')" 4995
	exec {SESSION[1]}>&-

	# ops_server alone has no answer
	zone_stop
	zone_up="grep -q serving.nobody $base/log/ops_server" zone_start --secure required --cert "$base/ca/zone/vault.pem" \
		--key "$base/ca/zone/vault.key" --ca "$base/ca/zone/ca.pem" --sec-mgr 127.0.0.1:1
	has 'ops_server has no answer from the manager: a session is told so' \
		"$(q -c "SET hedb.timeout = '1s'" -v VERBOSITY=verbose -c 'SELECT count(*) FROM t WHERE a < a + a')" \
		'08006: sealed channel: the other end refused: it has no answer from the manager'
	cancelled 'and can be cancelled while it tries'
	kill "$mgr"
}

each_check < <(
	. "$here/cluster.sh"
	cluster_begin || exit 1
	mgr=
	trap 'status=$?; [ -z "$mgr" ] || kill -KILL "$mgr" 2>/dev/null; (exit $status); cluster_end' EXIT
	cp "$root/build/hedb-load" "$base/bin/"
	secure_all
	managed_all
	echo 'ok - ran to its end'
)
wait $!
check "$p: every test ran" $?
