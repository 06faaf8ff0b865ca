-- The server must have hedb.region and hedb.client_credential set (tests/pg/run does).
CREATE EXTENSION hedb;
CREATE VIEW ours AS SELECT d.classid, d.objid FROM pg_depend d
	JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
	WHERE extname = 'hedb';
-- what must hold for every function and operator of the extension
SELECT p.oid::regprocedure AS not_parallel_safe FROM pg_proc p JOIN ours ON objid = p.oid
	WHERE classid = 'pg_proc'::regclass AND proparallel <> 's' ORDER BY 1;
SELECT p.oid::regprocedure AS not_strict FROM pg_proc p JOIN ours ON objid = p.oid
	WHERE classid = 'pg_proc'::regclass AND NOT proisstrict AND prokind = 'f'
	AND 'internal'::regtype <> ALL (proargtypes) AND pronargs > 0 AND proname <> 'overlaps';
SELECT o.oid::regoperator AS no_selectivity FROM pg_operator o JOIN ours ON objid = o.oid
	WHERE classid = 'pg_operator'::regclass AND oprresult = 'bool'::regtype
	AND (oprnegate = 0 OR oprrest = 0 OR oprjoin = 0) AND oprcode::oid <> 'enc_text_regex'::regproc;
SELECT p.oid::regprocedure AS public_may_decrypt FROM pg_proc p
	WHERE proname ~ '_decrypt$' AND has_function_privilege('public', p.oid, 'execute');
SELECT amname, opcname, opcdefault, amvalidate(c.oid) FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod
	WHERE opcname ~ 'enc_' ORDER BY 1, 2;
SELECT c.oid FROM pg_opclass c JOIN pg_amproc p ON amprocfamily = opcfamily
	WHERE opcname ~ 'btree_enc_' AND amprocnum = 4; -- no equalimage
