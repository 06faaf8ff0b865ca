/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tpch_gen.c - rows of a TPC-H table as COPY text, on standard output.
 *
 * One function per table makes one row (ORDERS: one order; LINEITEM: the lines of one
 * order) from the row's own random stream, by the rules of clause 4.2.3. Nothing that is
 * written needs COPY's escapes.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tpch_text.h"

static const char usage[] =
	"tpch-gen - rows of a TPC-H table as COPY text, on standard output.\n"
	"\n"
	"usage: tpch-gen [OPTION...] TABLE\n"
	"\n"
	"  --scale N       scale factor (1); 0.01 is the smallest\n"
	"  --seed N        another seed, other rows (4)\n"
	"  --progress      a line about the progress on standard error\n"
	"  --label TEXT    what it calls the table\n"
	"  --count         print how many rows there are (lineitem: orders), and no row\n"
	"\n"
	"TABLE: region nation supplier part partsupp customer orders lineitem.\n";

enum {
	DATE_CURRENT = 1263, /* CURRENTDATE 1995-06-17, since STARTDATE 1992-01-01 */
	DATE_ORDER_LAST = 2405, /* ENDDATE 1998-12-31 less 151 days */
	LINES_MAX = 7,
	ROW_MAX = 1024, /* bytes of any row */
};

struct scale {
	int64_t suppliers, parts, customers, orders, clerks;
};

/* A row in the making. */
struct row {
	char *at;
	struct tpch_random random;
	const struct scale *scale;
	uint64_t seed;
	int64_t n; /* from 0 */
};

/* ---- fields ---- */

static void tab(struct row *r)
{
	*r->at++ = '\t';
}

static void end(struct row *r)
{
	r->at[-1] = '\n'; /* instead of the last tab */
}

static void put_bytes(struct row *r, const char *p, size_t len)
{
	memcpy(r->at, p, len);
	r->at += len;
	tab(r);
}

static void put_text(struct row *r, const char *s)
{
	put_bytes(r, s, strlen(s));
}

/* Digits, with zeroes in front up to `width`. */
static void digits(struct row *r, uint64_t v, int width)
{
	char text[20];
	int n = 0;

	do
		text[n++] = (char)('0' + v % 10);
	while ((v /= 10) != 0 || n < width);
	while (n)
		*r->at++ = text[--n];
}

static void put_number(struct row *r, int64_t v)
{
	digits(r, (uint64_t)v, 1);
	tab(r);
}

/* Hundredths, as decimal(15,2) shows them. */
static void put_money(struct row *r, int64_t cents)
{
	if (cents < 0)
		*r->at++ = '-';
	cents = llabs(cents);
	digits(r, (uint64_t)cents / 100, 1);
	*r->at++ = '.';
	digits(r, (uint64_t)cents % 100, 2);
	tab(r);
}

static void put_name(struct row *r, const char *what, int64_t n)
{
	size_t len = strlen(what);

	memcpy(r->at, what, len);
	r->at += len;
	digits(r, (uint64_t)n, 9);
	tab(r);
}

/* Days since STARTDATE; all within 1992 .. 1999, where every fourth year is a leap year. */
static void put_date(struct row *r, int days)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	int four = days / 1461, rest = days % 1461;
	int year = rest < 366 ? 0 : 1 + (rest - 366) / 365;
	int day = year ? (rest - 366) % 365 : rest, month = 11;

	while (month && day < before[month] + (!year && month > 1))
		month--;
	digits(r, (uint64_t)(1992 + 4 * four + year), 4);
	*r->at++ = '-';
	digits(r, (uint64_t)month + 1, 2);
	*r->at++ = '-';
	digits(r, (uint64_t)(day - before[month] - (!year && month > 1) + 1), 2);
	tab(r);
}

static void put_comment(struct row *r, int min, int max)
{
	size_t len;
	const char *p = tpch_text(&r->random, min, max, &len);

	put_bytes(r, p, len);
}

/* clause 4.2.2.7: a random v-string, of 64 characters */
static void put_address(struct row *r)
{
	static const char set[] =
		"0123456789abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ,";
	int64_t n = tpch_random_in(&r->random, 10, 40);

	while (n--)
		*r->at++ = set[tpch_random_in(&r->random, 0, 63)];
	tab(r);
}

static void put_phone(struct row *r, int64_t nation)
{
	digits(r, (uint64_t)nation + 10, 2);
	*r->at++ = '-';
	digits(r, (uint64_t)tpch_random_in(&r->random, 100, 999), 3);
	*r->at++ = '-';
	digits(r, (uint64_t)tpch_random_in(&r->random, 100, 999), 3);
	*r->at++ = '-';
	digits(r, (uint64_t)tpch_random_in(&r->random, 1000, 9999), 4);
	tab(r);
}

static int64_t random_money(struct row *r, int64_t low, int64_t high)
{
	return tpch_random_in(&r->random, low, high);
}

static int64_t retail_price(int64_t partkey)
{
	return 90000 + partkey / 10 % 20001 + 100 * (partkey % 1000);
}

/* The i-th of a part's four suppliers. */
static int64_t supplier_of(const struct scale *s, int64_t partkey, int64_t i)
{
	int64_t n = s->suppliers;

	return (partkey + i * (n / 4 + (partkey - 1) / n)) % n + 1;
}

/* ---- tables ---- */

enum table { REGION, NATION, SUPPLIER, PART, PARTSUPP, CUSTOMER, ORDERS, LINEITEM, TABLES };

static void region(struct row *r)
{
	put_number(r, r->n);
	put_text(r, tpch_regions[r->n]);
	put_comment(r, 31, 115);
	end(r);
}

static void nation(struct row *r)
{
	put_number(r, r->n);
	put_text(r, tpch_nations[r->n].name);
	put_number(r, tpch_nations[r->n].region);
	put_comment(r, 31, 114);
	end(r);
}

/*
 * SF * 5 suppliers have "Customer ... Complaints" in their comment and as many "Customer
 * ... Recommends" (query 16). Which ones: of 2,000 in a row two, at a random place.
 */
static const char *said_of(const struct row *r)
{
	struct tpch_random block = tpch_random_of(r->seed, TABLES, (uint64_t)r->n / 2000);
	int64_t complaint = tpch_random_in(&block, 0, 999);
	int64_t praise = tpch_random_in(&block, 1000, 1999);

	return r->n % 2000 == complaint ? "Complaints" : r->n % 2000 == praise ? "Recommends" : NULL;
}

static void supplier_comment(struct row *r)
{
	const char *said = said_of(r);
	size_t len, gap;
	char *from = r->at;

	put_comment(r, 25, 100);
	if (!said)
		return;
	len = (size_t)(r->at - 1 - from);
	gap = len - 8 - 10; /* "Customer" and ten letters */
	from += tpch_random_in(&r->random, 0, (int64_t)gap);
	memcpy(from, "Customer", 8);
	from += 8;
	from += tpch_random_in(&r->random, 0, r->at - 1 - 10 - from);
	memcpy(from, said, 10);
}

static void supplier(struct row *r)
{
	int64_t nation = tpch_random_in(&r->random, 0, TPCH_NATIONS - 1);

	put_number(r, r->n + 1);
	put_name(r, "Supplier#", r->n + 1);
	put_address(r);
	put_number(r, nation);
	put_phone(r, nation);
	put_money(r, random_money(r, -99999, 999999));
	supplier_comment(r);
	end(r);
}

/* Five different colours. */
static void put_part_name(struct row *r)
{
	int64_t chosen[5];
	int n, k;

	for (n = 0; n < 5; n++) {
		do {
			chosen[n] = tpch_random_in(&r->random, 0, tpch_colours.count - 1);
			for (k = 0; k < n && chosen[k] != chosen[n]; k++)
				;
		} while (k < n);
		put_text(r, tpch_colours.word[chosen[n]]);
		r->at[-1] = n < 4 ? ' ' : '\t';
	}
}

static void put_words(struct row *r, const struct tpch_words *const *lists, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		put_text(r, tpch_word(&r->random, lists[i]));
		r->at[-1] = i < n - 1 ? ' ' : '\t';
	}
}

static void part(struct row *r)
{
	static const struct tpch_words *const type[] = {&tpch_type_1, &tpch_type_2, &tpch_type_3};
	static const struct tpch_words *const box[] = {&tpch_container_1, &tpch_container_2};
	char maker[] = "Manufacturer#0", brand[] = "Brand#00";

	maker[13] = brand[6] = (char)('0' + tpch_random_in(&r->random, 1, 5));
	brand[7] = (char)('0' + tpch_random_in(&r->random, 1, 5));
	put_number(r, r->n + 1);
	put_part_name(r);
	put_text(r, maker);
	put_text(r, brand);
	put_words(r, type, 3);
	put_number(r, tpch_random_in(&r->random, 1, 50));
	put_words(r, box, 2);
	put_money(r, retail_price(r->n + 1));
	put_comment(r, 5, 22);
	end(r);
}

static void partsupp(struct row *r)
{
	int64_t i;

	for (i = 0; i < 4; i++) {
		put_number(r, r->n + 1);
		put_number(r, supplier_of(r->scale, r->n + 1, i));
		put_number(r, tpch_random_in(&r->random, 1, 9999));
		put_money(r, random_money(r, 100, 100000));
		put_comment(r, 49, 198);
		end(r);
	}
}

static void customer(struct row *r)
{
	int64_t nation = tpch_random_in(&r->random, 0, TPCH_NATIONS - 1);

	put_number(r, r->n + 1);
	put_name(r, "Customer#", r->n + 1);
	put_address(r);
	put_number(r, nation);
	put_phone(r, nation);
	put_money(r, random_money(r, -99999, 999999));
	put_text(r, tpch_word(&r->random, &tpch_segments));
	put_comment(r, 29, 116);
	end(r);
}

/* An order with its lines: both tables are made from it. */
struct order {
	int64_t key, customer, total; /* total: in 1/1,000,000 */
	int date, nlines, shipped;
	struct line {
		int64_t part, supplier, quantity, price, discount, tax;
		int ship, commit, receipt;
	} line[LINES_MAX];
};

static void draw_line(struct row *r, const struct order *o, struct line *l)
{
	l->part = tpch_random_in(&r->random, 1, r->scale->parts);
	l->supplier = supplier_of(r->scale, l->part, tpch_random_in(&r->random, 0, 3));
	l->quantity = tpch_random_in(&r->random, 1, 50);
	l->price = l->quantity * retail_price(l->part);
	l->discount = tpch_random_in(&r->random, 0, 10);
	l->tax = tpch_random_in(&r->random, 0, 8);
	l->ship = o->date + (int)tpch_random_in(&r->random, 1, 121);
	l->commit = o->date + (int)tpch_random_in(&r->random, 30, 90);
	l->receipt = l->ship + (int)tpch_random_in(&r->random, 1, 30);
}

static struct order draw_order(struct row *r)
{
	struct order o = {.key = r->n / 8 * 32 + r->n % 8 + 1}; /* 8 keys of each 32 */
	int i;

	do
		o.customer = tpch_random_in(&r->random, 1, r->scale->customers);
	while (o.customer % 3 == 0);
	o.date = (int)tpch_random_in(&r->random, 0, DATE_ORDER_LAST);
	o.nlines = (int)tpch_random_in(&r->random, 1, LINES_MAX);
	for (i = 0; i < o.nlines; i++) {
		struct line *l = &o.line[i];

		draw_line(r, &o, l);
		o.total += l->price * (100 + l->tax) * (100 - l->discount);
		o.shipped += l->ship <= DATE_CURRENT;
	}
	return o;
}

static void orders(struct row *r)
{
	struct order o = draw_order(r);

	/* what LINEITEM does not draw comes from a stream of its own */
	r->random = tpch_random_of(r->seed, ORDERS + TABLES, (uint64_t)r->n);
	put_number(r, o.key);
	put_number(r, o.customer);
	put_text(r, o.shipped == 0 ? "O" : o.shipped == o.nlines ? "F" : "P");
	put_money(r, (o.total + 5000) / 10000);
	put_date(r, o.date);
	put_text(r, tpch_word(&r->random, &tpch_priorities));
	put_name(r, "Clerk#", tpch_random_in(&r->random, 1, r->scale->clerks));
	put_number(r, 0);
	put_comment(r, 19, 78);
	end(r);
}

static void put_line(struct row *r, const struct order *o, int i)
{
	const struct line *l = &o->line[i];
	bool back = tpch_random_in(&r->random, 0, 1);

	put_number(r, o->key);
	put_number(r, l->part);
	put_number(r, l->supplier);
	put_number(r, i + 1);
	put_money(r, l->quantity * 100);
	put_money(r, l->price);
	put_money(r, l->discount);
	put_money(r, l->tax);
	put_text(r, l->receipt > DATE_CURRENT ? "N" : back ? "R" : "A");
	put_text(r, l->ship > DATE_CURRENT ? "O" : "F");
	put_date(r, l->ship);
	put_date(r, l->commit);
	put_date(r, l->receipt);
	put_text(r, tpch_word(&r->random, &tpch_instructions));
	put_text(r, tpch_word(&r->random, &tpch_modes));
	put_comment(r, 10, 43);
	end(r);
}

static void lineitem(struct row *r)
{
	struct order o = draw_order(r);
	int i;

	for (i = 0; i < o.nlines; i++)
		put_line(r, &o, i);
}

/* ---- all of them ---- */

struct table_info {
	const char *name;
	void (*row)(struct row *);
	int per_row;    /* rows that one call may make */
	uint32_t stream; /* whose random numbers */
};

static const struct table_info tables[TABLES] = {
	[REGION] = {"region", region, 1, REGION},
	[NATION] = {"nation", nation, 1, NATION},
	[SUPPLIER] = {"supplier", supplier, 1, SUPPLIER},
	[PART] = {"part", part, 1, PART},
	[PARTSUPP] = {"partsupp", partsupp, 4, PARTSUPP},
	[CUSTOMER] = {"customer", customer, 1, CUSTOMER},
	[ORDERS] = {"orders", orders, 1, ORDERS},
	[LINEITEM] = {"lineitem", lineitem, LINES_MAX, ORDERS},
};

static int64_t calls_of(enum table t, const struct scale *s)
{
	const int64_t n[TABLES] = {TPCH_REGIONS, TPCH_NATIONS, s->suppliers, s->parts, s->parts,
		s->customers, s->orders, s->orders};

	return n[t];
}

static bool write_all(const char *p, size_t len)
{
	ssize_t n;

	for (; len; p += n, len -= (size_t)n) {
		n = write(STDOUT_FILENO, p, len);
		if (n < 0 && errno == EINTR)
			n = 0;
		if (n < 0)
			return false;
	}
	return true;
}

enum { BUFFER_BYTES = 1 << 18 };

static int make(enum table t, const struct scale *s, uint64_t seed, const char *label)
{
	static char buffer[BUFFER_BYTES + ROW_MAX * LINES_MAX];
	struct row r = {.at = buffer, .scale = s, .seed = seed};
	int64_t n = calls_of(t, s);

	for (r.n = 0; r.n < n; r.n++) {
		r.random = tpch_random_of(seed, tables[t].stream, (uint64_t)r.n);
		tables[t].row(&r);
		if (r.at < buffer + BUFFER_BYTES && r.n < n - 1)
			continue;
		if (!write_all(buffer, (size_t)(r.at - buffer))) {
			fprintf(stderr, "tpch-gen: %s\n", strerror(errno));
			return 1;
		}
		r.at = buffer;
		if (label)
			fprintf(stderr, "\r%-20s %3d %%", label, (int)((r.n + 1) * 100 / n));
	}
	if (label)
		fputc('\n', stderr);
	return 0;
}

static bool scale_of(const char *text, struct scale *s)
{
	char *end;
	double f = strtod(text, &end);

	if (end == text || *end || !(f >= 0.01 && f <= 100000))
		return false;
	s->suppliers = llround(f * 10000);
	s->parts = llround(f * 200000);
	s->customers = llround(f * 150000);
	s->orders = s->customers * 10;
	s->clerks = llround(f * 1000);
	return true;
}

static enum table table_of(const char *name)
{
	int t = 0;

	while (t < TABLES && strcmp(tables[t].name, name) != 0)
		t++;
	return (enum table)t;
}

int main(int argc, char **argv)
{
	const char *name = NULL, *scale = "1", *label = NULL;
	bool progress = false, count = false;
	uint64_t seed = 4; /* at SF 0.01 every query has rows then */
	struct scale s;
	enum table t;
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0)
			return fputs(usage, stdout) < 0;
		if (strcmp(argv[i], "--progress") == 0)
			progress = true;
		else if (strcmp(argv[i], "--count") == 0)
			count = true;
		else if (strcmp(argv[i], "--label") == 0 && i + 1 < argc)
			label = argv[++i];
		else if (strcmp(argv[i], "--scale") == 0 && i + 1 < argc)
			scale = argv[++i];
		else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 10);
		else if (*argv[i] != '-' && !name)
			name = argv[i];
		else
			return fputs(usage, stderr), 2;
	}
	t = name ? table_of(name) : TABLES;
	if (t == TABLES || !scale_of(scale, &s))
		return fputs(usage, stderr), 2;
	if (count)
		return printf("%lld\n", (long long)calls_of(t, &s)) < 0;
	if (!tpch_text_init(seed))
		return fputs("tpch-gen: no memory\n", stderr), 1;
	return make(t, &s, seed, progress ? label ? label : name : NULL);
}
