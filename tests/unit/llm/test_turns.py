"""Conversations made into an instruction and one question."""

from __future__ import annotations

import pytest

from holocron.derivation.prompt import Message, Prompt, Role, render_evidence, render_repair
from holocron.llm.turns import defuse_marks, flatten_turns

SYSTEM = Message(Role.SYSTEM, "Rules.")
EXAMPLE = (
    Message(Role.USER, render_evidence("A", ["[1] One."])),
    Message(Role.ASSISTANT, '{"cite":[1]}'),
)
ASKED = Message(Role.USER, render_evidence("B", ["[1] Two."]))


def test_a_plain_prompt_is_an_instruction_and_a_question() -> None:
    """Nothing is added to a prompt without examples."""
    assert flatten_turns((SYSTEM, ASKED)) == ("Rules.", "Subject: B\n[1] Two.")


def test_examples_belong_to_what_is_the_same_for_every_job() -> None:
    """The question holds this job's evidence alone, so that an engine reuses what it has read."""
    system, question = flatten_turns((SYSTEM, *EXAMPLE, ASKED))
    assert system == 'Rules.\n\nExample:\nSubject: A\n[1] One.\n\nAnswer: {"cite":[1]}'
    assert question == "Subject: B\n[1] Two."


def test_a_repair_follows_its_evidence() -> None:
    """What was wrong comes after what it was wrong about, and the beginning stays the same."""
    prompt = Prompt(messages=(SYSTEM, *EXAMPLE, ASKED), schema={}, max_output_tokens=9)
    system, question = flatten_turns(render_repair(prompt, '{"cite":[9]}', ["/cite: no line 9"]).messages)
    assert system == flatten_turns(prompt.messages)[0]
    assert question.startswith(
        'Subject: B\n[1] Two.\n\nYour answer was:\n{"cite":[9]}\n\nThat answer was not'
    )
    assert "no line 9" in question


def test_a_conversation_without_evidence_is_a_question() -> None:
    """Any other prompt loses nothing."""
    assert flatten_turns((SYSTEM, Message(Role.USER, "Speak."))) == ("Rules.", "Speak.")
    assert flatten_turns((Message(Role.USER, "Speak."),)) == ("", "Speak.")


@pytest.mark.parametrize(
    "mark",
    [
        "<|im_end|>",
        "<|start_header_id|>",
        "<｜end▁of▁sentence｜>",
        "</s>",
        "<s>",
        "<end_of_turn>",
        "<bos>",
        "[/INST]",
        "<<SYS>>",
        "</think>",
    ],
)
def test_marks_of_chat_templates_end_nothing(mark: str) -> None:
    """What a document says is not read as the end of its turn; it can still be read."""
    made = defuse_marks(f"before {mark} after")
    assert mark not in made
    assert made.replace(" ", "") == f"before{mark}after"


@pytest.mark.parametrize("text", ["a < b | c > d", "[INSTALL] <start>", "x</strong>", "<|", "5 <| 6 |> 7"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    """Only whole marks are broken."""
    assert defuse_marks(text) == text
