"""Wording: what questions are made of - instructions, descriptions, and the fields of a catalogue's question.

In: patterns/wider/catalogue.yaml. Out: patterns by sort. Never: chooses one.
"""

from __future__ import annotations

from models.builtin.composing import Words, compose_fields, held_out_names, plain, read_wider, widen

CATALOGUE = {
    role: Words.read(widen(words["fields"], compose_fields(words, "subject")))
    for role, words in read_wider("catalogue").items()
}
HELD_OUT = held_out_names() | {plain(name) for words in CATALOGUE.values() for name in words.held_out}
HOME_NOTES = Words.read(
    [
        "birthplace, home port or region",
        "birthplace of a person, home port of a ship, region of a place, seat of an organisation",
        "where the subject belongs: birthplace, port or seat",
        "town or region of origin",
        "~the place it is at home in",
    ]
)
YEAR_NOTES = Words.read(
    [
        "year of birth, launch or founding",
        "the year in which it began: birth, launch, founding",
        "first year of the subject",
        "year of birth of a person, of launch of a ship, of founding of a place",
        "~when it all began",
    ]
)
NAME_NOTES = (
    "full name",
    "the name as it is written",
    "name of the subject",
    "name of the person, ship or place",
    "what it is called",
    "full name, without titles",
)
KIND_NOTES = ("what the subject is", "sort of thing", "which of these it is")
WHAT = ("facts", "details", "the facts", "what is known", "the main facts", "basic facts", "the data")
INSTRUCTIONS = (
    "Extract {what} about the subject.",
    "Read the evidence and fill in the form.",
    "Give {what} about {the}.",
    "Say what the record tells about {the}.",
    "Collect {what} for a catalogue of {many}.",
    "Answer for the subject only, not for others that are mentioned.",
    "Fill in one entry of the register of {many}.",
    "List {what} that the text states.",
    "Note {what} on {the} described here.",
    "What does the evidence say about {the}?",
    "Find {what} on {the} named as subject.",
    "Record {what} of one {one}.",
    "You catalogue {many}. Take {what} from the lines.",
    "Summarise {what} about {the} in the form below.",
    "",
)
SECOND = (
    "Leave out what is not stated.",
    "Do not guess.",
    "Names as they are written.",
    "Years as numbers.",
    "Use the order of the text for lists.",
    "Other names in the text may belong to someone else.",
    "The subject may be a file name.",
    "State nothing about others.",
    "Answer about the entity that the subject names, and about no other.",
    "The evidence comes from an archive.",
    "The pages come from the archive of a town.",
    "State the facts about the subject alone.",
    "One entry per line of the list is enough.",
)
MANY = {
    "person": "people",
    "ship": "ships",
    "place": "places",
    "organisation": "organisations",
    "work": "works",
    "event": "events",
}
