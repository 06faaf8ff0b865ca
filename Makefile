# cxlring and hedb. `make help` lists what can be made; README.md explains it.
#
# Knobs: SAN=address,undefined | SAN=thread   sanitizer build in its own folder
#        IPSEC_MB=no                          leave intel-ipsec-mb out
#        REDISMODULE_H=/path/redismodule.h    build without fetching Redis's source
#        PG_CONFIG, DESTDIR, prefix, CC, CFLAGS as usual

CC        ?= gcc
PG_CONFIG ?= pg_config
prefix    ?= /usr/local
CFLAGS    ?= -O2 -g
comma     := ,
B         := build$(if $(SAN),-$(subst $(comma),-,$(SAN)))

IPSEC_MB  ?= $(if $(wildcard /usr/include/intel-ipsec-mb.h),yes,no)
warn      := -Wall -Wextra -Wdeclaration-after-statement -Wvla -Wno-unused-parameter
hard      := -fstack-protector-strong -fno-strict-aliasing
all_cflags = -std=gnu11 -D_GNU_SOURCE $(CFLAGS) $(warn) $(hard) -fPIC -MMD -MP -Icommon -Iclient -I$(B)/include \
             $(if $(filter yes,$(IPSEC_MB)),-DHAVE_IPSEC_MB) \
             $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
ldlibs     = -lsodium -lmbedcrypto $(if $(filter yes,$(IPSEC_MB)),-lIPSec_MB) -lm -lpthread

common_o  := $(patsubst common/%.c,$(B)/common/%.o,$(filter-out \
             $(if $(filter yes,$(IPSEC_MB)),,common/gcm_ipsecmb.c),$(wildcard common/*.c)))
libcommon := $(B)/libcommon.a
unit      := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/test_*.c))
stress    := $(patsubst tests/stress/%.c,$(B)/tests/stress/%,$(wildcard tests/stress/*.c))
bench     := $(patsubst tests/bench/%.c,$(B)/tests/bench/%,$(wildcard tests/bench/bench_*.c))
programs  := $(B)/ops_server $(B)/hedbctl $(B)/cxl-cli $(B)/cxl-bench
module    := $(B)/cxlring.so
client    := $(B)/libcxlring.a $(B)/libcxlring.so

all: $(programs) $(module) $(client) pg

-include build.mk

help:
	@sed -n 's/^#: //p' Makefile build.mk

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help pg check bench demo stop install clean setup fuzz

$(libcommon): $(common_o)
	$(AR) rcs $@.tmp $^ && mv $@.tmp $@

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(all_cflags) $(CPPFLAGS) -c -o $@ $<

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(libcommon)
	$(CC) $(all_cflags) -o $@ $< $(libcommon) -lcmocka $(ldlibs)

$(B)/tests/stress/%: $(B)/tests/stress/%.o $(libcommon)
	$(CC) $(all_cflags) -o $@ $< $(libcommon) $(ldlibs)

-include $(wildcard $(B)/*/*.d $(B)/*/*/*.d)
