-- View hedb_stat_programs of one process, where hedb is not in shared_preload_libraries.
SELECT enable_client_mode();
SET max_parallel_workers_per_gather = 0;
CREATE TABLE ps AS SELECT i, i::enc_int4 AS a, (i % 7)::enc_int4 AS b FROM generate_series(1, 2000) i;
ANALYZE ps;
SELECT hedb_stat_programs_reset();
SELECT count(*) FROM hedb_stat_programs;
SELECT count(DISTINCT i) FROM ps WHERE a + b > b;
SET hedb.enable_batch = off;
SELECT count(a * b + b) FROM ps WHERE i <= 20;
SELECT count(a * b) FROM ps WHERE i <= 10;
SELECT count(a + 1) FROM ps WHERE i <= 3;
PREPARE ps1 AS SELECT count(a * b + b) FROM ps WHERE i <= 5;
EXECUTE ps1;
EXECUTE ps1;
SELECT userid::regrole = current_user::regrole AS mine, dbid = (SELECT oid FROM pg_database
	WHERE datname = current_database()) AS here, program, arguments, calls, requests, rows,
	bytes_sent > rows * 64 AS sent, bytes_received > 0 AS received, waiting_ms >= 0 AS waited,
	length(digest)
	FROM hedb_stat_programs WHERE program LIKE '%mult%' OR program LIKE '%add%' ORDER BY program;
-- by user
CREATE ROLE ps_user;
GRANT SELECT ON ps TO ps_user;
SET ROLE ps_user;
SELECT count(a * b + b) FROM ps WHERE i <= 3;
SELECT program, arguments, requests FROM hedb_stat_programs WHERE program LIKE '%mult%' OR digest IS NULL
	ORDER BY program, requests;
SELECT hedb_stat_programs_reset();
RESET ROLE;
-- constants of whatever form are in none of it
SELECT count(*) FROM ps WHERE i <= 2 AND a IN (1234567, 7654321, 1) AND a + 424242 > b;
SELECT count(*) FROM hedb_stat_programs WHERE program || arguments ~ '1234567|7654321|424242';
DROP TABLE ps;
DROP ROLE ps_user;
