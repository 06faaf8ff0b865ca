/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_props.h - YCSB's property files: what a workload of its core is made of.
 *
 * name=value, a line each; # and ! begin comments. Names and defaults are those of YCSB's
 * CoreWorkload. Names with a dot belong to somebody's binding and are ignored, and so are
 * those that only say how YCSB itself measures. Any other name is refused: a misspelt
 * proportion would go unnoticed.
 *
 * Beyond YCSB: deleteproportion, the share of operations that delete a record.
 */
#ifndef CLIENT_BENCH_PROPS_H
#define CLIENT_BENCH_PROPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench_dist.h"

enum ycsb_kind { YCSB_READ, YCSB_UPDATE, YCSB_INSERT, YCSB_SCAN, YCSB_RMW, YCSB_DELETE, YCSB_KINDS };

enum props_length { LENGTH_CONSTANT, LENGTH_UNIFORM, LENGTH_ZIPFIAN };

struct props {
	double share[YCSB_KINDS];
	uint64_t records;      /* recordcount: that the run works on */
	uint64_t operations;   /* operationcount */
	uint64_t insert_start; /* insertstart: the first to load */
	uint64_t insert_count; /* insertcount: how many; 0: the rest of `records` */
	uint64_t fields, field_min, field_max; /* fieldcount, minfieldlength, fieldlength */
	uint64_t scan_min, scan_max;
	uint64_t zero_padding;
	uint64_t threads;      /* threadcount; 0: not said */
	uint64_t target;       /* operations a second; 0: as fast as it goes */
	uint64_t seconds;      /* maxexecutiontime; 0: no limit */
	enum dist_kind request;
	enum props_length field_length, scan_length;
	bool read_all, write_all, hashed;
	char field_prefix[32];
	char name[64]; /* of the file, without its folders */
};

void props_init(struct props *p);

/* False: `why` says what is wrong, and where. */
bool props_load(struct props *p, const char *path, char *why, size_t len);
bool props_set(struct props *p, const char *assignment, char *why, size_t len);

/* The whole, once everything is set: is there anything to do, do the numbers fit? */
bool props_check(struct props *p, char *why, size_t len);

#endif
