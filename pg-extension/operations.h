/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * operations.h - ops.def for files of hedb.so: it uses the name ERROR for itself, which
 * is one of PostgreSQL's. No guard: whoever wants something of the list defines that and
 * includes this, as often as needed.
 */
#pragma push_macro("ERROR")
#undef ERROR
#include "ops.def"
#pragma pop_macro("ERROR")
