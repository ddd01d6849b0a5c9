"""Names: endless invented people, places, ships, firms and titles.

In: a random generator and a side. Out: strings. A word belongs to one side for ever, by its checksum,
so that evaluation meets no word of a name that training has seen. Never: names anything real on purpose.
"""

from __future__ import annotations

import re
import zlib
from functools import cache
from pathlib import Path
from random import Random

from models.builtin.composing import read_wider
from models.builtin.words import read_words

_WORDS = read_words()
_STYLES = [(style["onsets"], style["vowels"], style["codas"]) for style in _WORDS["styles"]]
_WEIGHTS = [style["weight"] for style in _WORDS["styles"]]
#: one word of so many is put together from parts of plain words, so that every token is met in a name
PLAIN_SHARE = 0.25
#: one word of so many has been in another name of the bundle
AGAIN_SHARE = 0.07
#: so many offices and lists of wares are made up
INVENTED_SHARE = 0.2
#: one word of so many begins or ends like another of the bundle, so that copying must look further back
LIKE_SHARE = 0.08
#: one word of so many is any letters that stand together in plain words, so that nothing but copying helps
PIECED_SHARE = 0.17
#: one word of eight is held out
HELD_OUT_SHARE = 8


@cache
def _plain_words() -> list[str]:
    """Return the plain words of the pattern files, whatever they mean there."""
    texts = (
        path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("patterns/*.yaml"))
    )
    return sorted({word for text in texts for word in re.findall(r"[a-z]{3,10}", text)})


@cache
def _held_out_nouns() -> frozenset[str]:
    texts = (
        path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("patterns/*.yaml"))
    )
    lists = re.findall(r"^nouns: \[(.*?)\]", "\n".join(texts), re.DOTALL | re.MULTILINE)
    nouns = {re.sub(r"\s+", " ", noun).strip() for told in lists for noun in told.split(",")}
    return frozenset(noun[1:] for noun in nouns if noun.startswith("~"))


def is_held_out(word: str) -> bool:
    """Tell on which side a word of a name lies."""
    return zlib.crc32(word.encode()) % HELD_OUT_SHARE == 0


class Names:
    """Makes names for one side: training or evaluation."""

    def __init__(self, rng: Random, *, held_out: bool) -> None:
        self._rng = rng
        self._held_out = held_out
        #: words that were made before: some come again in other names of the same bundle
        self._made: list[str] = []

    def word(self, ends: list[str] | None = None) -> str:
        """Return one capitalised invented word, now and then one that was made before."""
        if self._made and self._rng.random() < AGAIN_SHARE:
            return self._rng.choice(self._made)
        self._made.append(self._new_word(ends))
        return self._made[-1]

    def _new_word(self, ends: list[str] | None) -> str:
        rng = self._rng
        while True:
            if self._made and rng.random() < LIKE_SHARE:
                text = self._like(rng.choice(self._made).lower())
                if 3 <= len(text) <= 11 and is_held_out(text) == self._held_out:
                    return text.capitalize()
                continue
            if rng.random() < PIECED_SHARE:
                text = "".join(self._piece() for _ in range(rng.choice((2, 2, 2, 3))))
                if 3 <= len(text) <= 11 and is_held_out(text) == self._held_out:
                    return text.capitalize()
                continue
            if rng.random() < PLAIN_SHARE:
                first, second = rng.choice(_plain_words()), rng.choice(_plain_words())
                text = rng.choice((first, first[: rng.randint(2, 5)] + second[-rng.randint(2, 5) :]))
                if len(text) <= 11 and is_held_out(text) == self._held_out:
                    return text.capitalize()
                continue
            onsets, vowels, codas = rng.choices(_STYLES, _WEIGHTS)[0]
            text = ""
            for _ in range(rng.choice((1, 1, 2, 2, 2, 2, 3))):
                onset = rng.choice(onsets.split()) if rng.random() < 0.9 else ""
                coda = rng.choice(codas.split()) if rng.random() < 0.55 else ""
                text += onset + rng.choice(vowels.split()) + coda.strip("-")
            if rng.random() < 0.35:
                text += rng.choice(ends or _WORDS["ends"])
            if 3 <= len(text) <= 11 and is_held_out(text) == self._held_out:
                return text.capitalize()

    def _like(self, word: str) -> str:
        """Return a word that shares its beginning or its end with another."""
        kept = self._rng.randint(2, max(2, len(word) - 2))
        return word[:kept] + self._piece() if self._rng.random() < 0.6 else self._piece() + word[-kept:]

    def _piece(self) -> str:
        """Return some letters that stand together in some word, often its end."""
        word = self._rng.choice(_plain_words())
        start = self._rng.randrange(max(1, len(word) - 1))
        return word[start:] if self._rng.random() < 0.5 else word[start : start + self._rng.randint(2, 4)]

    def person(self) -> str:
        """Return a person's name of two or three words."""
        rng = self._rng
        first, last = self.word(), self.word()
        luck = rng.random()
        if luck < 0.08:
            return f"{first} {rng.choice(_WORDS['particles'])} {last}"
        if luck < 0.16:
            return f"{first} {rng.choice('ABCDEFGHIJKLMNOPRSTVW')}. {last}"
        if luck < 0.22:
            return f"{first} {self.word()} {last}"
        if luck < 0.25:
            return f"{first}-{self.word()} {last}"
        return f"{first} {last}"

    def place(self) -> str:
        """Return a town, island or region."""
        rng = self._rng
        word = self.word(_WORDS["place_ends"])
        luck = rng.random()
        if luck < 0.16:
            return f"{rng.choice(_WORDS['before_place'])} {word}"
        if luck < 0.28:
            return f"{word} {rng.choice(_WORDS['after_place'])}"
        if luck < 0.32:
            return f"{word}-{self.word()}"
        return word

    def ship(self) -> str:
        """Return a ship's name, without an article."""
        rng = self._rng
        luck = rng.random()
        if luck < 0.3:
            return f"{rng.choice(_WORDS['shades'])} {rng.choice(_WORDS['things'])}"
        if luck < 0.4:
            return f"{rng.choice(_WORDS['things'])} of {self.word()}"
        if luck < 0.55:
            return f"{rng.choice(_WORDS['shades'])} {self.word()}"
        if luck < 0.75:
            return f"{self.word()} {self.word()}"
        return self.word()

    def organisation(self) -> str:
        """Return a firm or society, without an article."""
        rng = self._rng
        if rng.random() < 0.15:
            before = rng.choice(("Royal", "Free", "United", "General", "First"))
            return f"{before} {rng.choice(_WORDS['firms'][3:])} of {self.word()}"
        if rng.random() < 0.15:
            return f"{self.word()} {self.word()} {rng.choice(_WORDS['firms'])}"
        return f"{self.word()} {rng.choice(_WORDS['firms'])}"

    def title(self) -> str:
        """Return the title of a work."""
        rng = self._rng
        luck = rng.random()
        if luck < 0.4:
            title = f"{rng.choice(_WORDS['heads'])} {rng.choice(_WORDS['topics'])}"
        elif luck < 0.7:
            title = f"{rng.choice(_WORDS['heads'])} {self.word()}"
        elif luck < 0.92:
            title = f"The {rng.choice(_WORDS['shades'])} {rng.choice(_WORDS['things'])}"
        else:
            title = f"The {self.word()} {rng.choice(_WORDS['things'])}"
        return f"{title}{self._longer()}" if rng.random() < 0.25 else title

    def _longer(self) -> str:
        """Return what makes a title longer."""
        rng, topic, thing = self._rng, self._rng.choice(_WORDS["topics"]), self._rng.choice(_WORDS["things"])
        return rng.choice(
            (
                f" and {topic}",
                f" of {self.word()}",
                f" and the {rng.choice(_WORDS['shades'])} {thing}",
                f", or the {thing} of {self.word()}",
                f" in {self.word()} and {self.word()}",
                f" and Other {thing}s",
                f", with Notes on {topic}",
                f" from {self.word()} to {self.word()}",
            )
        )

    def event(self, noun: str) -> str:
        """Return the name of an event of a sort."""
        rng = self._rng
        sort = noun.title()
        if rng.random() < 0.6:
            return f"{sort} of {self.word()}"
        return f"{rng.choice((*_WORDS['shades'], self.word()))} {sort}"

    def river(self) -> str:
        """Return a river, without an article."""
        return (
            self.word()
            if self._rng.random() < 0.85
            else f"{self._rng.choice(_WORDS['shades'])} {self.word()}"
        )

    def building(self) -> str:
        """Return a building, without an article."""
        before = self.word() if self._rng.random() < 0.7 else f"Saint {self.word()}"
        return f"{before} {self._rng.choice(_WORDS['halls'])}"

    def role(self) -> str:
        """Return an office that a person can hold."""
        invented = self._rng.random() < INVENTED_SHARE
        role = self.noun("person") if invented else self._rng.choice(_WORDS["roles"])
        return f"{role} of {self.word()}" if " of " not in role and self._rng.random() < 0.3 else role

    def noun(self, kind: str) -> str:
        """Return a sort of people or things that nobody has heard of, so that sorts are read, not guessed."""
        while True:
            plain = self._rng.random() < 0.55
            word = self._rng.choice(_plain_words()) if plain else self._new_word(None).lower()
            noun = word + self._rng.choice(read_wider("asides")["noun_ends"][kind])
            if is_held_out(word) == self._held_out and len(noun) >= 3 and noun not in _held_out_nouns():
                return noun

    def goods(self) -> list[str]:
        """Return two to four wares."""
        goods = self._rng.sample(_WORDS["goods"], self._rng.randint(2, 4))
        made = self._rng.random() < INVENTED_SHARE
        return [self._new_word(None).lower() if made and self._rng.random() < 0.7 else one for one in goods]
