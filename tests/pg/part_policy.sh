# SPDX-License-Identifier: BSD-3-Clause
# part_policy.sh - who may do what: the smuggle attack (smuggle.sql) under each of the policies in
# deploy/policy, what an administrator may do all the same, and which policies are refused.
# Sourced by run.

. "$here/says.sh"

# A value of an administrator's session is denied, SQLSTATE and all.
denied() {
	has "$1" "$(psql -XAtq -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -c "$2" 2>&1)" "$3"
}

# policy FILE VERSION [SED]: sign it, with a version of its own
policy() {
	sed "s/^version = .*/version = $2/;${3:-}" "$root/deploy/policy/$1.ini" >"$base/policy/policy"
	hedbctl policy sign "$base/policy/policy" --key "$base/policy/owner" >/dev/null
}

reload() {
	kill -HUP "$zone_pid"
	for _ in $(seq 50); do
		hedbctl status "$region" | grep -q "^policy_version $1\$" && return
		sleep 0.1
	done
	echo "not ok - policy version $1 came into force"
}

# refused NAME WHY: a reload that is not one
refused() {
	lines=$(wc -l <"$base/log/ops_server")
	kill -HUP "$zone_pid"
	for _ in $(seq 50); do
		tail -n +$((lines + 1)) "$base/log/ops_server" | grep -q 'reload' && break
		sleep 0.1
	done
	has "$1" "$(tail -n +$((lines + 1)) "$base/log/ops_server")" "reload refused, going on as before: $2"
}

attacks_fail() {
	denied 'the attack' 'SELECT smuggled(salary, salary) FROM staff WHERE id = 7' \
		'ERROR:  42501: policy "'"$1"'" denies role db enc_int4_div'
	for make in 'salary - salary' 'salary * salary' 'salary % salary' 'salary ^ salary' 'salary & salary' \
		'abs(salary)' '-salary' 'sign(salary)' 'length(name)' 'salary::enc_text' 'lower(name)' \
		'name || name' 'substr(name, 1, 1)' 'md5(name)' "extract(year FROM born)" \
		"date_trunc('month', born)" 'born - born' 'make_date(salary, salary, salary)'; do
		denied "no constant by $make" "SELECT $make FROM staff" 'denies role db'
	done
	denied 'nor by sum' 'SELECT sum(salary) FROM staff' 'denies role db'
	denied 'nor by avg' 'SELECT avg(salary) FROM staff' 'denies role db'
	denied 'nor in a batch' 'SELECT count(*) FROM staff WHERE salary / salary = salary' 'denies role db'
	# constants made before the policy, under `open`
	for ask in 'SELECT count(*) FROM staff, stash WHERE salary = v' \
		'SELECT count(*) FROM staff, stash WHERE salary > v' \
		'SELECT count(*) FROM staff JOIN stash ON salary = v' \
		'SELECT salary FROM staff UNION SELECT v FROM stash' \
		'SELECT count(*) FROM (SELECT salary FROM staff UNION ALL SELECT v FROM stash) x GROUP BY salary' \
		'SELECT salary FROM (SELECT salary FROM staff UNION ALL SELECT v FROM stash) x ORDER BY salary' \
		'SELECT count(*) FROM staff WHERE salary = (SELECT max(x) FROM (SELECT salary x FROM staff UNION ALL SELECT v FROM stash) y)' \
		'SELECT enc_int4_hash(v) FROM stash' \
		'SELECT enc_int4_cmp(salary, v) FROM staff, stash' \
		'SELECT NULLIF(salary, v) FROM staff, stash' \
		'SELECT salary IS DISTINCT FROM v FROM staff, stash' \
		'SELECT least(salary, v) = v FROM staff, stash' \
		'SELECT CASE WHEN id > 0 THEN v ELSE salary END = salary FROM staff, stash WHERE v = v' \
		'CREATE INDEX ON stash (v)'; do
		denied "stored constants: $ask" "$ask" 'denies role db'
	done
	# what their errors would say
	denied 'errors: division' 'SELECT 1 FROM staff, stash WHERE salary / (salary - v) IS NULL' 'denies role db'
	denied 'errors: overflow' 'SELECT salary + v FROM staff, stash' 'denies role db'
	denied 'decrypt' 'SELECT enc_int4_decrypt(salary) FROM staff' 'credential'
}

maintenance_works() {
	equal 'lookups' "$(q -c 'SELECT count(*) FROM staff WHERE salary = (SELECT salary FROM staff WHERE id = 7)')" 3
	equal 'order' "$(q -c 'SELECT id FROM staff ORDER BY salary DESC, id LIMIT 3')" "$(printf '49\n99\n48')"
	equal 'groups' "$(q -c 'SELECT count(*) FROM (SELECT FROM staff GROUP BY salary) x')" 50
	equal 'joins' "$(q -c 'SELECT count(*) FROM staff a JOIN staff b USING (salary)')" 202
	q -c 'CREATE INDEX staff_salary ON staff (salary)' -c 'REINDEX TABLE staff' -c 'ANALYZE staff' \
		-c 'VACUUM FULL staff' -c 'SET enable_seqscan = off' \
		-c 'SELECT count(*) FROM staff WHERE salary >= (SELECT max(salary) FROM staff)' >"$base/out"
	equal 'indexes, VACUUM, ANALYZE' "$(cat "$base/out")" 2
	q -c 'DROP INDEX staff_salary'
}

# prove ROLE KEY: psql's lines for it, as an application does it
prove() {
	cat <<END
SELECT hedb_challenge('$1') AS text \gset
\setenv TEXT :text
\set signature \`hedbctl policy prove "\$TEXT" --key $2\`
SELECT hedb_prove('$1', decode(:'signature', 'hex'));
END
}

# app SQL...: in a session that has proved to be the application
app() {
	{
		prove app "$base/policy/app"
		printf '%s;\n' "$@"
	} | psql -XAtq -v ON_ERROR_STOP=1 2>&1 | sed 1d # hedb_prove's nothing
}

application_works() {
	equal 'the application computes' "$(app 'SELECT count(*) FROM staff WHERE salary + salary > salary')" 100
	equal 'in parallel workers' "$(app 'SET parallel_setup_cost = 0' 'SET parallel_tuple_cost = 0' \
		'SET min_parallel_table_scan_size = 0' 'SELECT count(*) FROM staff WHERE salary + salary > salary')" 100
	has 'it does not decrypt' "$(app 'SELECT enc_int4_decrypt(salary) FROM staff')" 'denies role app enc_int4_decrypt'
	equal 'what it computes is as good as entered' "$(app 'CREATE TABLE raised AS SELECT id, salary + salary AS salary FROM staff'
		q -c 'SELECT count(*) FROM raised a, raised b WHERE a.salary = b.salary')" 202
	has 'what it makes of the stash is not' "$(app 'CREATE TABLE laundered AS SELECT v + v AS v FROM stash LIMIT 5'
		q -c 'SELECT count(*) FROM staff, laundered WHERE salary = v')" 'of a computed value'
	has 'it knows who it is' "$(app 'SELECT role, comparisons > 99 FROM (SELECT count(*) FROM staff WHERE salary + salary > salary) x,
		hedb_stat_released')" 'app|'
	equal 'its pass is not shown' "$(app 'SHOW hedb.session_pass')" '(secret)'
	has 'RESET ALL ends it' "$(app 'RESET ALL' 'SELECT salary + salary FROM staff')" 'role db'
	has 'ROLLBACK does' "$({ echo 'BEGIN;'; prove app "$base/policy/app"; echo 'ROLLBACK; SELECT salary + salary FROM staff;'; } |
		psql -XAtq 2>&1)" 'role db'
	has 'a stranger is not it' "$(prove app "$base/policy/stranger" | psql -XAtq 2>&1)" "the signature is not that role's key's"
	has 'nor is a signature that was seen' "$(psql -XAtq -c "SELECT hedb_prove('app', decode(repeat('00', 64), 'hex'))" 2>&1)" \
		'a proof needs a challenge of its own'
	has 'nothing else is signed' "$(hedbctl policy prove 'pay me' --key "$base/policy/app" 2>&1)" 'not a text of hedb_challenge'
}

policy_all() {
	mkdir "$base/policy"
	hedbctl policy keygen "$base/policy/owner" >/dev/null
	hedbctl policy keygen "$base/policy/stranger" >/dev/null
	hedbctl policy keygen "$base/policy/app" >/dev/null
	hedbctl audit keygen "$base/policy/audit" >/dev/null
	mkdir "$base/audit"
	[ -z "$user" ] || chown "$user" "$base/audit" "$base/policy/audit"
	policy open 1
	zone_start --audit "$base/audit" --audit-key "$base/policy/audit" --policy "$base/policy/policy" --policy-key "$base/policy/owner.pub"
	pg_begin "hedb.client_credential = '$credential'"
	q -c 'CREATE EXTENSION hedb' -c 'CREATE TABLE staff (id int, salary enc_int4, name enc_text, born enc_date)'
	PGOPTIONS='-c hedb.mode=client' q -c "INSERT INTO staff SELECT i, 30000 + i % 50 * 977, 'n' || i,
		date '1970-01-01' + i * 100 FROM generate_series(0, 99) i" \
		-c "UPDATE staff SET salary = 30000 + 7 * 977 WHERE id = 8"
	q -c "LOAD 'hedb'" -c "ALTER SYSTEM SET hedb.client_credential = ''" -c 'SELECT pg_reload_conf()' >/dev/null
	q -f "$root/tests/pg/smuggle.sql"
	sleep 0.3

	has 'the administrator cannot decrypt' "$(q -c 'SELECT enc_int4_decrypt(salary) FROM staff')" credential
	equal 'under open he knows every salary' "$(q -c 'SELECT id, smuggled(salary, salary) FROM staff ORDER BY id')" \
		"$(q -c "SELECT i, 30000 + CASE i WHEN 8 THEN 7 ELSE i % 50 END * 977 FROM generate_series(0, 99) i")"
	q -c 'CREATE TABLE stash AS SELECT unnest(smuggled_constants(salary)) v FROM staff WHERE id = 1'
	has 'the server says how much it told' "$(hedbctl status "$region" | grep '^released_comparisons')" \
		'released_comparisons 3'

	policy owner 2 "s/^;\[role app/[role app/; s/^;\(allow\|computed\|results\)/\1/; s/^;key = .*/key = $(sed 's/.*://' "$base/policy/app.pub")/"
	reload 2
	attacks_fail owner
	maintenance_works
	application_works
	has 'the audit log names it' "$(cat "$base"/audit/*)" 'role=db count=1 why: policy "owner" denies role db enc_int4_div'
	has 'denials are counted' "$(hedbctl status "$region" | grep -E '^denied [1-9]')" denied

	policy open 1
	refused 'an older policy' 'version 1 of the policy is older than version 2'
	policy open 2
	refused 'another one of the same version' 'another policy of the same version 2'
	policy open 3
	echo >>"$base/policy/policy"
	refused 'one that was changed' "$base/policy/policy: the signature is not the owner"
	hedbctl policy sign "$base/policy/policy" --key "$base/policy/stranger" >/dev/null
	refused 'one that a stranger signed' "$base/policy/policy: the signature is not the owner"
	rm "$base/policy/policy.sig"
	refused 'one without a signature' "$base/policy/policy.sig: No such file"
	equal 'what is no policy is not signed' "$(echo nonsense >"$base/policy/policy"
		hedbctl policy sign "$base/policy/policy" --key "$base/policy/owner" 2>&1)" \
		"hedbctl: line 1 is not \`name = value\`"
	denied 'the old one is in force all the while' 'SELECT smuggled(salary, salary) FROM staff' 'policy "owner"'

	policy dba 4
	reload 4
	attacks_fail dba
	maintenance_works
	denied 'nobody encrypts' "SELECT enc_int4_encrypt(1)" credential
	zone_stop
	hedbctl audit verify "$base/audit" --key "$base/policy/audit.pub" >"$base/verified"
	equal 'the audit log is whole' "$?" 0
	head=$(sed -n 's/^head //p' "$base/verified")
	sed -i '$d' "$base"/audit/audit.000001.log
	equal 'a line less at its end shows by the head' "$(hedbctl audit verify "$base/audit" --key "$base/policy/audit.pub" \
		--head "$head" 2>&1 | sed 's/line [0-9]*/line N/')" \
		'hedbctl: the log ends before line N, which was there when its hash was noted'
	sed -i '0,/ role=/s// tole=/' "$base"/audit/audit.000001.log
	has 'and one that was changed by itself' "$(hedbctl audit verify "$base/audit" --key "$base/policy/audit.pub" 2>&1)" \
		'the next line was changed'
	policy open 5
	echo >>"$base/policy/policy"
	"$base/bin/ops_server" --region "$region" --keys "$base/keys" --policy "$base/policy/policy" \
		--policy-key "$base/policy/owner.pub" >"$base/out" 2>&1
	equal 'no start with a bad one' "$?" 1
	has 'and it says why' "$(cat "$base/out")" 'the signature is not the owner'
}

each_check < <(
	. "$here/cluster.sh"
	cluster_begin || exit 1
	policy_all
	echo 'ok - ran to its end'
)
wait $!
check "$p: every test ran" $?
