# SPDX-License-Identifier: BSD-3-Clause
# redis.mk - the Redis side: module, client library and programs, their tests.

redismodule_h := $(B)/include/redismodule.h
module_o      := $(patsubst %.c,$(B)/%.o,$(wildcard redis-module/*.c))

# Fetched once; REDISMODULE_H=... replaces it.
$(redismodule_h): deploy/fetch-redismodule.sh $(REDISMODULE_H)
	REDISMODULE_H='$(REDISMODULE_H)' deploy/fetch-redismodule.sh $@

$(module_o): $(redismodule_h)
$(module_o): all_cflags += -fvisibility=hidden

$(B)/cxlring.so: $(module_o) $(libcommon)
	$(CC) $(all_cflags) -shared -Wl,--exclude-libs,ALL -o $@ $(module_o) $(libcommon) \
	    -lsodium

# ---- client library: its own code and what it needs of common/, nothing else visible ----
cxl_lib_o    := $(patsubst %,$(B)/client/%.o,cxlring conn resp)
cxl_common_o := $(patsubst %,$(B)/common/%.o,channel clock err ident message region ring wait)
cxl_version  := 1.0.0

$(cxl_lib_o): all_cflags += -Iclient

# Only what cxlring.h declares is visible, in the static library as well.
$(B)/libcxlring.a: $(cxl_lib_o) $(cxl_common_o)
	$(LD) -r -o $(B)/client/libcxlring.o $^
	objcopy -w --keep-global-symbol='cxlring_*' $(B)/client/libcxlring.o
	rm -f $@ && $(AR) rcs $@ $(B)/client/libcxlring.o

$(B)/libcxlring.so: $(cxl_lib_o) $(cxl_common_o) client/libcxlring.map
	$(CC) $(all_cflags) -shared -Wl,-soname,libcxlring.so.1 \
	    -Wl,--version-script=client/libcxlring.map -o $@.$(cxl_version) \
	    $(cxl_lib_o) $(cxl_common_o) -lsodium
	ln -sf $(@F).$(cxl_version) $(B)/libcxlring.so.1
	ln -sf $(@F).$(cxl_version) $@

$(B)/cxlring.pc: client/cxlring.pc.in
	@mkdir -p $(@D)
	sed 's|@prefix@|$(prefix)|;s|@version@|$(cxl_version)|' $< > $@
