"""Names: endless invented people, places, ships, firms and titles.

In: a random generator and a side. Out: strings. A word belongs to one side for ever, by its checksum,
so that evaluation meets no word of a name that training has seen. Never: names anything real on purpose.
"""

from __future__ import annotations

import zlib
from random import Random

_STYLES: tuple[tuple[str, str, str], ...] = (
    ("b br d dr f g gr h k l m n p r s st t th v w", "a e i o u ee aa ei", "n r l m s t nd rn lk k ll rt x"),
    ("b c d f g l m n p r s t v", "a e i o u ia io", "n r s l - - -"),
    ("bl br d f fj g h hj j k kn l m n r s sk sv t th v", "a e i o u y å ø ei au", "n r l s t g rd nd rk lm -"),
    ("b ch d dz g k kr l m mir n p r s sl st t v vl z", "a e i o u", "n v k s r sk slav - -"),
    ("ch d h k l m n p q r s sh t w y z j", "a e i o u ai ua", "n m ng l r h - - -"),
    ("c d f gl h ll m n p r s t tr w", "a e i o u y wy ae", "n th dd r s ll w -"),
    ("b d f g h j k l m n r s t z", "a e i o u é è ou", "r l s t n - - -"),
)
_ENDS = "a e o en er in ar us is on ov ski sen son man berg well ford ton ham by wick mark land lin ra na ta la".split()
_PLACE_ENDS = "burg ham ton ford haven mouth stad dorf wick by field more grad ville port nes vik dal moor stead".split()
_BEFORE_PLACE = "Port New Old Saint Fort Upper Lower North South East West Great Little Cape Mount Lake".split()
_AFTER_PLACE = "Bay Harbour Sound Island Bridge Cross Falls Point Head Ferry Ness Springs Hollow Green".split()
_SHADES = (
    "Grey White Black Red Silver Golden Northern Southern Western Bright Silent Patient Swift Bold Lucky Faithful"
    " Green Blue Distant Merry Proud Gentle Restless Early Second Last Humble Brave Pale Quiet"
).split()
_THINGS = (
    "Heron Star Gull Wave Rose Arrow Falcon Swan Lantern Crown Anchor Dolphin Tern Wind Comet Lark Thistle Otter"
    " Venture Fortune Hope Harvest Mermaid Pilot Swallow Raven Lion Bear Fox Dawn Tide Compass Hunter Spirit"
).split()
_FIRMS = (
    "Company|Trading Company|Shipyard|Society|Institute|Brothers|Guild|Union|Academy|Works|Bank|Press|Line|League"
    "|Foundation|Yard|and Sons|Cooperative|Survey|Museum|Bureau|Fishery|House|Mining Company|Observatory"
).split("|")
_TOPICS = (
    "Salt|Stars|Rivers|Winter|Birds|Glass|the North|Stones|Silence|the Sea|Bees|Bread|Fire|Clouds|Islands|Old Roads"
    "|Lost Ships|the Tides|Gardens|Clay|Iron|Sleep|Numbers|Ferns|Small Things|Bells"
).split("|")
_HEADS = "A History of|On|Notes on|The Book of|Letters from|A Winter in|Songs of|The Road to|Charts of|The Keeper of|Travels in".split("|")
_HALLS = "Hall Bridge Tower Church Lighthouse Library Mill Theatre Gate Market Chapel School Station Mole Granary".split()
_ROLES = (
    "harbour master|judge|chief surveyor|director of the museum|mayor|professor of law|royal painter|town clerk|keeper of"
    " the archive|head of the school|first secretary|master of the mint|inspector of mines|state printer|court physician"
    "|curator of maps|bishop|keeper of the light|president of the council|consul|treasurer|dean|chief engineer"
).split("|")
_GOODS = (
    "salt wool glass timber copper herring wine rope pottery linen amber cheese honey grain paper leather tin soap tea"
    " fish furs oil iron marble tar silk bells clocks hemp coal lace barley sugar dyes"
).split()
_PARTICLES = "van de von al du la ter le mac".split()
HELD_OUT_SHARE = 8


def is_held_out(word: str) -> bool:
    """Tell on which side a word of a name lies."""
    return zlib.crc32(word.encode()) % HELD_OUT_SHARE == 0


class Names:
    """Makes names for one side: training or evaluation."""

    def __init__(self, rng: Random, *, held_out: bool) -> None:
        self._rng = rng
        self._held_out = held_out

    def word(self, ends: list[str] | None = None) -> str:
        """Return one capitalised invented word."""
        rng = self._rng
        while True:
            onsets, vowels, codas = rng.choice(_STYLES)
            text = ""
            for _ in range(rng.choice((1, 1, 2, 2, 2, 3))):
                onset = rng.choice(onsets.split()) if rng.random() < 0.9 else ""
                coda = rng.choice(codas.split()) if rng.random() < 0.55 else ""
                text += onset + rng.choice(vowels.split()) + coda.strip("-")
            if rng.random() < 0.35:
                text += rng.choice(ends or _ENDS)
            if 3 <= len(text) <= 11 and is_held_out(text) == self._held_out:
                return text.capitalize()

    def person(self) -> str:
        """Return a person's name of two or three words."""
        rng = self._rng
        first, last = self.word(), self.word()
        luck = rng.random()
        if luck < 0.08:
            return f"{first} {rng.choice(_PARTICLES)} {last}"
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
        word = self.word(_PLACE_ENDS)
        luck = rng.random()
        if luck < 0.16:
            return f"{rng.choice(_BEFORE_PLACE)} {word}"
        if luck < 0.28:
            return f"{word} {rng.choice(_AFTER_PLACE)}"
        if luck < 0.32:
            return f"{word}-{self.word()}"
        return word

    def ship(self) -> str:
        """Return a ship's name, without an article."""
        rng = self._rng
        luck = rng.random()
        if luck < 0.3:
            return f"{rng.choice(_SHADES)} {rng.choice(_THINGS)}"
        if luck < 0.4:
            return f"{rng.choice(_THINGS)} of {self.word()}"
        if luck < 0.55:
            return f"{rng.choice(_SHADES)} {self.word()}"
        if luck < 0.75:
            return f"{self.word()} {self.word()}"
        return self.word()

    def organisation(self) -> str:
        """Return a firm or society, without an article."""
        rng = self._rng
        if rng.random() < 0.15:
            return f"{rng.choice(('Royal', 'Free', 'United', 'General', 'First'))} {rng.choice(_FIRMS[3:])} of {self.word()}"
        if rng.random() < 0.15:
            return f"{self.word()} {self.word()} {rng.choice(_FIRMS)}"
        return f"{self.word()} {rng.choice(_FIRMS)}"

    def title(self) -> str:
        """Return the title of a work."""
        rng = self._rng
        luck = rng.random()
        if luck < 0.45:
            return f"{rng.choice(_HEADS)} {rng.choice(_TOPICS)}"
        if luck < 0.75:
            return f"{rng.choice(_HEADS)} {self.word()}"
        return f"The {rng.choice(_SHADES)} {rng.choice(_THINGS)}"

    def event(self, noun: str) -> str:
        """Return the name of an event of a sort."""
        rng = self._rng
        sort = noun.title()
        if rng.random() < 0.6:
            return f"{sort} of {self.word()}"
        return f"{rng.choice((*_SHADES, self.word()))} {sort}"

    def river(self) -> str:
        """Return a river, without an article."""
        return self.word() if self._rng.random() < 0.85 else f"{self._rng.choice(_SHADES)} {self.word()}"

    def building(self) -> str:
        """Return a building, without an article."""
        before = self.word() if self._rng.random() < 0.7 else f"Saint {self.word()}"
        return f"{before} {self._rng.choice(_HALLS)}"

    def role(self) -> str:
        """Return an office that a person can hold."""
        role = self._rng.choice(_ROLES)
        return f"{role} of {self.word()}" if " of " not in role and self._rng.random() < 0.3 else role

    def goods(self) -> list[str]:
        """Return two to four wares."""
        return self._rng.sample(_GOODS, self._rng.randint(2, 4))
