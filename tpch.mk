# SPDX-License-Identifier: BSD-3-Clause
# tpch.mk - the bulk loader hedb-load, and TPC-H: its generator and its private cluster.
# Included by Makefile.

pg_include := $(shell $(PG_CONFIG) --includedir)
load_o     := $(patsubst %,$(B)/client/%.o,hedb_load load_batch load_flow load_open load_table secure_option \
              option plaintext plaintext_time rows zone_column)

$(B)/client/hedb_load.o $(B)/client/load_table.o: all_cflags += -I$(pg_include)
$(B)/hedb-load: $(load_o) $(libcommon)
	$(CC) $(all_cflags) -o $@ $^ -lpq $(ldlibs)

$(B)/tpch-gen: $(B)/client/tpch_gen.o $(B)/client/tpch_text.o
	$(CC) $(all_cflags) -o $@ $^ -lm

load: $(B)/hedb-load $(B)/tpch-gen

#: make tpch        TPC-H in a private cluster, plain and encrypted: loads, runs, compares; SF (0.1)
tpch: load pg $(B)/ops_server $(B)/hedbctl
	sql/tpch/run.sh $(or $(SF),0.1)

install-load: load
	install -D -m 755 $(B)/hedb-load $(DESTDIR)$(prefix)/bin/hedb-load

.PHONY: load tpch install-load
