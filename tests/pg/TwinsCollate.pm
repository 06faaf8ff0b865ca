# SPDX-License-Identifier: BSD-3-Clause
#
# TwinsCollate.pm - for Twins.pm: texts in the order of a language, COLLATE "sv-x-icu" beside
# enc_text_sort_key(x, 'sv').
#
#     TwinsCollate::compare('cond', $sub)    two texts, one as near to the other as not
#     TwinsCollate::key($sub)                what ORDER BY takes
#
# Equal are texts of equal bytes only, in both.
package TwinsCollate;
use strict;
use warnings;
no warnings 'nonchar';
use utf8;

sub pick { return $_[int rand @_]; }

# Of every locale that initdb has made collations of, those whose rules differ.
my @locales = qw(und de-DE de-AT sv-SE da nb-NO fi cs-CZ sk hr hu pl lt lv et tr az cy mt es es-419 fr fr-CA ja ko zh zh-Hant-TW
	th my vi km bo ar fa ur he hi bn ta ml si ka hy el ru uk sr-Latn mk en-US en-US-u-va-posix);

# Letters that some language sorts apart or together, marks in and out of order, scripts,
# what is ignored, pairs that are canonically equal, the far ends of Unicode.
my @units = (map({ chr } 0x20 .. 0x7e), qw(ä Ä ö ü å Å æ Æ ø ß ẞ ñ ç č ď ě ř š ž ů ł ź ż ı İ đ ð þ œ ij ŋ ő ű ǆ ǅ ŀ ﬁ ﬀ ﷺ),
	'ch', 'Ch', 'cH', 'll', 'dz', 'dž', 'lj', 'nj', 'aa', 'Aa', 'ae', 'oe', 'ss', 'rh', 'ij', 'cs', 'ccs', 'a', 'b', 'o', 'z', '10', '9', '09',
	"\x{301}", "\x{300}", "\x{308}", "\x{30a}", "\x{30c}", "\x{323}", "\x{327}", "\x{344}", "\x{345}", "\x{323}\x{301}", "\x{301}\x{323}",
	"a\x{308}", "a\x{30a}", "o\x{302}\x{301}", "\x{1ed1}", "\x{212b}", "\x{2126}", "\x{37e}",
	qw(α β ω ά Ω ς а б я ё ѐ ґ і ა ჰ ա և א ב ש ا ب ة ی ک ١ ٢ क ख ा ि क्ष අ ආ ก ข แ เ ไ ๆ ກ ເ က ကျ ျ ် ក ខ ្ ཀ ག), "\x{f71}", "\x{f72}", "\x{f73}",
	"\x{fb2}\x{f71}\x{f80}", "\x{f81}", "\x{5b0}", "\x{5c1}", "\x{64b}", "\x{651}", "\x{e48}",
	qw(か が カ ガ ｶ ゛ ー ゝ ゞ 々 漢 字 一 丁 亜 㐀 𠀀 豈 가 각 ᄀ ㄱ ㄅ), "\x{1100}\x{1161}", "\x{1100}\x{1161}\x{11a8}",
	"\x{ad}", "\x{200b}", "\x{200d}", "\x{feff}", "\x{fe0f}", "\x{2019}", "\x{2013}", "\x{a0}", "\x{3000}", '😀', '👩', "\x{1f3fd}", "\x{1d165}",
	"\x{fffd}", "\x{ffff}", "\x{fffe}", "\x{e000}", "\x{10ffff}", "\x{378}", "\x{1}", "\x{7f}");

# Any character, assigned or not.
sub any_character {
	my $c = 1 + int rand pick(0x500, 0x3000, 0xd7ff, 0x323af, 0x10ffff);
	return chr($c >= 0xd800 && $c < 0xe000 ? $c - 0x800 : $c);
}

sub text { return join '', map { rand() < 0.1 ? any_character() : pick(@units) } 1 .. int rand 6; }

# Two that begin alike or are made of the same.
sub pair {
	my $s = text();
	my $r = rand();
	return ($s, text()) if $r < 0.3;
	return ($s, $s . text()) if $r < 0.4;
	return ($s . pick(@units), $s . pick(@units)) if $r < 0.6;
	return (pick(@units) . $s, pick(@units) . $s) if $r < 0.8;
	return ($s, rand() < 0.5 ? uc $s : join '', sort { rand() <=> 0.5 } split //, $s);
}

# Both of them, by a locale.
sub by {
	my ($locale, $a) = @_;
	my $name = pick($locale, $locale, "$locale-x-icu");
	return ["($a->[0] COLLATE \"$locale-x-icu\")", "enc_text_sort_key($a->[1], '$name')"];
}

sub compare {
	my ($type, $sub) = @_;
	my ($locale, @text) = (pick(@locales), pair());
	my @ab = map { [Twins::literal('text', $_)] } @text;
	@ab = ($sub->('text'), pick($sub->('text'), $ab[1])) if rand() < 0.3;
	return Twins::shape('$0 ' . pick('<', '<=', '>', '>=', '<', '>', '=', '<>') . ' $1', map { by($locale, $_) } @ab);
}

sub key { return by(pick(@locales), shift->('text')); }

1;
