-- TPC-H tables with every column but the keys encrypted, as HEDB has them.
CREATE TABLE region (
	r_regionkey integer NOT NULL, r_name enc_text NOT NULL, r_comment enc_text);
CREATE TABLE nation (
	n_nationkey integer NOT NULL, n_name enc_text NOT NULL, n_regionkey integer NOT NULL,
	n_comment enc_text);
CREATE TABLE supplier (
	s_suppkey integer NOT NULL, s_name enc_text NOT NULL, s_address enc_text NOT NULL,
	s_nationkey integer NOT NULL, s_phone enc_text NOT NULL, s_acctbal enc_numeric NOT NULL,
	s_comment enc_text NOT NULL);
CREATE TABLE part (
	p_partkey integer NOT NULL, p_name enc_text NOT NULL, p_mfgr enc_text NOT NULL,
	p_brand enc_text NOT NULL, p_type enc_text NOT NULL, p_size enc_int4 NOT NULL,
	p_container enc_text NOT NULL, p_retailprice enc_numeric NOT NULL,
	p_comment enc_text NOT NULL);
CREATE TABLE partsupp (
	ps_partkey integer NOT NULL, ps_suppkey integer NOT NULL, ps_availqty enc_int4 NOT NULL,
	ps_supplycost enc_numeric NOT NULL, ps_comment enc_text NOT NULL);
CREATE TABLE customer (
	c_custkey integer NOT NULL, c_name enc_text NOT NULL, c_address enc_text NOT NULL,
	c_nationkey integer NOT NULL, c_phone enc_text NOT NULL, c_acctbal enc_numeric NOT NULL,
	c_mktsegment enc_text NOT NULL, c_comment enc_text NOT NULL);
CREATE TABLE orders (
	o_orderkey integer NOT NULL, o_custkey integer NOT NULL, o_orderstatus enc_text NOT NULL,
	o_totalprice enc_numeric NOT NULL, o_orderdate enc_date NOT NULL,
	o_orderpriority enc_text NOT NULL, o_clerk enc_text NOT NULL,
	o_shippriority enc_int4 NOT NULL, o_comment enc_text NOT NULL);
CREATE TABLE lineitem (
	l_orderkey integer NOT NULL, l_partkey integer NOT NULL, l_suppkey integer NOT NULL,
	l_linenumber enc_int4 NOT NULL, l_quantity enc_numeric NOT NULL,
	l_extendedprice enc_numeric NOT NULL, l_discount enc_numeric NOT NULL,
	l_tax enc_numeric NOT NULL, l_returnflag enc_text NOT NULL, l_linestatus enc_text NOT NULL,
	l_shipdate enc_date NOT NULL, l_commitdate enc_date NOT NULL, l_receiptdate enc_date NOT NULL,
	l_shipinstruct enc_text NOT NULL, l_shipmode enc_text NOT NULL,
	l_comment enc_text NOT NULL);

-- ANALYZE must not learn values of encrypted columns, so who designs the tables says how
-- many different ones there are (clause 4.2.3). This is all the planner gets to know.
ALTER TABLE region ALTER r_name SET (n_distinct = 5);
ALTER TABLE nation ALTER n_name SET (n_distinct = 25);
ALTER TABLE part ALTER p_mfgr SET (n_distinct = 5), ALTER p_brand SET (n_distinct = 25),
	ALTER p_type SET (n_distinct = 150), ALTER p_size SET (n_distinct = 50),
	ALTER p_container SET (n_distinct = 40);
ALTER TABLE customer ALTER c_mktsegment SET (n_distinct = 5);
ALTER TABLE orders ALTER o_orderstatus SET (n_distinct = 3), ALTER o_orderdate SET (n_distinct = 2406),
	ALTER o_orderpriority SET (n_distinct = 5), ALTER o_shippriority SET (n_distinct = 1);
ALTER TABLE lineitem ALTER l_linenumber SET (n_distinct = 7), ALTER l_quantity SET (n_distinct = 50),
	ALTER l_discount SET (n_distinct = 11), ALTER l_tax SET (n_distinct = 9),
	ALTER l_returnflag SET (n_distinct = 3), ALTER l_linestatus SET (n_distinct = 2),
	ALTER l_shipdate SET (n_distinct = 2526), ALTER l_commitdate SET (n_distinct = 2466),
	ALTER l_receiptdate SET (n_distinct = 2555), ALTER l_shipinstruct SET (n_distinct = 4),
	ALTER l_shipmode SET (n_distinct = 7);
