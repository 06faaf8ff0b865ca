#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# redis-layout.sh - where Redis keeps what redis-module/keyspace.c looks at.
#
# usage: deploy/redis-layout.sh REDIS-SOURCE > redis_layout.h
#
# Offsets within Redis's own structures, as the compiler sees them in the headers of that
# source. Nothing of the headers themselves ends up in what is built.
set -eu
src=${1:?usage: redis-layout.sh REDIS-SOURCE}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# server.h wants Lua's and the histogram's headers for a few pointers.
echo 'typedef struct lua_State lua_State; typedef struct lua_Debug lua_Debug;' >"$work/lua.h"
echo 'struct hdr_histogram;' >"$work/hdr_histogram.h"
cat >"$work/layout.c" <<'X'
#include "server.h"
#include <stddef.h>
#define SAY(name, value) printf("#define LAYOUT_" #name " %zu\n", (size_t)(value))
/* An object's first word, which says what kind it is, but for the bits of `lru`. */
static uint32_t kind_of(unsigned type, unsigned encoding, unsigned lru)
{
	robj o = {.type = type, .encoding = encoding, .lru = lru};
	uint32_t word;

	memcpy(&word, &o, sizeof word);
	return word;
}
int main(void)
{
	SAY(VERSION, REDIS_VERSION_NUM);
	SAY(SERVER_DB, offsetof(struct redisServer, db));
	SAY(DB_BYTES, sizeof(redisDb));
	SAY(DB_DICT, offsetof(redisDb, dict));
	SAY(DICT_TYPE, offsetof(dict, type));
	SAY(DICT_TABLES, offsetof(dict, ht_table));
	SAY(DICT_USED, offsetof(dict, ht_used));
	SAY(DICT_REHASH, offsetof(dict, rehashidx));
	SAY(DICT_EXPONENTS, offsetof(dict, ht_size_exp));
	SAY(ENTRY_KEY, offsetof(dictEntry, key));
	SAY(ENTRY_VALUE, offsetof(dictEntry, v));
	SAY(ENTRY_NEXT, offsetof(dictEntry, next));
	SAY(OBJECT_POINTER, offsetof(robj, ptr));
	SAY(OBJECT_KIND, (uint32_t)~kind_of(0, 0, ~0u));
	SAY(HASH_KIND, kind_of(OBJ_HASH, OBJ_ENCODING_HT, 0));
	return 0;
}
X
${CC:-cc} -w -I"$work" -I"$src/src" -c -o "$work/layout.o" "$work/layout.c"
${CC:-cc} -o "$work/layout" "$work/layout.o"
echo "/* Of the headers of Redis $(sed -n 's/.*REDIS_VERSION "\(.*\)"/\1/p' "$src/src/version.h"). */"
"$work/layout"
