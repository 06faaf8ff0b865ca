# PostgreSQL's side: hedb.so and its SQL by PGXS, and its tests. Included by Makefile.

# The plain build stays beside its source, where PGXS's users look for it.
pgxs_in := $(if $(filter build,$(B)),pg-extension,$(B)/pg-extension)
pgxs     = $(MAKE) -C $(pgxs_in) -f $(CURDIR)/pg-extension/Makefile BUILD=$(B) \
           PG_CONFIG=$(PG_CONFIG)

#: make pg                hedb.so and hedb--1.1.sql
pg: $(libcommon)
	@mkdir -p $(pgxs_in)
	+$(pgxs)

#: make install-pg        install them where PG_CONFIG says (DESTDIR is honoured)
install-pg: pg
	+$(pgxs) install

#: make check-pg          tests of the extension, on a private cluster
check-pg: pg load $(B)/ops_server $(B)/hedbctl
	tests/pg/run

.PHONY: pg install-pg check-pg
