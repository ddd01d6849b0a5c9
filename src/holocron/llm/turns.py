"""Conversations for engines that take an instruction and one question.

In: the messages of a prompt. Out: a system text and a question that say the same.
Never: lets a document end a turn of the conversation: marks that chat templates use are broken.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from holocron.derivation.prompt import Message, Role

#: what an evidence message begins with (see derivation.prompt); worked examples come before the last of them
_EVIDENCE = "Subject: "
#: the marks of the usual chat templates; an engine reads them wherever they stand
_MARKS = re.compile(
    r"<\|[A-Za-z0-9_]+\|>|<｜[^｜<>]{1,40}｜>|</?s>|<(?:start|end)_of_turn>|<[be]os>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS)\]|<</?SYS>>|</?think>"
)


def flatten_turns(messages: Sequence[Message]) -> tuple[str, str]:
    """Return the system text and the question of a conversation.

    Worked examples go to the system text, which is the same for every job; what follows the evidence (a
    rejected answer, what was wrong with it) follows it in the question.
    """
    system = [defuse_marks(message.content) for message in messages if message.role is Role.SYSTEM]
    turns = [message for message in messages if message.role is not Role.SYSTEM]
    asked = max((place for place, turn in enumerate(turns) if _is_evidence(turn)), default=0)
    for turn in turns[:asked]:
        head = "Answer: " if turn.role is Role.ASSISTANT else "Example:\n"
        system.append(head + defuse_marks(turn.content))
    question = []
    for turn in turns[asked:]:
        head = "Your answer was:\n" if turn.role is Role.ASSISTANT else ""
        question.append(head + defuse_marks(turn.content))
    return "\n\n".join(system), "\n\n".join(question)


def defuse_marks(text: str) -> str:
    """Break the marks of chat templates in a text with a space, so that they end nothing."""
    return _MARKS.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)


def _is_evidence(turn: Message) -> bool:
    return turn.role is Role.USER and turn.content.startswith(_EVIDENCE)
