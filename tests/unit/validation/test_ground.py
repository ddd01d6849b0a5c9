"""Strings, synonyms, booleans and the shape of what grounding returns."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holocron.derivation.grounding import Grounding
from holocron.validation.ground import Support, ground_value

V, N, I = Grounding.VERBATIM, Grounding.NORMALIZED, Grounding.INFERRED  # noqa: E741 - the columns of the tables below

LUKE = "Luke Skywalker, a farm boy of Tatooine, was born in 19 BBY; he is 1.72 m tall."

STRINGS = [
    # English
    ("a-word", "Tatooine", LUKE, V),
    ("two-words", "Luke Skywalker", LUKE, V),
    ("before-comma", "Skywalker", LUKE, V),
    ("whole-quote", LUKE, LUKE, V),
    ("measure", "1.72 m", LUKE, V),
    ("era", "19 BBY", LUKE, V),
    ("possessive", "Luke", "It was Luke's lightsaber.", V),
    ("possessive-curly", "Luke", "It was Luke’s lightsaber.", V),
    ("contraction", "they", "they're gone", V),
    ("in-brackets", "Han", "the smuggler (Han) left", V),
    ("in-markdown", "Han", "the _Han_ **Han**", V),
    ("hyphen-part", "wing", "an X-wing", V),
    ("own-hyphen", "X-wing", "an X-wing fighter", V),
    ("after-slash", "Leia", "Han/Leia", V),
    ("end-of-text", "droid", "a droid", V),
    ("identifier", "R2-D2", "R2-D2,96,32,white", V),
    ("episode-in-row", "Episode 4", "Episode 4,1977,Lucas", V),
    ("prefix", "Han", "Handle with care", I),
    ("suffix", "kin", "Anakin", I),
    ("middle", "akin", "Anakins", I),
    ("second-occurrence", "Han", "Handle with care, Han", V),
    ("digit-after", "BB", "BB8", I),
    ("longer-number", "34", "34.75 m", I),
    ("tail-of-number", "75", "34.75 m", I),
    ("grouped", "344", "1,344 men", I),
    ("sign", "19 degrees", "at -19 degrees", I),
    ("spaced-group", "304 men", "2 304 men", I),
    ("spaced-group-head", "a crew of 2", "a crew of 2 304 men", I),
    ("spaced-columns", "66", "Yoda 66 900 17", V),
    ("year-before-count", "1977", "in 1977 300 men came", V),
    ("dotted", "Episode 4", "Episode 4.5", I),
    ("not-its-speed", "10 km", "at 10 km/h", I),
    ("not-its-speed-per", "10 km", "at 10 km per hour", I),
    ("not-its-area", "10 km", "some 10 km² of sand", I),
    ("not-can", "can", "he can't", I),
    ("not-O", "O", "O'Neill", I),
    ("not-Neill", "Neill", "O'Neill", I),
    ("elision", "Empire", "les soldats de l'Empire", V),
    ("absent", "Vader", LUKE, I),
    ("other-order", "Skywalker Luke", LUKE, I),
    ("paraphrase", "desert world", "a world of deserts", I),
    ("typo", "Skywaker", LUKE, I),
    ("extra-word", "Luke Anakin Skywalker", LUKE, I),
    ("plural", "farm boys", LUKE, I),
    # normalisation
    ("case", "luke skywalker", LUKE, N),
    ("capitals", "LUKE SKYWALKER", LUKE, N),
    ("spaces", "Luke  Skywalker", LUKE, N),
    ("line-break", "Luke Skywalker", "Luke\n  Skywalker", N),
    ("no-break-space", "Luke Skywalker", "Luke\u00a0Skywalker", N),
    ("ideographic-space", "Luke Skywalker", "Luke\u3000Skywalker", N),
    ("non-breaking-hyphen", "X-wing", "an X\u2011wing", N),
    ("en-dash", "1977-1983", "1977–1983", N),
    ("em-dash", "Jedi—Sith", "Jedi-Sith", N),
    ("minus", "−19 °C", "-19 °C", N),
    ("curly-apostrophe", "Qui'ra", "Qui’ra", N),
    ("curly-quotes", 'the "Falcon" lands', "the “Falcon” lands", N),
    ("ligature", "finale", "the ﬁnale", N),
    ("full-width", "X-Wing 34", "Ｘ－Ｗｉｎｇ　３４", N),
    ("soft-hyphen", "Tatooine", "Tatoo\u00adine", N),
    ("zero-width-space", "Tatooine", "Tatoo\u200bine", N),
    ("decomposed-quote", "Padmé", "Padme\u0301 Amidala", N),
    ("decomposed-value", "Padme\u0301", "Padmé Amidala", N),
    ("trailing-stop", "a farm boy.", LUKE, N),
    ("wrapped-in-quotes", '"Tatooine"', LUKE, N),
    ("trade-mark", "Lego Bricks", "Lego® bricks", N),
    ("article", "the Millennium Falcon", "a ship, Millennium Falcon", N),
    ("article-one-word", "The Empire", "fleets of Empire ships", N),
    ("article-other-case", "The Who", "the man who came", I),
    ("initials", "JRR Tolkien", "by J. R. R. Tolkien", N),
    ("initials-tight", "J. R. R. Tolkien", "by J.R.R. Tolkien", N),
    ("initials-reverse", "J.R.R. Tolkien", "by JRR Tolkien", N),
    ("initials-fewer", "J. R. Tolkien", "by J. R. R. Tolkien", I),
    ("abbreviation", "US", "the U.S. fleet", N),
    ("abbreviation-small-word", "US", "he told us", I),
    ("abbreviation-reverse", "U.S.", "he told us", I),
    ("who", "WHO", "a man who came", I),
    ("nasa", "NASA", "Nasa said", I),
    ("han", "HAN", "Han shot first", I),
    ("who-first", "WHO", "Who is Luke?", I),
    ("it-first", "IT", "It was raining.", I),
    ("us-first", "US", "Us three went.", I),
    ("normalised-prefix", "HANS", "Hansel", I),
    ("normalised-border", "han", "HANDLE", I),
    ("superscript", "102", "about 10² men", I),
    ("mixed-fraction", "21", "2½ tons", I),
    ("circled", "101", "10① items", I),
    ("no-break-group", "304 men", "2\u00a0304 men", I),
    ("feet", "5'", "5 m", I),
    # nothing to look for
    ("empty", "", LUKE, I),
    ("space", " ", LUKE, I),
    ("comma", ",", LUKE, I),
    ("punctuation", " -- ", "a -- b", I),
    ("currency-only", "$", "$ 5", I),
    ("combining-only", "\u0301", "e\u0301", I),
    ("zero-width-only", "\u200b", "a\u200bb", I),
    # placeholders
    ("na-absent", "N/A", LUKE, I),
    ("na-literal", "N/A", "homeworld: N/A", V),
    ("na-other-case", "N/A", "homeworld: n/a", I),
    ("unknown-absent", "unknown", LUKE, I),
    ("unknown-literal", "unknown", "of unknown origin", V),
    ("unknown-case", "Unknown", "of unknown origin", I),
    ("none", "None", "none of them", I),
    ("not-found", "not found", "Not found", I),
    # Chinese, Japanese, Korean, Thai
    ("zh", "卢克", "卢克是绝地武士", V),
    ("zh-middle", "绝地武士", "卢克是绝地武士。", V),
    ("zh-absent", "达斯维达", "卢克是绝地武士", I),
    ("zh-radical-form", "⽔", "水", N),
    ("ja-particle", "ルーク", "ルークはタトゥイーンに住む", V),
    ("ja-latin", "Luke", "Lukeはジェダイ", V),
    ("ja-half-width", "ルーク", "ﾙｰｸは", N),
    ("ja-long-vowel", "スタ", "スター", I),
    ("ja-small-kana", "ジ", "ジェダイ", I),
    ("ja-number", "三", "三百人", I),
    ("ja-number-tail", "19", "19万人", I),
    ("ko-particle", "루크", "루크는 제다이다", V),
    ("ko-latin", "Luke", "Luke는 제다이다", V),
    ("ko-left", "크", "루크", I),
    ("ko-decomposed", "루크", "\u1105\u116e\u110f\u1173는", N),
    ("ko-jamo", "\u1100\u1161", "\u1100\u1161\u11a8", I),
    ("th", "ลุค", "ลุคเป็นเจได", V),
    ("th-mark", "ก", "กี่คน", I),
    # Arabic, Hebrew, Hindi
    ("ar", "تاتوين", "ولد لوك في تاتوين.", V),
    ("ar-prefix", "القاهرة", "والقاهرة", I),
    ("ar-tatweel", "محمد", "محـــمد رسول", N),
    ("ar-zero-width-joined", "کتاب", "کتاب\u200cها", I),
    ("ar-comma", "لوك", "لوك، ابن أناكين", V),
    ("he", "לוק", "לוק סקייווקר", V),
    ("hi", "राम", "राम घर गया", V),
    ("hi-longer", "राम", "रामायण", I),
    ("hi-vowel-sign", "दिल्ल", "दिल्ली", I),
    ("hi-ends-in-sign", "दिल्ली", "दिल्ली, भारत", V),
    # German, French, Turkish
    ("de", "Größe", "Die Größe beträgt 1,72 m.", V),
    ("de-compound", "Raum", "Raumschiff", I),
    ("de-sharp-s", "STRASSE", "Straße", N),
    ("de-umlaut-is-no-vowel", "Grosse", "Große und Größe", N),
    ("de-umlaut", "Grösse", "Grosse", I),
    ("accent-counts", "resume", "his résumé", I),
    # combining marks, emoji
    ("combining-after", "e", "e\u0301te", I),
    ("combining-after-word", "Padme", "Padme\u0301", I),
    ("combining-before", "\u0301t", "e\u0301t", I),
    ("emoji", "🚀", "launch 🚀 now", V),
    ("emoji-inside", "🚀", "launch🚀now", V),
    ("word-before-emoji", "launch", "launch🚀", V),
    ("emoji-skin", "👍", "👍🏽", I),
    ("emoji-family", "👨", "👨\u200d👩\u200d👧", I),
    ("emoji-member", "👧", "👨\u200d👩\u200d👧", I),
    # numbers in strings
    ("digits-string", "2304", "a crew of 2,304", N),
    ("digits-row", "77", "Luke,172,77", V),
    ("digits-leading-zero", "007", "7 agents", I),
    ("digits-ordinal", "34", "in 34th place", N),
    ("digits-identifier", "34", "an XJ34", I),
    ("measure-no-space", "34.75 m", "34.75m long", N),
    ("measure-spelled", "34.75 m", "34.75 metres long", N),
    ("measure-us", "34.75 metres", "34.75 meters long", N),
    ("measure-hyphen", "34.75 m", "a 34.75-metre ship", N),
    ("measure-line-break", "34.75 m", "34.75\nm", N),
    ("measure-grouped", "2304 m", "2,304 m", N),
    ("measure-words", "19 years", "nineteen years", N),
    ("measure-speed", "10 km/h", "10 kilometres per hour", N),
    ("measure-percent", "12%", "12 percent", N),
    ("measure-other-unit", "34.75 m", "34.75 km", I),
    ("measure-other-value", "34.8 m", "34.75 m", I),
    ("measure-tail", "4.75 m", "34.75 m", I),
    ("measure-scale", "5 m", "$5m", I),
    ("measure-case", "5 MW", "5 mW", I),
    ("measure-sign", "34.75 m", "-34.75 m", I),
    ("measure-area", "34.75 m", "34.75 m²", I),
    ("measure-prefix", "5 m", "5 men", I),
    # things that look like syntax
    ("regex", "a.c", "abc", I),
    ("regex-literal", "a.*c", "the a.*c rule", V),
    ("backslash", r"C:\new", r"see C:\new.", V),
    ("html", "<b>", "a <b> c", V),
    ("surrogate", "\ud800x", "a \ud800x b", V),
    ("nul", "a\0b", "a\0b", V),
]


@pytest.mark.parametrize(
    ("value", "quote", "level"), [case[1:] for case in STRINGS], ids=[case[0] for case in STRINGS]
)
def test_a_string_is_as_grounded_as_it_stands_in_the_quote(value: str, quote: str, level: Grounding) -> None:
    """A near miss is no support: words, numbers and graphemes are taken whole."""
    assert ground_value(value, [quote]).grounding is level


def test_synonyms_count_as_the_value_after_normalisation() -> None:
    """A declared synonym supports an enum's value; it is never verbatim."""
    quote = ["He turned to the Dark Side."]
    assert ground_value("sith", quote, synonyms=["dark side"]).grounding is N
    assert ground_value("sith", quote, synonyms=["Dark Side"]).grounding is N
    assert ground_value("sith", quote, synonyms=["dark"]).grounding is N
    assert ground_value("sith", quote, synonyms=["ark side", "darker side", ""]).grounding is I
    assert ground_value("sith", ["a sith lord"], synonyms=["dark side"]).grounding is V
    assert ground_value("sith", ["a Sith lord"], synonyms=["dark side"]).grounding is N
    assert ground_value(4, ["quad lasers"], synonyms=["quad"]).grounding is N


def test_a_boolean_follows_from_its_quotes_and_never_stands_in_them() -> None:
    """Even the word itself is no support: true is about the sentence, not in it."""
    assert ground_value(True, ["true", "1"]) == Support(grounding=I, quotes=(0, 1))
    assert ground_value(False, ["no"], synonyms=["no"]) == Support(grounding=I, quotes=(0,))


def test_the_quotes_that_hold_the_value_are_named() -> None:
    """The quotes of the strictest level come back in reading order; where none holds it, all do."""
    quotes = ["LUKE came.", "Handle it.", "Luke left.", "Then Luke died."]
    assert ground_value("Luke", quotes) == Support(grounding=V, quotes=(2, 3))
    assert ground_value("luke", quotes[:3]) == Support(grounding=N, quotes=(0, 2))
    assert ground_value("Han", quotes) == Support(grounding=I, quotes=(0, 1, 2, 3))
    assert ground_value("Luke", []) == Support(grounding=I, quotes=())


PHRASE = "Luke Anakin wing of the droid Padmé Größe दिल्ली 卢克 ルーク تاتوين 34 19 R2-D2 🚀 e\u0301t ﬁn ß"
WORDS = PHRASE.split()
around = st.lists(st.sampled_from(WORDS), max_size=3)


@settings(max_examples=150, deadline=None)
@given(before=around, words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4), after=around)
def test_what_stands_between_two_spaces_is_verbatim(
    before: list[str], words: list[str], after: list[str]
) -> None:
    """Any run of whole words of a quote is supported to the letter."""
    assert ground_value(" ".join(words), [" ".join(before + words + after)]).grounding is V


@settings(max_examples=150, deadline=None)
@given(before=around, words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4), after=around)
def test_case_and_spaces_never_lose_support(before: list[str], words: list[str], after: list[str]) -> None:
    """The same run in capitals or with other spaces is supported still."""
    words = ["Tatooine", *words]
    quote = " ".join(before + words + after)
    value = "\u3000 ".join(words)
    assert ground_value(value, [quote]).grounding is not I
    assert ground_value(value.upper(), [quote]).grounding is not I


@settings(max_examples=100, deadline=None)
@given(word=st.text("abcdefgh", min_size=1, max_size=6), tail=st.text("abcdefghé", min_size=1, max_size=3))
def test_a_part_of_a_word_is_never_supported(word: str, tail: str) -> None:
    """A word is not in the longer words that begin or end with it."""
    assert ground_value(word, [f"x {word}{tail} y", f"x {tail}{word} y"]).grounding is I


@settings(max_examples=200, deadline=None)
@given(
    value=st.one_of(st.text(max_size=12), st.integers(), st.floats(), st.booleans()),
    quotes=st.lists(st.text(max_size=40), max_size=3),
    is_date=st.booleans(),
)
def test_nothing_raises(value: str | float, quotes: list[str], is_date: bool) -> None:
    """Whatever the value and the quotes hold, the outcome is a level and indexes of those quotes."""
    support = ground_value(value, quotes, synonyms=["a"], is_date=is_date)
    assert set(support.quotes) <= set(range(len(quotes)))
    assert support.quotes or not quotes


MEANINGFUL = "0123456789 .,'’/-–−+eExX×^*%$mkM½⅓²¹⁻⁵①年月日万十三百千零一第٣٫٬，．\u00a0\u2009:()\n"


@settings(max_examples=300, deadline=None)
@given(
    value=st.one_of(st.text(MEANINGFUL, max_size=8), st.integers(-50, 5000), st.floats(-9, 9)),
    quote=st.text(MEANINGFUL, max_size=40),
)
def test_nothing_raises_among_numbers(value: str | float, quote: str) -> None:
    """The same for texts that are nothing but digits, signs and scales."""
    ground_value(value, [quote])
