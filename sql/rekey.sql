
-- ---------------------------------------------------------------------------
-- Keys (docs/keys.md): which values are under which, and re-encryption of a table.

DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'hedb') THEN
		CREATE SCHEMA hedb;
		GRANT USAGE ON SCHEMA hedb TO PUBLIC;
	END IF;
END $$;

-- Of a value's header: nothing is asked of the zone, nothing is verified.
CREATE FUNCTION hedb.key_id("any") RETURNS int4
	AS 'MODULE_PATHNAME', 'hedb_key_id' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hedb.key_id("any") IS 'the id of the data key that an encrypted value is under';
CREATE FUNCTION hedb.active_key() RETURNS int4
	AS 'MODULE_PATHNAME', 'hedb_active_key' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION hedb.active_key() IS 'the id of the data key that ops_server encrypts under, in the default domain';
CREATE FUNCTION hedb.key_domains(OUT domain text, OUT active_key int4) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'hedb_key_domains' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION hedb.key_domains() IS 'domains of keys, and the key of each that is active (NULL: none)';
CREATE FUNCTION hedb.active_key(domain text) RETURNS int4
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
	active int4 := (SELECT d.active_key FROM hedb.key_domains() AS d WHERE d.domain = domain);
BEGIN
	IF active IS NULL THEN
		RAISE undefined_object USING MESSAGE = format('no domain of keys "%s" has an active key', domain),
			HINT = 'hedbctl key add and key rotate, with --domain; SELECT * FROM hedb.key_domains() shows them.';
	END IF;
	RETURN active;
END $$;
COMMENT ON FUNCTION hedb.active_key(text) IS 'the id of the data key that ops_server encrypts under in that domain';
CREATE FUNCTION hedb.reencrypt(anyarray) RETURNS anyarray
	AS 'MODULE_PATHNAME', 'hedb_reencrypt_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 500;
COMMENT ON FUNCTION hedb.reencrypt(anyarray) IS 'the same values, encrypted under the active key';
CREATE FUNCTION hedb.to_domain(anyelement, domain text) RETURNS anyelement
	AS 'MODULE_PATHNAME', 'hedb_to_domain' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 500;
COMMENT ON FUNCTION hedb.to_domain(anyelement, text) IS 'the same value, or array of values, under the active key of that domain';
CREATE FUNCTION hedb.keep_in_domain() RETURNS trigger
	AS 'MODULE_PATHNAME', 'hedb_keep_in_domain' LANGUAGE C;
COMMENT ON FUNCTION hedb.keep_in_domain() IS 'trigger (domain, column, ...): what is written to the columns goes under a key of the domain';

-- Of a B-tree index: its pages have values of their own, also where rows are gone, and every
-- search compares with some. Other indexes have none (hashes).
CREATE FUNCTION hedb.index_key_usage(index regclass, OUT key_id int4, OUT "values" int8)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'hedb_index_key_usage' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;

-- A table's columns that hold encrypted values. type: of one value; NULL where they are inside
-- of something else, which is not looked into.
CREATE FUNCTION hedb.encrypted_columns(relation regclass, OUT "column" name, OUT type regtype,
	OUT is_array bool, OUT generated bool) RETURNS SETOF record
	LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH RECURSIVE encrypted AS (
		SELECT t.oid FROM pg_type t JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid
			AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid
		WHERE e.extname = 'hedb' AND t.typname LIKE 'enc\_%' AND t.typtype = 'b' AND t.typelem = 0),
	base AS (
		SELECT attname, attnum, attgenerated <> '' AS generated, atttypid AS type, false AS is_array, false AS inside
		FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped
		UNION ALL
		SELECT b.attname, b.attnum, b.generated, coalesce(nullif(t.typbasetype, 0), nullif(t.typelem, 0), a.atttypid),
			b.is_array OR t.typcategory = 'A', b.inside OR a.atttypid IS NOT NULL OR (b.is_array AND t.typcategory = 'A')
		FROM base b JOIN pg_type t ON t.oid = b.type
			LEFT JOIN pg_attribute a ON t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE t.typbasetype <> 0 OR (t.typelem <> 0 AND t.typcategory = 'A') OR a.atttypid IS NOT NULL)
	SELECT DISTINCT ON (attnum) attname, CASE WHEN NOT inside THEN type::regtype END, is_array, generated
	FROM base WHERE type IN (SELECT oid FROM encrypted) ORDER BY attnum, inside DESC
$$;

-- A table, and what inherits from it or is its partition.
CREATE FUNCTION hedb.relations(relation regclass) RETURNS SETOF regclass
	LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	WITH RECURSIVE r AS (SELECT relation::oid AS oid UNION SELECT inhrelid FROM pg_inherits JOIN r ON inhparent = r.oid)
	SELECT c.oid::regclass FROM r JOIN pg_class c USING (oid) WHERE c.relkind IN ('r', 'm') ORDER BY 1
$$;

-- What cannot be seen must not be taken for nothing: with row_security off a policy is an error.
CREATE FUNCTION hedb.key_usage(relation regclass, OUT "table" regclass, OUT "column" name,
	OUT index regclass, OUT key_id int4, OUT "values" int8) RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
	each_column text;
	inside text;
BEGIN
	FOR "table" IN SELECT * FROM hedb.relations(relation) LOOP
		SELECT string_agg(CASE WHEN is_array
				THEN format('SELECT %L::name, hedb.key_id(u) FROM unnest(t.%I) AS u', c."column", c."column")
				ELSE format('SELECT %L::name, hedb.key_id(t.%I)', c."column", c."column") END, ' UNION ALL ')
				FILTER (WHERE type IS NOT NULL),
			string_agg(c."column", ', ') FILTER (WHERE type IS NULL)
		INTO each_column, inside FROM hedb.encrypted_columns("table") AS c;
		IF inside IS NOT NULL THEN
			RAISE WARNING 'encrypted values inside of columns of % are not counted: %', "table", inside;
		END IF;
		IF each_column IS NOT NULL THEN
			FOR "column", key_id, "values" IN EXECUTE format('SELECT k.c, k.id, count(*) FROM ONLY %s AS t, '
				'LATERAL (%s) AS k(c, id) WHERE k.id IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2', "table", each_column)
			LOOP
				RETURN NEXT;
			END LOOP;
		END IF;
		"column" := NULL;
		FOR index, key_id, "values" IN SELECT i.indexrelid::regclass, u.key_id, u."values"
			FROM pg_index i, LATERAL hedb.index_key_usage(i.indexrelid) AS u WHERE i.indrelid = "table" ORDER BY 1, 2
		LOOP
			RETURN NEXT;
		END LOOP;
		index := NULL;
	END LOOP;
END $$;
COMMENT ON FUNCTION hedb.key_usage(regclass) IS 'how many values of a table and its indexes are under which key';

-- All of the database, by key.
CREATE FUNCTION hedb.key_usage(OUT key_id int4, OUT "values" int8, OUT tables regclass[]) RETURNS SETOF record
	LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	SELECT u.key_id, sum(u."values")::int8, array_agg(DISTINCT u."table" ORDER BY u."table")
	FROM pg_class c, LATERAL hedb.key_usage(c.oid::regclass) AS u
	WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND u."table" = c.oid
		AND EXISTS (SELECT FROM hedb.encrypted_columns(c.oid::regclass))
	GROUP BY 1 ORDER BY 1
$$;
COMMENT ON FUNCTION hedb.key_usage() IS 'how many values of this database are under which key, and in which tables';

-- ---------------------------------------------------------------------------
-- Re-encryption. State is kept for the eye and for the next call; what is wrong or missing in
-- it costs another look at rows, nothing else.

CREATE TABLE hedb.rekey_progress (
	relation regclass PRIMARY KEY,
	key_id int4 NOT NULL,      -- that all values are to be under, or of the default domain
	state text NOT NULL,       -- running, done, rows left
	pass int4 NOT NULL,
	page int8 NOT NULL,        -- of this pass, where it goes on after a break
	pages int8 NOT NULL,
	rows_rewritten int8 NOT NULL,
	rows_left int8,            -- as counted after the last pass
	started timestamptz NOT NULL DEFAULT now(),
	updated timestamptz NOT NULL DEFAULT now());
GRANT SELECT ON hedb.rekey_progress TO PUBLIC;

-- Only for those that may do so with the table itself; they have no right to others' lines.
-- rows_left -1: not counted yet.
CREATE FUNCTION hedb.rekey_note(relation regclass, key_id int4, state text, pass int4, page int8, pages int8,
	rows_rewritten int8, rows_left int8) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
	IF NOT pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = $1), 'MEMBER') THEN
		RAISE insufficient_privilege USING MESSAGE = format('must be owner of table %s', $1);
	END IF;
	INSERT INTO hedb.rekey_progress AS p (relation, key_id, state, pass, page, pages, rows_rewritten, rows_left)
	VALUES ($1, $2, $3, $4, $5, $6, $7, NULLIF($8, -1))
	ON CONFLICT (relation) DO UPDATE SET key_id = $2, state = $3, pass = $4, page = $5, pages = $6,
		rows_rewritten = $7, rows_left = NULLIF($8, -1), updated = clock_timestamp(),
		started = CASE WHEN p.state = 'done' OR p.key_id <> $2 THEN now() ELSE p.started END;
END $$;

-- The UPDATE of some pages, for EXECUTE: $1 and $2 are where they begin and end, $3 the keys, $4 the
-- domain. It waits for nobody: rows that others have locked are the next pass's. A generated column
-- follows from the others, all of which are set. "column" and domain may be '': all, each in its own.
CREATE FUNCTION hedb.rekey_statement(relation regclass, "column" name, domain text, OUT change text, OUT stale text)
	LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('UPDATE ONLY %s AS t SET %s WHERE t.ctid = ANY (ARRAY(SELECT ctid FROM ONLY %s AS t '
			'WHERE ctid >= $1 AND ctid < $2 AND (%s) FOR UPDATE SKIP LOCKED))', relation,
			string_agg(CASE WHEN $3 <> '' THEN format('%I = hedb.to_domain(t.%I, $4)', c."column", c."column")
				WHEN is_array THEN format('%I = hedb.reencrypt(t.%I)', c."column", c."column")
				ELSE format('%I = %s(t.%I)', c."column",
					(SELECT format('%I.%I', n.nspname, t.typname || '_reencrypt')
					FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = c.type), c."column") END, ', ')
				FILTER (WHERE NOT generated), relation, s.stale),
		s.stale
	FROM hedb.encrypted_columns(relation) AS c,
		(SELECT string_agg(CASE WHEN is_array
			THEN format('EXISTS (SELECT FROM unnest(t.%I) AS u WHERE hedb.key_id(u) <> ALL ($3))', e."column")
			ELSE format('hedb.key_id(t.%I) <> ALL ($3)', e."column") END, ' OR ') AS stale
		FROM hedb.encrypted_columns(relation) AS e WHERE type IS NOT NULL AND $2 IN ('', e."column")) AS s
	WHERE type IS NOT NULL AND $2 IN ('', c."column") GROUP BY s.stale
$$;

CREATE PROCEDURE hedb.rekey(relation regclass, pages int4 DEFAULT 128, max_passes int4 DEFAULT 10,
	"column" name DEFAULT NULL, domain text DEFAULT NULL)
	LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
	rels regclass[] := ARRAY(SELECT hedb.relations(relation));
	rel regclass;
	change text;
	stale text;
	active int4 := CASE WHEN domain IS NULL THEN hedb.active_key() ELSE hedb.active_key(domain) END;
	keys int4[] := CASE WHEN domain IS NULL
		THEN ARRAY(SELECT d.active_key FROM hedb.key_domains() AS d WHERE d.active_key IS NOT NULL) ELSE ARRAY[active] END;
	resume hedb.rekey_progress;
	n int8;
	rewritten int8;
	remaining int8;
	first int8;
	at int8;
	size int8;
	said timestamptz := pg_catalog.clock_timestamp();
	line record;
BEGIN
	IF pages < 1 OR max_passes < 1 THEN
		RAISE invalid_parameter_value USING MESSAGE = 'pages and max_passes must be at least 1';
	END IF;
	FOREACH rel IN ARRAY rels LOOP
		SELECT s.change, s.stale INTO change, stale FROM hedb.rekey_statement(rel, coalesce("column", ''), coalesce(domain, '')) AS s;
		IF stale IS NULL AND "column" IS NOT NULL THEN
			RAISE undefined_column USING MESSAGE = pg_catalog.format('%s has no column "%s" of an encrypted type', rel, "column");
		END IF;
		CONTINUE WHEN stale IS NULL;
		IF (SELECT c.relkind = 'm' FROM pg_catalog.pg_class AS c WHERE c.oid = rel) THEN
			RAISE feature_not_supported USING MESSAGE = pg_catalog.format('%s is a materialized view', rel),
				HINT = pg_catalog.format('Re-encrypt what it is made of, then REFRESH MATERIALIZED VIEW %s.', rel);
		END IF;
		IF change IS NULL THEN
			RAISE feature_not_supported USING MESSAGE = pg_catalog.format('all encrypted columns of %s are generated', rel);
		END IF;
		IF pg_catalog.row_security_active(rel) THEN
			RAISE insufficient_privilege USING MESSAGE = pg_catalog.format('row security of %s may hide rows', rel),
				HINT = 'Call it as a role that it does not apply to.';
		END IF;
		FOR line IN SELECT t.tgname FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = rel
			AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgtype & 17 = 17
		LOOP
			RAISE NOTICE 'hedb.rekey: trigger % of % runs for each row that is rewritten', line.tgname, rel;
		END LOOP;
		SELECT * INTO resume FROM hedb.rekey_progress AS p WHERE p.relation = rel AND p.state = 'running' AND p.key_id = active
			AND "column" IS NULL;
		rewritten := coalesce(resume.rows_rewritten, 0);
		first := coalesce(resume.page, 0);
		IF first > 0 THEN
			RAISE NOTICE 'hedb.rekey: % goes on at page %', rel, first;
		END IF;
		FOR pass IN coalesce(resume.pass, 1) .. coalesce(resume.pass, 1) + max_passes - 1 LOOP
			at := first;
			first := 0;
			size := pg_catalog.pg_relation_size(rel) / pg_catalog.current_setting('block_size')::int8;
			WHILE at < size LOOP
				EXECUTE change USING pg_catalog.format('(%s,0)', at)::tid,
					pg_catalog.format('(%s,0)', LEAST(at + pages, 4294967295))::tid, keys, domain;
				GET DIAGNOSTICS n = ROW_COUNT;
				rewritten := rewritten + n;
				at := LEAST(at + pages, size);
				PERFORM hedb.rekey_note(rel, active, 'running', pass, at, size, rewritten, -1);
				COMMIT;
				IF pg_catalog.clock_timestamp() > said + interval '5 seconds' THEN
					said := pg_catalog.clock_timestamp();
					RAISE NOTICE 'hedb.rekey: % pass %: % of % pages, % rows rewritten', rel, pass, at, size, rewritten;
				END IF;
			END LOOP;
			EXECUTE pg_catalog.format('SELECT pg_catalog.count(*) FROM ONLY %s AS t WHERE $1 = $2 AND (%s)', rel, stale)
				INTO remaining USING 1, 1, keys;
			PERFORM hedb.rekey_note(rel, active, CASE WHEN remaining = 0 THEN 'done' ELSE 'running' END, pass + 1, 0, size,
				rewritten, remaining);
			COMMIT;
			EXIT WHEN remaining = 0;
			PERFORM pg_catalog.pg_sleep(0.1); -- for those who have rows locked
		END LOOP;
		IF remaining > 0 THEN
			PERFORM hedb.rekey_note(rel, active, 'rows left', max_passes, 0, size, rewritten, remaining);
			COMMIT;
			RAISE WARNING 'hedb.rekey: % rows of % are left, others keep them locked: call it again', remaining, rel;
		ELSE
			RAISE NOTICE 'hedb.rekey: %: all values are under key %, % rows rewritten',
				rel || coalesce('.' || "column", ''), pg_catalog.array_to_string(keys, ' or '), rewritten;
		END IF;
		FOR line IN SELECT u.index, pg_catalog.sum(u."values") AS n FROM hedb.key_usage(rel) AS u
			WHERE u.index IS NOT NULL AND u.key_id <> ALL (keys) GROUP BY 1 ORDER BY 1
		LOOP
			RAISE NOTICE 'hedb.rekey: index % still has % values under other keys', line.index, line.n
				USING HINT = pg_catalog.format('REINDEX INDEX CONCURRENTLY %s', line.index);
		END LOOP;
	END LOOP;
END $$;
COMMENT ON PROCEDURE hedb.rekey(regclass, int4, int4, name, text) IS
	're-encrypt a table, or a column, under the active keys or that of a domain, while it is in use';
