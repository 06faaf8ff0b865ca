-- the default is ciphertext, and anybody may return to it
LOAD 'hedb';
SHOW hedb.mode;
SELECT enable_server_mode();
SELECT enable_client_mode();
SHOW hedb.mode;
SET hedb.mode = server;
SET hedb.mode = maintenance;
SET hedb.nonsense = 1;
-- without a credential
SET hedb.client_credential = '';
SELECT enable_client_mode();
SET hedb.mode = client;
SHOW hedb.mode;
SELECT enc_int4_encrypt(1);
SET hedb.client_credential = '/nonexistent';
SELECT enc_int4_encrypt(1);
RESET hedb.client_credential;
SELECT enc_int4_decrypt(enc_int4_encrypt(1));
-- an ordinary user
CREATE ROLE regress_hedb;
CREATE TABLE secrets AS SELECT enc_int4_encrypt(g) AS a FROM generate_series(1, 3) g;
GRANT SELECT ON secrets TO regress_hedb;
SET ROLE regress_hedb;
SET hedb.client_credential = '/tmp/mine';
SET hedb.region = '/tmp/mine';
SELECT enc_int4_decrypt(a) FROM secrets;
SELECT count(*) FROM secrets WHERE a = a;
SELECT calls > 0 AS called FROM hedb_stat_channel;
RESET ROLE;
DROP TABLE secrets;
DROP ROLE regress_hedb;
-- a region that is none
SET hedb.region = '';
SELECT enc_int4_encrypt(1);
SET hedb.region = '/nonexistent/region';
\set VERBOSITY terse
SELECT enc_int4_encrypt(1);
SET hedb.region = 'PG_VERSION'; -- relative to the data directory: exists, but is no region
SELECT enc_int4_encrypt(1);
RESET hedb.region;
SELECT enc_int4_decrypt(enc_int4_encrypt(1));
