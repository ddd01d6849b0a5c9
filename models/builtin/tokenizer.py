"""Tokenizer: a small byte-level BPE with single digits, and the chat form around a prompt.

In: generated text, once; prompts and answers, later. Out: token numbers.
A capital never joins the space before it, so a name is cut alike in a sentence and in an answer.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from models.builtin.examples import FULL, LONG, Side, make_group
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from holocron.derivation.prompt import Message

VOCABULARY = 3072
START, END = "<|im_start|>", "<|im_end|>"
#: what `tokenizer.ggml.pre = smollm` does in llama.cpp: single digits, then GPT-2's pattern
_WORDS = Regex(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
_CAPITAL = Regex(r" (?=\p{Lu})")
#: the chat template, as the file carries it; it renders what `chat_text` renders
TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def train_tokenizer(path: Path, *, groups: int = 1500, seed: int = 7) -> Tokenizer:
    """Learn the merges from generated text and keep them in a file."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = _cutter(capitals_alone=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
        max_token_length=14,
    )
    tokenizer.train_from_iterator(_texts(Random(seed), groups), trainer)
    tokenizer.pre_tokenizer = _cutter(capitals_alone=False)
    tokenizer.save(str(path))
    return tokenizer


def load_tokenizer(path: Path) -> Tokenizer:
    """Return a tokenizer that was trained before."""
    return Tokenizer.from_file(str(path))


def chat_text(message: Message) -> str:
    """Return one turn as the model reads it."""
    return f"{START}{message.role}\n{message.content}{END}\n"


def opening_text() -> str:
    """Return what stands before an answer."""
    return f"{START}assistant\n"


def _cutter(*, capitals_alone: bool) -> pre_tokenizers.PreTokenizer:
    parts = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Split(_WORDS, "isolated")]
    if capitals_alone:
        parts.append(pre_tokenizers.Split(_CAPITAL, "isolated"))
    return pre_tokenizers.Sequence(
        [*parts, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )


def _texts(rng: Random, groups: int) -> list[str]:
    texts: list[str] = []
    for number in range(groups):
        examples = make_group(rng, Side(), LONG if number % 3 == 0 else FULL, 4)
        texts.append(examples[0].prompt.messages[0].content)
        for example in examples:
            texts += [example.prompt.messages[1].content, example.answer_text]
    return texts
