"""Byte-pair encoding: text to token ids and back, by the `tokenizers` library, and nothing lost on the way."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from kvlab.errors import KvlabError
from kvlab.training.corpus import END_OF_TEXT

VOCAB_SIZE = 512

# GPT-2's way to write a byte as a character; a space becomes "Ġ". One character at a time, so no splitting.
_BYTE_LEVEL = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


def _is_surrogate(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"


def _byte_symbols(character: str) -> str:
    """Return the byte-level symbols of one character: one per byte of its UTF-8 form."""
    return "".join(symbols for symbols, _ in _BYTE_LEVEL.pre_tokenize_str(character))


class Tokenizer:
    """A byte-level BPE tokenizer that refuses what it cannot write, where the library drops it without a word."""

    def __init__(self, tokenizer: tokenizers.Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._symbols = frozenset(symbol for symbol in tokenizer.get_vocab() if len(symbol) == 1)
        self._added = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
        self._known: set[str] = set()  # characters already found to be in the alphabet

    @classmethod
    def from_file(cls, path: str | Path) -> "Tokenizer":
        """Open a `tokenizer.json`, the MiniGPT's or that of any byte-level model such as GPT-2.

        Raises:
            KvlabError: the file is missing, cannot be read as a tokenizer, or is not byte-level.
        """
        path = Path(path)
        if not path.is_file():
            raise KvlabError(f"{path} is missing; a model folder needs a tokenizer.json")
        try:
            tokenizer = tokenizers.Tokenizer.from_str(path.read_text(encoding="utf-8"))
        except Exception as error:  # the library raises plain Exception
            raise KvlabError(f"{path} is not a tokenizer.json that can be read: {error}") from error
        if not isinstance(tokenizer.decoder, decoders.ByteLevel):
            raise KvlabError(f"{path} is not a byte-level tokenizer; kvlab reads byte-level BPE, as GPT-2 has it")
        # Saved settings of a training run: they would cut a prompt short, or fill it up, without a word.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return cls(tokenizer)

    @property
    def vocab_size(self) -> int:
        """The number of entries, special tokens included."""
        return int(self._tokenizer.get_vocab_size())

    @property
    def end_of_text(self) -> int | None:
        """The id of `<|endoftext|>`, or None where the vocabulary has none."""
        return self._tokenizer.token_to_id(END_OF_TEXT)

    def encode(self, text: str) -> list[int]:
        """Return the token ids of a text: nothing stripped, and nothing added but what the tokenizer itself prescribes.

        The MiniGPT's prescribes nothing; a Llama's may put a token in front that begins a text.

        Raises:
            KvlabError: a character is outside the alphabet; the message names the first one.
        """
        self._refuse_foreign(text)
        return list(self._tokenizer.encode(text).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of token ids, special tokens spelled out.

        Raises:
            KvlabError: an id is not in the vocabulary.
        """
        for token_id in ids:
            self._refuse_unknown(token_id)
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))

    def token(self, token_id: int) -> str:
        """Return the text of one token, its leading space included: " worked".

        Raises:
            KvlabError: the id is not in the vocabulary.
        """
        return self.decode([token_id])

    def to_json(self) -> str:
        """Return the content of `tokenizer.json`, which the transformers library opens too."""
        return str(self._tokenizer.to_str(pretty=True))

    def _refuse_foreign(self, text: str) -> None:
        for added in self._added:  # special tokens are matched whole, before any character counts
            text = text.replace(added, "")
        for character in text:
            if character in self._known:
                continue
            if _is_surrogate(character) or not self._symbols.issuperset(_byte_symbols(character)):
                raise KvlabError(self._foreign(character))
            self._known.add(character)

    def _foreign(self, character: str) -> str:
        alphabet = "".join(sorted(c for c in map(chr, range(33, 127)) if c in self._symbols))
        return (
            f"the character {character!r} (U+{ord(character):04X}) is outside the tokenizer's alphabet; "
            f"write the text with a space and {alphabet}"
        )

    def _refuse_unknown(self, token_id: int) -> None:
        if token_id < 0 or self._tokenizer.id_to_token(token_id) is None:
            raise KvlabError(f"{token_id} is not a token id; this vocabulary has ids 0 to {self.vocab_size - 1}")


def train_tokenizer(documents: Iterable[str], vocab_size: int = VOCAB_SIZE) -> Tokenizer:
    """Learn a byte-level BPE of exactly ``vocab_size`` entries over the characters that occur.

    GPT-2 starts from all 256 bytes; half of a vocabulary of 512 would then never be used.

    Raises:
        KvlabError: the documents are too few, or have too many characters, for exactly ``vocab_size`` entries.
    """
    documents = list(documents)
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted({symbol for character in set().union(*documents) for symbol in _byte_symbols(character)})
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=[END_OF_TEXT], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(documents, trainer)
    if tokenizer.get_vocab_size() != vocab_size:
        found = tokenizer.get_vocab_size()
        raise KvlabError(f"the text gives {found} tokens and not {vocab_size}; use more text or another vocab_size")
    return Tokenizer(tokenizer)
