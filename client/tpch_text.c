/* SPDX-License-Identifier: BSD-3-Clause */
#include "tpch_text.h"

#include <stdlib.h>
#include <string.h>

enum { POOL_BYTES = 32 << 20, SENTENCE_MAX = 512 };

#define WORDS(name, ...)                                                             \
	static const char *const name##_list[] = {__VA_ARGS__};                              \
	const struct tpch_words name = {name##_list, sizeof name##_list / sizeof *name##_list};

/* ---- clause 4.2.2.13, and 4.2.3 for the colours ---- */

WORDS(tpch_colours, "almond", "antique", "aquamarine", "azure", "beige", "bisque", "black",
	"blanched", "blue", "blush", "brown", "burlywood", "burnished", "chartreuse", "chiffon",
	"chocolate", "coral", "cornflower", "cornsilk", "cream", "cyan", "dark", "deep", "dim",
	"dodger", "drab", "firebrick", "floral", "forest", "frosted", "gainsboro", "ghost",
	"goldenrod", "green", "grey", "honeydew", "hot", "indian", "ivory", "khaki", "lace",
	"lavender", "lawn", "lemon", "light", "lime", "linen", "magenta", "maroon", "medium",
	"metallic", "midnight", "mint", "misty", "moccasin", "navajo", "navy", "olive", "orange",
	"orchid", "pale", "papaya", "peach", "peru", "pink", "plum", "powder", "puff", "purple",
	"red", "rose", "rosy", "royal", "saddle", "salmon", "sandy", "seashell", "sienna", "sky",
	"slate", "smoke", "snow", "spring", "steel", "tan", "thistle", "tomato", "turquoise",
	"violet", "wheat", "white", "yellow")
WORDS(tpch_segments, "AUTOMOBILE", "BUILDING", "FURNITURE", "MACHINERY", "HOUSEHOLD")
WORDS(tpch_priorities, "1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW")
WORDS(tpch_instructions, "DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN")
WORDS(tpch_modes, "REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB")
WORDS(tpch_type_1, "STANDARD", "SMALL", "MEDIUM", "LARGE", "ECONOMY", "PROMO")
WORDS(tpch_type_2, "ANODIZED", "BURNISHED", "PLATED", "POLISHED", "BRUSHED")
WORDS(tpch_type_3, "TIN", "NICKEL", "BRASS", "STEEL", "COPPER")
WORDS(tpch_container_1, "SM", "LG", "MED", "JUMBO", "WRAP")
WORDS(tpch_container_2, "CASE", "BOX", "BAG", "JAR", "PKG", "PACK", "CAN", "DRUM")

const char *const tpch_regions[TPCH_REGIONS] = {
	"AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"};

const struct tpch_nation tpch_nations[TPCH_NATIONS] = {{"ALGERIA", 0}, {"ARGENTINA", 1},
	{"BRAZIL", 1}, {"CANADA", 1}, {"EGYPT", 4}, {"ETHIOPIA", 0}, {"FRANCE", 3},
	{"GERMANY", 3}, {"INDIA", 2}, {"INDONESIA", 2}, {"IRAN", 4}, {"IRAQ", 4}, {"JAPAN", 2},
	{"JORDAN", 4}, {"KENYA", 0}, {"MOROCCO", 0}, {"MOZAMBIQUE", 0}, {"PERU", 1},
	{"CHINA", 2}, {"ROMANIA", 3}, {"SAUDI ARABIA", 4}, {"VIETNAM", 2}, {"RUSSIA", 3},
	{"UNITED KINGDOM", 3}, {"UNITED STATES", 1}};

/* ---- clause 4.2.2.14: the grammar's words ----
 * A list's first words are its frequent ones: half of all draws are from its first `hot`.
 * Query 13 looks for "special ... requests", so comments need them as often as not. */

struct vocabulary {
	struct tpch_words words;
	int hot;
};

#define VOCABULARY(name, hot, ...)                                                      \
	static const char *const name##_list[] = {__VA_ARGS__};                              \
	static const struct vocabulary name = {                                              \
		{name##_list, sizeof name##_list / sizeof *name##_list}, hot};

VOCABULARY(nouns, 4, "packages", "requests", "accounts", "deposits", "foxes", "ideas",
	"theodolites", "pinto beans", "instructions", "dependencies", "excuses", "platelets",
	"asymptotes", "courts", "dolphins", "multipliers", "sauternes", "warthogs", "frets",
	"dinos", "attainments", "somas", "Tiresias", "patterns", "forges", "braids",
	"hockey players", "frays", "warhorses", "dugouts", "notornis", "epitaphs", "pearls",
	"tithes", "waters", "orbits", "gifts", "sheaves", "depths", "sentiments", "decoys",
	"realms", "pains", "grouches", "escapades")
VOCABULARY(verbs, 8, "sleep", "wake", "are", "cajole", "haggle", "nag", "use", "boost",
	"affix", "detect", "integrate", "maintain", "nod", "was", "lose", "sublate", "solve",
	"thrash", "promise", "engage", "hinder", "print", "x-ray", "breach", "eat", "grow",
	"impress", "mold", "poach", "serve", "run", "dazzle", "snooze", "doze", "unwind",
	"kindle", "play", "hang", "believe", "doubt")
VOCABULARY(adjectives, 8, "special", "pending", "unusual", "express", "regular", "final",
	"ironic", "even", "furious", "sly", "careful", "blithe", "quick", "fluffy", "slow",
	"quiet", "ruthless", "thin", "close", "dogged", "daring", "brave", "stealthy",
	"permanent", "enticing", "idle", "busy", "bold", "silent")
VOCABULARY(adverbs, 8, "furiously", "slyly", "carefully", "blithely", "quickly", "fluffily",
	"slowly", "quietly", "sometimes", "always", "never", "ruthlessly", "thinly", "closely",
	"doggedly", "daringly", "bravely", "stealthily", "permanently", "enticingly", "idly",
	"busily", "regularly", "finally", "ironically", "evenly", "boldly", "silently")
VOCABULARY(prepositions, 4, "above the", "according to the", "across the", "about the",
	"after the", "against the", "along the", "alongside of the", "among the", "around the",
	"at the", "atop the", "before the", "behind the", "beneath the", "beside the",
	"besides the", "between the", "beyond the", "by the", "despite the", "during the",
	"except the", "for the", "from the", "in place of the", "inside the", "instead of the",
	"into the", "near the", "of the", "on the", "outside the", "over the", "past the",
	"since the", "through the", "throughout the", "to the", "toward the", "under the",
	"until the", "up the", "upon the", "without the", "with the", "within the")
VOCABULARY(auxiliaries, 7, "do", "may", "might", "shall", "will", "would", "can", "could",
	"should", "ought to", "must", "will have to", "shall have to", "could have to",
	"should have to", "must have to", "need to", "try to")
VOCABULARY(terminators, 1, ".", ";", ":", "?", "!", "--")

/* ---- random numbers: splitmix64 ---- */

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

struct tpch_random tpch_random_of(uint64_t seed, uint32_t table, uint64_t row)
{
	return (struct tpch_random){mix(mix(seed + table * 0x9e3779b97f4a7c15u) + row)};
}

int64_t tpch_random_in(struct tpch_random *r, int64_t low, int64_t high)
{
	uint64_t n = (uint64_t)(high - low) + 1;

	r->state += 0x9e3779b97f4a7c15u;
	/* the high half of a product: even within n / 2^64 */
	return low + (int64_t)((unsigned __int128)mix(r->state) * n >> 64);
}

/* ---- the pool ---- */

struct pool {
	char *bytes;
	size_t len;
	struct tpch_random random;
};

static struct pool pool;

static void add(struct pool *p, const char *word)
{
	size_t n = strlen(word);

	memcpy(p->bytes + p->len, word, n);
	p->len += n;
}

static void add_word(struct pool *p, const struct vocabulary *v)
{
	bool hot = tpch_random_in(&p->random, 0, 1);
	int most = hot ? v->hot : v->words.count;

	if (p->len && p->bytes[p->len - 1] != ' ')
		add(p, " ");
	add(p, v->words.word[tpch_random_in(&p->random, 0, most - 1)]);
}

static void add_noun_phrase(struct pool *p)
{
	switch (tpch_random_in(&p->random, 0, 3)) {
	case 3:
		add_word(p, &adverbs);
		add_word(p, &adjectives);
		break;
	case 2:
		add_word(p, &adjectives);
		add(p, ",");
		add_word(p, &adjectives);
		break;
	case 1:
		add_word(p, &adjectives);
		break;
	default:
		break;
	}
	add_word(p, &nouns);
}

static void add_verb_phrase(struct pool *p)
{
	int64_t form = tpch_random_in(&p->random, 0, 3);

	if (form & 1)
		add_word(p, &auxiliaries);
	add_word(p, &verbs);
	if (form & 2)
		add_word(p, &adverbs);
}

static void add_prepositional_phrase(struct pool *p)
{
	add_word(p, &prepositions);
	add_noun_phrase(p);
}

/* clause 4.2.2.14: n verb, n verb prep, n verb n, n prep verb n, n prep verb prep */
static void add_sentence(struct pool *p)
{
	int64_t form = tpch_random_in(&p->random, 0, 4);

	add_noun_phrase(p);
	if (form >= 3)
		add_prepositional_phrase(p);
	add_verb_phrase(p);
	if (form == 1 || form == 4)
		add_prepositional_phrase(p);
	else if (form)
		add_noun_phrase(p);
	add(p, terminators.words.word[tpch_random_in(&p->random, 0, 1)
			? 0 : tpch_random_in(&p->random, 0, terminators.words.count - 1)]);
	add(p, " ");
}

bool tpch_text_init(uint64_t seed)
{
	pool.bytes = malloc(POOL_BYTES + SENTENCE_MAX);
	if (!pool.bytes)
		return false;
	pool.len = 0;
	pool.random = tpch_random_of(seed, UINT32_MAX, 0);
	while (pool.len < POOL_BYTES)
		add_sentence(&pool);
	return true;
}

const char *tpch_text(struct tpch_random *r, int min, int max, size_t *len)
{
	*len = (size_t)tpch_random_in(r, min, max);
	return pool.bytes + tpch_random_in(r, 0, POOL_BYTES - 1 - (int64_t)*len);
}
