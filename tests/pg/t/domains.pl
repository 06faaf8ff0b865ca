#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
#
# domains.pl - keys per column and per tenant: a column brought into a domain of keys while the rest
# stays, kept there, rotated by itself, destroyed by itself; two tenants in one table, of which the
# zone lets each session, superuser or not, see one; what is said of it.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Zone;

my $zone = Zone->new('--ops-channels', 64);
my $node = PostgreSQL::Test::Cluster->new('main');
my $client = 'SET hedb.mode = client;';

sub sql { return $node->safe_psql('postgres', join ';', @_); }

# what it says, errors and notices too
sub said {
	my @answer = $node->psql('postgres', join(';', @_), extra_params => ['-v', 'VERBOSITY=verbose']);
	return $answer[2];
}

# "column:key=values ..." of a table, without its indexes
sub usage {
	my $table = shift;
	return sql(qq{SELECT string_agg("column" || ':' || key_id || '=' || "values", ' ' ORDER BY "column", key_id)
		FROM hedb.key_usage('$table') WHERE index IS NULL});
}

# ---- a column ----

sub column_moves {
	sql($client, <<'SQL');
CREATE TABLE emp (id int PRIMARY KEY, name enc_text, salary enc_int4, bonus enc_int4[]);
INSERT INTO emp SELECT g, 'name ' || g, 1000 + g, ARRAY[g, g + 1]::text[]::enc_int4[] FROM generate_series(1, 500) g;
CREATE INDEX emp_salary ON emp (salary);
SQL
	like(said(q{CALL hedb.rekey('emp', "column" => 'salary', domain => 'pay')}), qr/42704: no domain of keys "pay" has an active key/,
		'a domain that is not there');
	like(said(q{SELECT hedb.to_domain(salary, 'pay') FROM emp}), qr/58P01: there is no domain of keys of that name/, 'nor by hedb.to_domain()');
	$zone->key('add', '--domain', 'pay');
	$zone->reload;
	is(sql('SELECT * FROM hedb.key_domains()'), "default|1\npay|", 'a domain without an active key');
	$zone->key('rotate', '--domain', 'pay');
	$zone->reload;
	is(sql('SELECT * FROM hedb.key_domains()'), "default|1\npay|2", 'hedb.key_domains()');
	is(sql(q{SELECT hedb.active_key('pay'), hedb.active_key()}), '2|1', 'hedb.active_key(domain)');
	my $plain = sql($client, 'SELECT md5(string_agg(emp::text, chr(10) ORDER BY id)) FROM emp');
	my $size = sql('SELECT sum(pg_column_size(salary)) FROM emp');
	like(said(q{CALL hedb.rekey('emp', "column" => 'pay')}), qr/42703: emp has no column "pay" of an encrypted type/, 'a column that is not there');
	like(said(q{CALL hedb.rekey('emp', "column" => 'salary', domain => 'pay')}),
		qr/emp\.salary: all values are under key 2, 500 rows rewritten/, 'a column goes into a domain');
	is(usage('emp'), 'bonus:1=1000 name:1=500 salary:2=500', 'it alone');
	is(sql('SELECT sum(pg_column_size(salary)) FROM emp'), $size, 'no value has grown');
	is(sql($client, 'SELECT md5(string_agg(emp::text, chr(10) ORDER BY id)) FROM emp'), $plain, 'and all are what they were');
	sql('REINDEX TABLE emp');
	is(sql(q{SELECT DISTINCT key_id FROM hedb.index_key_usage('emp_salary')}), '2', 'its index follows by REINDEX');
	sql(q{CALL hedb.rekey('emp', "column" => 'bonus', domain => 'pay')});
	is(usage('emp'), 'bonus:2=1000 name:1=500 salary:2=500', 'arrays, too');
	sql(q{CALL hedb.rekey('emp', "column" => 'bonus', domain => 'default')});
	is(usage('emp'), 'bonus:1=1000 name:1=500 salary:2=500', 'and back');
	return;
}

sub column_stays {
	sql('UPDATE emp SET salary = salary + salary WHERE id <= 250');
	is(usage('emp'), 'bonus:1=1000 name:1=500 salary:2=500', 'what is made of it is under its keys');
	is(sql('SELECT DISTINCT hedb.key_id(s) FROM (SELECT sum(salary) s FROM emp UNION ALL SELECT max(salary) FROM emp) x'), '2',
		'aggregates too');
	is(sql('SELECT hedb.key_id(salary + bonus[1]) FROM emp WHERE id = 1'), '2', 'also with one of the default domain');
	sql($client, 'INSERT INTO emp VALUES (501, $$n$$, 5, NULL)');
	is(usage('emp'), 'bonus:1=1000 name:1=501 salary:1=1 salary:2=500', 'a constant has no domain');
	sql(q{CREATE TRIGGER pay BEFORE INSERT OR UPDATE ON emp FOR EACH ROW EXECUTE FUNCTION hedb.keep_in_domain('pay', 'salary')});
	sql($client, 'INSERT INTO emp VALUES (502, $$n$$, 5, NULL), (503, $$n$$, NULL, NULL)',
		'UPDATE emp SET salary = 6 WHERE id = 501');
	is(usage('emp'), 'bonus:1=1000 name:1=503 salary:2=502', 'but what is written by way of the trigger');
	is(sql($client, 'SELECT id, salary FROM emp WHERE id > 500 ORDER BY id'), "501|6\n502|5\n503|", 'is what it was');
	my $before = sql('SELECT salary::text FROM emp WHERE id = 1');
	sql($client, q{UPDATE emp SET name = 'other' WHERE id = 1});
	is(sql('SELECT salary::text FROM emp WHERE id = 1'), $before, 'what an UPDATE leaves alone is not sealed anew');
	like(said(q{CREATE TABLE x (a enc_int4); CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW EXECUTE FUNCTION hedb.keep_in_domain('pay', 'b');
		INSERT INTO x VALUES ((SELECT salary FROM emp WHERE id = 1))}), qr/42703: "b" is no column of table "x"/, 'a trigger for no column');
	like(said(q{DROP TABLE x; CREATE TRIGGER after AFTER INSERT ON emp FOR EACH ROW EXECUTE FUNCTION hedb.keep_in_domain('pay', 'salary');
		INSERT INTO emp VALUES (600)}), qr/39P01: hedb\.keep_in_domain/, 'or of another kind');
	sql('DROP TRIGGER after ON emp');
	return;
}

sub rotation {
	$zone->key('rotate');
	$zone->reload;
	like(said(q{CALL hedb.rekey('emp')}), qr/emp: all values are under key 3 or 2, /, 'CALL hedb.rekey of a table');
	is(usage('emp'), 'bonus:3=1000 name:3=503 salary:2=502', 'brings each column under the active key of its domain');
	$zone->key('rotate', '--domain', 'pay');
	$zone->reload;
	sql(q{CALL hedb.rekey('emp')});
	is(usage('emp'), 'bonus:3=1000 name:3=503 salary:4=502', 'which are rotated one by one');
	like(said(q{CALL hedb.rekey('emp')}), qr/, 0 rows rewritten/, 'and then there is nothing to do');
	return;
}

sub column_destroyed {
	sql('DROP TRIGGER pay ON emp');
	my $names = sql($client, 'SELECT md5(string_agg(name::text || bonus::text, chr(10) ORDER BY id)) FROM emp');
	$zone->key('destroy', '--domain', 'pay', '--yes');
	$zone->reload;
	like(said($client, 'SELECT salary FROM emp WHERE id = 1'), qr/58P01: encrypted value is under a key that was destroyed/, 'destroyed: the column is lost');
	like(said('SELECT count(*) FROM emp WHERE salary < salary'), qr/58P01/, 'for whatever one does');
	is(sql($client, 'SELECT md5(string_agg(name::text || bonus::text, chr(10) ORDER BY id)) FROM emp'), $names, 'and nothing else is');
	like(said(q{SELECT hedb.to_domain(name, 'pay') FROM emp}), qr/58P01: .* or it has no active key/, 'nothing goes into it any more');
	$zone->key('rotate');
	$zone->reload;
	sql('DROP INDEX emp_salary'); # who writes a row compares with what is in it
	like(said(q{CALL hedb.rekey('emp', "column" => 'name')}), qr/emp\.name: all values are under key 5, 503 rows/, 'other columns are rotated as ever');
	is(sql(q{SELECT DISTINCT key_id FROM hedb.key_usage('emp') WHERE "column" = 'salary'}), '4', 'what is left can be counted');
	return;
}

# ---- tenants ----

my $policy = PostgreSQL::Test::Utils::tempdir('policy');

sub write_policy {
	my ($version) = @_;
	my %public = map { $_ => (split /:/, slurp_file("$policy/$_.pub"))[-1] =~ s/\s//gr } qw(a b);

	append_to_file("$policy/p.new", <<"POLICY");
[policy]
name = tenants
version = $version
[domain a]
keys = tenant_a
[domain b]
keys = tenant_b
[role db]
allow = null count
[role for_a]
key = $public{a}
domain = tenant_a
computed = allow
results = kept
[role for_a a]
allow = all encrypt decrypt
[role for_b]
key = $public{b}
domain = tenant_b
computed = allow
results = kept
[role for_b b]
allow = all encrypt decrypt
POLICY
	rename("$policy/p.new", "$policy/p") or die "$!\n";
	system_or_bail('hedbctl', 'policy', 'sign', "$policy/p", '--key', "$policy/owner");
	return;
}

# In a session that has proved to be for that tenant; what it says.
sub tenant {
	my ($who, @statements) = @_;
	my $script = <<"PROVE" . join('', map { "$_;\n" } @statements);
SELECT hedb_challenge('for_$who') AS text \\gset
\\setenv TEXT :text
\\set signature `hedbctl policy prove "\$TEXT" --key $policy/$who`
SELECT hedb_prove('for_$who', decode(:'signature', 'hex')) \\gset
PROVE
	my ($rc, $out, $err) = $node->psql('postgres', $script, extra_params => ['-v', 'VERBOSITY=verbose'], on_error_stop => 0);
	return $err || $out;
}

sub tenants {
	system_or_bail('hedbctl', 'policy', 'keygen', "$policy/$_") for qw(owner a b);
	write_policy(1);
	$zone->stop;
	my $log = `ops_server --region $zone->{region} --keys $zone->{keys} --policy $policy/p --policy-key $policy/owner.pub 2>&1`;
	like($log, qr/names "tenant_a", a domain of keys that the key file has not: hedbctl key add FILE --domain tenant_a/,
		'a policy for domains that are not there is no start');
	for (qw(tenant_a tenant_b)) {
		$zone->key('add', '--domain', $_);
		$zone->key('rotate', '--domain', $_);
	}
	$zone->start('--workers', 2, '--policy', "$policy/p", '--policy-key', "$policy/owner.pub");
	is(sql('SELECT * FROM hedb.key_domains() OFFSET 2'), "tenant_a|6\ntenant_b|7", 'two tenants');

	sql('CREATE TABLE orders (tenant text, id int, amount enc_int4)');
	is(tenant($_, $client, "INSERT INTO orders SELECT '$_', g, g * 100 FROM generate_series(1, 50) g"), '', "$_ writes") for qw(a b);
	is(sql('SELECT tenant, hedb.key_id(amount), count(*) FROM orders GROUP BY 1, 2 ORDER BY 1'), "a|6|50\nb|7|50",
		'what a tenant encrypts is under its keys');
	is(tenant('a', $client, q{SELECT amount FROM orders WHERE tenant = 'a' AND id < 3 ORDER BY id}), "100\n200", 'which it reads');
	is(tenant('b', q{SELECT count(*) FROM orders WHERE tenant = 'b' AND amount > (SELECT amount FROM orders WHERE tenant = 'b' AND id = 40)}),
		10, 'and computes with');
	my $no = qr/42501: policy "tenants" denies role for_a \S+ in domain b\nHINT:  A session may use the domains of the role that it has proved/;
	is(sql('SELECT rolsuper FROM pg_roles WHERE rolname = current_user'), 't', 'all that by a superuser');
	like(tenant('a', $client, q{SELECT amount FROM orders WHERE tenant = 'b'}), $no, 'a does not read what is b\'s');
	like(tenant('a', 'SELECT count(*) FROM orders WHERE amount < amount'), $no, 'nor compares it, in a batch of both');
	like(tenant('a', q{SELECT enc_int4_hash(amount) FROM orders WHERE tenant = 'b'}), $no, 'nor hashes it');
	like(tenant('a', q{SELECT sum(amount) FROM orders}), $no, 'nor sums it');
	like(tenant('a', q{SELECT x.id FROM orders x JOIN orders y ON x.amount = y.amount AND x.tenant < y.tenant}), $no, 'nor joins both');
	like(tenant('a', q{SELECT id FROM orders ORDER BY amount}), $no, 'nor sorts');
	like(tenant('a', q{CREATE INDEX ON orders (amount)}), $no, 'nor makes an index of both');
	like(tenant('a', q{SELECT hedb.to_domain(amount, 'tenant_a') FROM orders WHERE tenant = 'b'}),
		qr/42501: .* denies role for_a a result outside of its domain in domain b/, 'nor brings it into its own domain');
	like(tenant('a', q{SELECT hedb.to_domain(amount, 'tenant_b') FROM orders WHERE tenant = 'a'}),
		qr/42501: .* denies role for_a to bring values in domain b/, 'nor puts something into b\'s');
	is(tenant('a', q{CREATE INDEX of_a ON orders (amount) WHERE tenant = 'a'}, 'SET enable_seqscan = off',
		q{SELECT count(*) FROM orders WHERE tenant = 'a' AND amount <= (SELECT amount FROM orders WHERE tenant = 'a' AND id = 7)}),
		7, 'an index of its own it does');
	like(said('SELECT count(*) FROM orders WHERE amount < amount'), qr/42501: .* denies role db enc_int4_lt in domain a/,
		'who has proved nothing sees neither');
	is(sql(q{SELECT count(amount) FROM orders WHERE tenant = 'b'}), 50, 'but counts');
	like(`hedbctl status $zone->{region}`, qr/^denied ([1-9]\d)$/m, 'denials are counted');

	is(tenant('a', q{UPDATE orders SET amount = amount + amount WHERE tenant = 'a'},
		q{SELECT DISTINCT hedb.key_id(amount) FROM orders WHERE tenant = 'a'}), 6, 'what it makes of its own stays its own');
	$zone->key('rotate', '--domain', 'tenant_a');
	$zone->reload;
	is(tenant('a', q{UPDATE orders SET amount = enc_int4_reencrypt(amount) WHERE tenant = 'a'},
		q{SELECT hedb.key_id(amount), count(*) FROM orders WHERE tenant = 'a' GROUP BY 1}), '8|50', 'a rotates its key, under the same policy');

	$zone->key('destroy', '--domain', 'tenant_a', '--yes');
	$zone->reload;
	like(tenant('a', $client, q{SELECT amount FROM orders WHERE tenant = 'a'}), qr/58P01: the session's domain of keys has no active key/,
		'a leaves: its sessions get nothing');
	like(tenant('a', $client, q{INSERT INTO orders VALUES ('a', 1, 1)}), qr/58P01: the session's domain of keys has no active key/,
		'and it writes none');
	is(tenant('b', $client, q{SELECT sum(amount) FROM orders WHERE tenant = 'b'}), 127500, 'b\'s are as before');
	return;
}

$node->init(extra => ['-E', 'UTF8', '--locale=C.UTF-8']);
$node->append_conf('postgresql.conf', $zone->conf . "session_preload_libraries = 'hedb'\nhedb.timeout = 20s\n");
$node->start;
$zone->start('--workers', 2);
sql('CREATE EXTENSION hedb');
column_moves();
column_stays();
rotation();
column_destroyed();
tenants();
$node->stop;
done_testing();
