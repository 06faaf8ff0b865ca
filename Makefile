# cxlring and hedb. `make help` lists what can be made; README.md explains it.
#
# Knobs: SAN=address,undefined | SAN=thread   sanitizer build, in a folder of its own
#        IPSEC_MB=no                          leave intel-ipsec-mb out
#        TPM=no                               leave tpm2-tss out
#        ICU=no                               leave ICU out: no enc_text_sort_key
#        REDISMODULE_H=/path/redismodule.h    build without fetching Redis's source;
#        REDIS_SOURCE=/path/unpacked          the same, and Redis's own tests are there
#        PG_CONFIG, DESTDIR, prefix, CC, CFLAGS as usual

CC        ?= gcc
PG_CONFIG ?= pg_config
prefix    ?= /usr/local
CFLAGS    ?= -O2 -g
comma     := ,
IPSEC_MB  ?= $(if $(wildcard /usr/include/intel-ipsec-mb.h),yes,no)
TPM       ?= $(if $(wildcard /usr/include/tss2/tss2_esys.h),yes,no)
ICU       ?= $(if $(wildcard /usr/include/unicode/ucol.h),yes,no)
B         := build$(if $(filter no,$(IPSEC_MB)),-noipsec)$(if $(SAN),-$(subst $(comma),-,$(SAN)))

include hard.mk
warn      := -Wall -Wextra -Wdeclaration-after-statement -Wvla -Wno-unused-parameter
all_cflags = -std=gnu11 -D_GNU_SOURCE $(CFLAGS) $(warn) -fno-strict-aliasing $(hard) $(hard_link) -fPIC -MMD -MP \
             -Icommon -Iclient -I$(redis_source) \
             $(if $(filter yes,$(IPSEC_MB)),-DHAVE_IPSEC_MB) \
             $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
# of sealed channels, and so of whatever has a channel
seal_libs  = -lsodium -lmbedtls -lmbedx509 -lmbedcrypto $(if $(filter yes,$(IPSEC_MB)),-lIPSec_MB)
tpm_libs   = $(if $(filter yes,$(TPM)),-Wl$(comma)--as-needed -ltss2-esys -ltss2-mu -ltss2-rc -ltss2-tctildr -Wl$(comma)--no-as-needed)
icu_libs   = $(if $(filter yes,$(ICU)),-Wl$(comma)--as-needed -licui18n -licuuc -Wl$(comma)--no-as-needed)
ldlibs     = $(seal_libs) $(tpm_libs) $(icu_libs) -lm -lpthread

common_c  := $(filter-out $(if $(filter yes,$(IPSEC_MB)),,common/gcm_ipsecmb.c) \
             $(if $(filter yes,$(TPM)),common/tpm_none.c,common/tpm.c) \
             $(if $(filter yes,$(ICU)),common/collate_none.c,common/collate.c), $(wildcard common/*.c))
libcommon := $(B)/libcommon.a
objects    = $(patsubst %.c,$(B)/%.o,$(wildcard $(1)))
tests_in   = $(patsubst %.c,$(B)/%,$(wildcard tests/$(1)/$(2)*.c))
unit      := $(filter-out $(if $(filter yes,$(ICU)),,%/test_collate),$(call tests_in,unit,test_))
stress    := $(call tests_in,stress,)
bench     := $(call tests_in,bench,bench_)
fuzz      := $(call tests_in,fuzz,fuzz_)
e2e       := $(call tests_in,e2e,)
# ops_server and its test, which `make check` runs under sanitizers as well
sanitized := ops_server cxl_sec_mgr hedbctl tests/unit/test_ops_server tests/unit/test_ops_hostile \
             tests/unit/test_ops_life tests/unit/test_sealed_server tests/unit/test_sealed_revoked \
             tests/unit/test_sealed_replaced tests/unit/test_manager tests/unit/test_manager_name \
             tests/unit/test_manager_share tests/unit/test_policy_server tests/unit/test_audit tests/unit/test_view \
             tests/unit/test_handshake tests/unit/test_trust_objects tests/unit/test_trust_files \
             tests/unit/test_trust_list tests/unit/test_zone tests/unit/test_copies tests/unit/test_lookup
SUITES    ?= unit model stress fuzz e2e redis pg

#: make             everything: programs, cxlring.so, libcxlring, hedb.so
all: $(B)/ops_server $(B)/cxl_sec_mgr $(B)/hedbctl redis pg load

include redis.mk pg.mk tpch.mk

#: make setup       install the Debian packages that are missing
setup:
	sh deploy/setup.sh

#: make demo        all of it for real, under run/; make stop ends it
demo:
	sh deploy/demo.sh
stop:
	sh deploy/demo.sh stop

#: make check       every test; SUITES="unit redis" for some of them
check: all tests
	tests/run $(SUITES)

#: make tests       build what `make check` runs
tests: $(unit) $(stress) $(fuzz) $(e2e)
ifeq ($(SAN),)
	+$(MAKE) SAN=thread build-thread/tests/stress/stress_ring $(patsubst %,build-thread/%,$(sanitized))
	+$(MAKE) SAN=address,undefined pg redis redis-tests build-address-undefined/tests/stress/hostile_peer \
	    $(patsubst %,build-address-undefined/%,$(sanitized))
endif

#: make fuzz        fuzz on, FUZZ_SECONDS (60) for each target
fuzz: $(fuzz)
	FUZZ_SECONDS=$${FUZZ_SECONDS:-60} sh tests/fuzz/run.sh

#: make bench       the table of figures, and build/bench/results.jsonl
bench: all $(bench)
	sh tests/bench/run.sh

#: make report      build/bench/report.html: what make bench measured, in pictures
report:
	@mkdir -p $(B)/bench
	@python3 tests/bench/report.py $(B)/bench >$(B)/bench/report.new # whole or not at all
	@mv $(B)/bench/report.new $(B)/bench/report.html && echo $(B)/bench/report.html

#: make install     DESTDIR and prefix honoured; the extension goes where PostgreSQL looks
install: all install-redis install-pg install-load install-man
	install -D -m 755 $(B)/ops_server $(DESTDIR)$(prefix)/sbin/ops_server
	install -D -m 755 $(B)/cxl_sec_mgr $(DESTDIR)$(prefix)/sbin/cxl_sec_mgr
	install -D -m 755 $(B)/hedbctl $(DESTDIR)$(prefix)/bin/hedbctl
	for f in open owner dba; do install -D -m 644 deploy/policy/$$f.ini $(DESTDIR)$(prefix)/share/hedb/policy/$$f.ini || exit; done
	sed 's|@prefix@|$(prefix)|' deploy/ops_server.service | \
	    install -D -m 644 /dev/stdin $(DESTDIR)$(prefix)/lib/systemd/system/ops_server.service
	sed 's|@prefix@|$(prefix)|' deploy/cxl_sec_mgr.service | \
	    install -D -m 644 /dev/stdin $(DESTDIR)$(prefix)/lib/systemd/system/cxl_sec_mgr.service

#: make clean
clean:
	rm -rf build build-*
	-$(MAKE) -C pg-extension clean

help:
	@sed -n 's/^#: //p' Makefile *.mk

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all setup demo stop check tests fuzz bench report install clean help

$(libcommon): $(patsubst %.c,$(B)/%.o,$(common_c))
	$(AR) rcs $@.$$$$ $^ && mv $@.$$$$ $@ # whole or not at all, also for two makes

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(all_cflags) $(CPPFLAGS) -c -o $@ $<

# Two programs, of which setting, log and sandbox are both's.
mgr_o := $(call objects,ops-server/mgr*.c)
$(B)/ops_server: $(filter-out $(mgr_o),$(call objects,ops-server/*.c)) $(libcommon)
	$(CC) $(all_cflags) -o $@ $^ $(ldlibs) -linih -lsystemd

$(B)/cxl_sec_mgr: $(mgr_o) $(patsubst %,$(B)/ops-server/%.o,log sandbox setting) $(libcommon)
	$(CC) $(all_cflags) -o $@ $^ $(ldlibs) -linih -lsystemd

$(B)/hedbctl: $(patsubst %,$(B)/client/%.o,hedbctl acl_command audit_command ca ca_command ca_crl key_command option \
    plaintext plaintext_time policy_command secure_option value_command zone_column) $(libcommon)
	$(CC) $(all_cflags) -o $@ $^ $(ldlibs) -linih

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(libcommon)
	$(CC) $(all_cflags) -o $@ $(filter %.o,$^) $(libcommon) -lcmocka $(ldlibs) -linih

$(B)/tests/unit/test_resp: $(B)/client/resp.o
$(B)/tests/unit/test_zone_request: $(B)/redis-module/zone_request.o
$(B)/tests/unit/test_zone: $(B)/redis-module/zone.o $(B)/redis-module/zone_request.o
$(B)/tests/unit/test_zone.o $(B)/tests/unit/test_zone_request.o: all_cflags += -Iredis-module
$(B)/tests/unit/test_zone.o $(B)/tests/unit/test_zone_request.o: $(redismodule_h)
$(patsubst %,$(B)/tests/unit/test_%,handshake pins trust_objects trust_files trust_list copies \
    sealed_server sealed_revoked sealed_replaced manager manager_away manager_name manager_tenure manager_share policy_server): $(B)/client/ca.o $(B)/client/ca_crl.o
$(B)/tests/unit/test_scan: $(B)/client/scan.o
$(B)/tests/unit/test_words: $(B)/client/words.o
$(B)/tests/unit/test_rows: $(B)/client/rows.o
$(B)/tests/unit/test_noise: $(B)/client/noise.o
$(B)/tests/unit/test_sandbox: $(B)/ops-server/sandbox.o $(B)/ops-server/log.o
$(B)/tests/unit/test_audit: $(B)/ops-server/auditor.o $(B)/ops-server/log.o
$(B)/tests/unit/test_view $(B)/tests/unit/test_mgr_table $(B)/tests/unit/test_mgr_journal: $(B)/ops-server/mgr_table.o
$(B)/tests/unit/test_mgr_journal: $(B)/ops-server/mgr_journal.o
$(B)/tests/unit/test_account: $(B)/ops-server/account.o
$(B)/tests/unit/test_mgr_ticket: $(B)/ops-server/mgr_ticket.o
$(B)/tests/unit/test_plaintext: $(B)/client/plaintext.o $(B)/client/plaintext_time.o
$(B)/tests/unit/test_words: ldlibs += -lhiredis
$(B)/tests/unit/test_resp: ldlibs += -Wl,--wrap=malloc
sync_wrap := $(addprefix -Wl$(comma)--wrap=,fsync fdatasync rename renameat link)
$(patsubst %,$(B)/tests/unit/test_%,keyfile audit mgr_journal): ldlibs += $(sync_wrap)

$(B)/tests/unit/test_bench_dist: $(B)/client/bench_dist.o
$(B)/tests/unit/test_bench_ycsb: $(patsubst %,$(B)/client/bench_%.o,ycsb props counter work \
    data dist) $(B)/client/bench_target.o $(B)/libcxlring.a
$(B)/tests/unit/test_bench_ycsb: ldlibs := $(B)/libcxlring.a -lhiredis $(ldlibs)

$(B)/tests/stress/%: $(B)/tests/stress/%.o $(libcommon)
	$(CC) $(all_cflags) -o $@ $< $(libcommon) $(ldlibs)

$(B)/tests/bench/%: $(B)/tests/bench/%.o $(libcommon)
	$(CC) $(all_cflags) -o $@ $< $(libcommon) $(ldlibs)

$(B)/tests/e2e/%: $(B)/tests/e2e/%.o $(libcommon)
	$(CC) $(all_cflags) -o $@ $(filter %.o,$^) $(libcommon) $(ldlibs)

$(B)/tests/e2e/encrypt_on: $(B)/client/zone_column.o $(B)/client/secure_option.o

# libFuzzer comes with clang, and wants all that it fuzzes compiled by it.
$(B)/tests/fuzz/%: tests/fuzz/%.c $(common_c) $(wildcard common/*.h common/*.def tests/*.h)
	@mkdir -p $(@D)
	clang -std=gnu11 -D_GNU_SOURCE -g -O1 -fno-strict-aliasing -Icommon \
	    $(if $(filter yes,$(IPSEC_MB)),-DHAVE_IPSEC_MB) \
	    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
	    -Iclient -o $@ $(filter %.c,$^) $(ldlibs) -linih

$(B)/tests/fuzz/fuzz_handshake: client/ca.c client/ca_crl.c client/ca.h
$(B)/tests/fuzz/fuzz_mgr: ops-server/mgr_table.c ops-server/mgr_journal.c ops-server/mgr_table.h ops-server/mgr_journal.h
$(B)/tests/fuzz/fuzz_rows: client/rows.c client/rows.h client/plaintext.c client/plaintext.h \
    client/plaintext_time.c client/plaintext_time.h
$(B)/tests/fuzz/fuzz_resp: client/resp.c client/resp.h client/cxlring.h

-include $(wildcard $(addprefix $(B)/,common/*.d ops-server/*.d client/*.d redis-module/*.d tests/*/*.d tests/*/*/*.d))
