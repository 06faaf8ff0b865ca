# SPDX-License-Identifier: BSD-3-Clause
# redis.mk - the Redis side: module, client library and programs, their tests.

# Of the installed Redis's source, for every build: fetched once; REDISMODULE_H or
# REDIS_SOURCE replaces it.
redis_source   := build/redis
redismodule_h  := $(redis_source)/redismodule.h
redis_layout_h := $(redis_source)/redis_layout.h
module_o       := $(patsubst %.c,$(B)/%.o,$(wildcard redis-module/*.c))

$(redismodule_h) $(redis_layout_h) &: deploy/fetch-redis.sh deploy/redis-layout.sh $(REDISMODULE_H)
	REDISMODULE_H='$(REDISMODULE_H)' REDIS_SOURCE='$(REDIS_SOURCE)' deploy/fetch-redis.sh $(@D)

$(module_o): $(redismodule_h) $(redis_layout_h)
$(module_o): all_cflags += -fvisibility=hidden

$(B)/cxlring.so: $(module_o) $(libcommon)
	@rm -f $@ # never write into what a running server has mapped
	$(CC) $(all_cflags) -shared -Wl,--exclude-libs,ALL -o $@ $(module_o) $(libcommon) \
	    $(seal_libs)

# ---- client library: its own code and what it needs of common/, nothing else visible ----
cxl_lib_o    := $(patsubst %,$(B)/client/%.o,cxlring conn resp stream words)
cxl_common_o := $(patsubst %,$(B)/common/%.o,address channel clock entropy err gcm gcm_mbedtls \
    gcm_sodium handshake ident lane life lookup message mgrlink peer region ring seal secure service trust \
    trust_follow tenure view wait watch) \
    $(if $(filter yes,$(IPSEC_MB)),$(B)/common/gcm_ipsecmb.o)
cxl_version  := 1.0.0

# Only what cxlring.h declares is visible, in the static library as well. What the list above
# forgets of common/ is an error here, not at the user's link (a sanitizer's functions are the
# program's).
whole := $(if $(SAN),,-Wl$(comma)-z$(comma)defs)
$(B)/libcxlring.a: $(cxl_lib_o) $(cxl_common_o)
	$(LD) -r -o $(B)/client/libcxlring.o $^
	objcopy -w --keep-global-symbol='cxlring_*' $(B)/client/libcxlring.o
	rm -f $@ && $(AR) rcs $@ $(B)/client/libcxlring.o

# nodelete: after dlclose() a thread may still be looking up a name (lookup.h)
$(B)/libcxlring.so: $(cxl_lib_o) $(cxl_common_o) client/libcxlring.map
	@rm -f $@.$(cxl_version)
	$(CC) $(all_cflags) -shared $(whole) -Wl,-soname,libcxlring.so.1 -Wl,-z,nodelete \
	    -Wl,--version-script=client/libcxlring.map -o $@.$(cxl_version) \
	    $(cxl_lib_o) $(cxl_common_o) $(seal_libs)
	ln -sf $(@F).$(cxl_version) $(B)/libcxlring.so.1
	ln -sf $(@F).$(cxl_version) $@

cli_o := $(patsubst %,$(B)/client/%.o,cxl_cli live option print secure_option)
$(B)/cxl-cli: $(cli_o) $(B)/libcxlring.a $(libcommon)
	$(CC) $(all_cflags) -o $@ $^ -lreadline $(seal_libs)

bench_o := $(patsubst %,$(B)/client/%.o,cxl_bench bench_client bench_counter bench_data \
    bench_dist bench_load bench_props bench_report bench_target bench_tests bench_work \
    bench_worker bench_ycsb escape option secure_option)
$(B)/cxl-bench: $(bench_o) $(B)/libcxlring.a $(libcommon)
	$(CC) $(all_cflags) -o $@ $^ -lhiredis $(seal_libs) -lpthread -lm

# It waits for many rings at once, which the library has no call for: its objects.
proxy_o := $(patsubst %,$(B)/client/%.o,cxl_proxy relay back protect backend backend_session backend_link \
           backend_take backend_request backend_reply link dial scan option secure_option)
$(B)/cxl-proxy: $(proxy_o) $(cxl_lib_o) $(libcommon)
	$(CC) $(all_cflags) -o $@ $^ -lssl -lcrypto $(seal_libs) -lpthread

# The same promise without shared memory: TCP, sealed.
tunnel_o := $(patsubst %,$(B)/client/%.o,cxl_tunnel tunnel tunnel_end tunnel_key noise dial option)
$(B)/cxl-tunnel: $(tunnel_o) $(libcommon)
	$(CC) $(all_cflags) -o $@ $^ -lsodium

# ---- tests ----
redis_tests := $(patsubst tests/redis/%.c,$(B)/tests/redis/%,$(wildcard tests/redis/*.c))

$(B)/tests/redis/%: $(B)/tests/redis/%.o $(B)/client/print.o $(B)/libcxlring.a $(libcommon)
	$(CC) $(all_cflags) -o $@ $^ $(redis_test_libs) $(seal_libs)

$(B)/tests/redis/writer: redis_test_libs := -lhiredis

# One program of several files, each with a noun of its own.
diff_o := $(patsubst %.c,$(B)/%.o,$(wildcard tests/redis/differential/*.c))
$(B)/tests/redis/differential/differential: $(diff_o) $(B)/libcxlring.a $(libcommon)
	$(CC) $(all_cflags) -o $@ $^ $(seal_libs)
redis_tests += $(B)/tests/redis/differential/differential

#: make check-redis  the tests of cxlring.so and its clients
check-redis: redis redis-tests pg load $(B)/ops_server $(B)/hedbctl
	B=$(B) sh tests/redis/run $(FAMILIES)

#: make soak        the long ones: kill -9, random commands, dying clients; SOAK_MINUTES (30)
soak: redis redis-tests
	B=$(B) sh tests/soak.sh >$(B)/soak.log 2>&1; rc=$$?; cat $(B)/soak.log; \
	    [ $$rc = 0 ] && ! grep -q '^not ok' $(B)/soak.log

redis-tests: $(redis_tests) $(B)/hedbctl $(B)/ops_server $(B)/cxl_sec_mgr

tests: redis-tests

redis: $(B)/cxlring.so $(B)/libcxlring.a $(B)/libcxlring.so $(B)/cxl-cli $(B)/cxl-bench \
    $(B)/cxl-proxy $(B)/cxl-tunnel

install-redis: redis
	install -D -m 755 $(B)/cxlring.so $(DESTDIR)$(prefix)/lib/redis/modules/cxlring.so
	sed 's|@prefix@|$(prefix)|' deploy/redis-server-dropin.conf | \
	    install -D -m 644 /dev/stdin $(DESTDIR)$(prefix)/lib/systemd/system/redis-server.service.d/cxlring.conf
	install -D -m 755 $(B)/cxl-cli $(DESTDIR)$(prefix)/bin/cxl-cli
	install -D -m 755 $(B)/cxl-bench $(DESTDIR)$(prefix)/bin/cxl-bench
	install -D -m 755 $(B)/cxl-proxy $(DESTDIR)$(prefix)/bin/cxl-proxy
	install -D -m 755 $(B)/cxl-tunnel $(DESTDIR)$(prefix)/bin/cxl-tunnel
	install -D -m 644 $(B)/libcxlring.a $(DESTDIR)$(prefix)/lib/libcxlring.a
	install -D -m 755 $(B)/libcxlring.so.$(cxl_version) \
	    $(DESTDIR)$(prefix)/lib/libcxlring.so.$(cxl_version)
	ln -sf libcxlring.so.$(cxl_version) $(DESTDIR)$(prefix)/lib/libcxlring.so.1
	ln -sf libcxlring.so.$(cxl_version) $(DESTDIR)$(prefix)/lib/libcxlring.so
	install -D -m 644 client/cxlring.h $(DESTDIR)$(prefix)/include/cxlring.h
	sed 's|@prefix@|$(prefix)|;s|@version@|$(cxl_version)|;s|@ipsec_mb@|$(filter -lIPSec_MB,$(seal_libs))|' client/cxlring.pc.in | \
	    install -D -m 644 /dev/stdin $(DESTDIR)$(prefix)/lib/pkgconfig/cxlring.pc

install-man:
	for f in docs/man/*.[1-8]; do \
	    install -D -m 644 $$f $(DESTDIR)$(prefix)/share/man/man$${f##*.}/$${f##*/} || exit; done

.PHONY: install-man redis redis-tests check-redis soak install-redis
