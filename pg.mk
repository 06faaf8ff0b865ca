# PostgreSQL's side: hedb.so and its SQL by PGXS, and its tests. Included by Makefile.

pgxs = $(MAKE) -C pg-extension PG_CONFIG=$(PG_CONFIG)

#: make pg                hedb.so and hedb--1.0.sql
pg: $(libcommon)
	+$(pgxs)

#: make install-pg        install them where PG_CONFIG says (DESTDIR is honoured)
install-pg: pg
	+$(pgxs) install

#: make check-pg          tests of the extension, on a private cluster
check-pg: pg $(B)/ops_server $(B)/hedbctl
	tests/pg/run

.PHONY: pg install-pg check-pg
