# How each program is linked. Included by Makefile.

#: make                   everything: programs, cxlring.so, hedb.so
ops_o := $(patsubst %.c,$(B)/%.o,$(wildcard ops-server/*.c))

$(B)/ops_server: $(ops_o) $(libcommon)
	$(CC) $(all_cflags) -o $@ $^ $(ldlibs) -linih -lsystemd

$(B)/hedbctl: $(B)/client/hedbctl.o $(libcommon)
	$(CC) $(all_cflags) -o $@ $^ $(ldlibs)
