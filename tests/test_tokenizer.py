"""Protects the tokenizer: the committed one is what training makes, and no character is dropped in silence."""

import json
import re

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import decoders, models, pre_tokenizers

from kvlab.errors import KvlabError
from kvlab.training import MINIGPT
from kvlab.training.corpus import END_OF_TEXT, generate_corpus
from kvlab.training.tokenizer import Tokenizer, train_tokenizer

DOCUMENTS = generate_corpus()
FILE = MINIGPT / "tokenizer.json"
COMMITTED = Tokenizer.from_file(FILE)
ALPHABET = "".join(sorted(set().union(*DOCUMENTS)))


@pytest.fixture(scope="module")
def all_bytes():
    """A tokenizer as GPT-2 has it: all 256 bytes, the special token last, here without merges."""
    vocab = {symbol: i for i, symbol in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = tokenizers.Tokenizer(models.BPE(vocab, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([END_OF_TEXT])
    return tokenizer


def test_training_on_the_corpus_makes_the_committed_tokenizer_of_exactly_512_entries():
    trained = train_tokenizer(DOCUMENTS)
    assert trained.vocab_size == COMMITTED.vocab_size == 512
    assert trained.to_json() == FILE.read_text(encoding="utf-8")


def test_the_prompt_and_worked_are_one_token_each():
    ids = COMMITTED.encode("Yesterday I worked")
    assert [COMMITTED.token(i) for i in ids] == ["Yesterday", " I", " worked"]


def test_the_alphabet_is_the_characters_that_occur_and_no_others():
    singles = {COMMITTED.token(i) for i in range(512) if len(COMMITTED.token(i)) == 1}
    assert singles == set(ALPHABET)


def test_encoding_is_the_librarys_own_with_nothing_added_or_stripped():
    library = tokenizers.Tokenizer.from_file(str(FILE))
    for text in [*DOCUMENTS[:50], "", " ", "  Yesterday I  ", f"home.{END_OF_TEXT}Soon"]:
        assert COMMITTED.encode(text) == library.encode(text).ids


@given(st.text(ALPHABET))
def test_any_text_over_the_alphabet_comes_back_unchanged(text):
    assert COMMITTED.decode(COMMITTED.encode(text)) == text


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Yesterday é ö", "'é' (U+00E9)"),
        ("cost 5 euros", "'5' (U+0035)"),
        ("a\nb", "'\\n' (U+000A)"),
        ("now 😀", "'😀' (U+1F600)"),
        ("a<b", "'<' (U+003C)"),
        ("half \ud83d of a pair", "'\\ud83d' (U+D83D)"),
        ("no\u00a0break", "'\\xa0' (U+00A0)"),
        ("Ġ", "'Ġ' (U+0120)"),
    ],
)
def test_text_outside_the_alphabet_is_refused_by_naming_its_first_foreign_character(text, named):
    with pytest.raises(KvlabError, match=re.escape(f"the character {named} is outside")):
        COMMITTED.encode(text)


def test_the_refusal_says_which_characters_would_be_right():
    with pytest.raises(KvlabError, match=re.escape(f"a space and {ALPHABET.strip()}")):
        COMMITTED.encode("%")


def test_the_library_alone_would_drop_the_foreign_character_without_a_word():
    library = tokenizers.Tokenizer.from_file(str(FILE))
    assert library.encode("Yesterday é I").ids == library.encode("Yesterday  I").ids


def test_the_end_of_text_token_is_one_id_and_is_spelled_out():
    assert COMMITTED.encode(END_OF_TEXT) == [COMMITTED.end_of_text]
    assert COMMITTED.token(COMMITTED.end_of_text) == END_OF_TEXT


@pytest.mark.parametrize("token_id", [-1, 512, 10**6])
def test_an_id_outside_the_vocabulary_is_refused_where_the_library_skips_it(token_id):
    for read in (COMMITTED.token, lambda i: COMMITTED.decode([1, i])):
        with pytest.raises(KvlabError, match=f"{token_id} is not a token id.*0 to 511"):
            read(token_id)


def test_a_tokenizer_over_all_bytes_takes_any_text(all_bytes, tmp_path):
    all_bytes.save(str(tmp_path / "tokenizer.json"))
    tokenizer = Tokenizer.from_file(tmp_path / "tokenizer.json")
    text = f"Ünïcödé 😀\n\t<tag> {END_OF_TEXT} 漢字"
    assert tokenizer.vocab_size == 257
    assert tokenizer.encode(text) == all_bytes.encode(text).ids
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_half_a_surrogate_pair_is_refused_even_over_all_bytes(all_bytes):
    with pytest.raises(KvlabError, match=re.escape("'\\udc00' (U+DC00)")):
        Tokenizer(all_bytes).encode("\udc00")


def test_a_missing_tokenizer_is_refused_by_its_name(tmp_path):
    with pytest.raises(KvlabError, match=re.escape(f"{tmp_path / 'tokenizer.json'} is missing")):
        Tokenizer.from_file(tmp_path / "tokenizer.json")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"model": 1}', b"\xff\xfe"])
def test_a_malformed_tokenizer_is_refused_by_its_name(tmp_path, content):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(KvlabError, match=re.escape(f"{path} is not a tokenizer.json")):
        Tokenizer.from_file(path)


def test_a_tokenizer_that_is_not_byte_level_is_refused(tmp_path):
    path = tmp_path / "tokenizer.json"
    tokenizers.Tokenizer(models.WordLevel({"a": 0}, unk_token="a")).save(str(path))
    with pytest.raises(KvlabError, match=re.escape(f"{path} is not a byte-level tokenizer")):
        Tokenizer.from_file(path)


def test_text_too_poor_for_512_entries_is_refused_with_the_number_it_gives():
    with pytest.raises(KvlabError, match="gives 26 tokens and not 512"):
        train_tokenizer(["I worked at home."])


def test_the_file_says_what_the_transformers_library_needs():
    data = json.loads(FILE.read_text(encoding="utf-8"))
    assert (data["model"]["type"], data["decoder"]["type"]) == ("BPE", "ByteLevel")
    assert data["pre_tokenizer"]["add_prefix_space"] is False
    assert [(token["content"], token["special"]) for token in data["added_tokens"]] == [(END_OF_TEXT, True)]


def test_a_saved_truncation_or_padding_changes_no_prompt(tmp_path):
    saved = json.loads((MINIGPT / "tokenizer.json").read_text(encoding="utf-8"))
    saved["truncation"] = {"direction": "Right", "max_length": 1, "strategy": "LongestFirst", "stride": 0}
    saved["padding"] = {
        "strategy": {"Fixed": 9},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "<|endoftext|>",
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(saved), encoding="utf-8")
    plain = Tokenizer.from_file(MINIGPT / "tokenizer.json").encode("Yesterday I")
    assert Tokenizer.from_file(tmp_path / "tokenizer.json").encode("Yesterday I") == plain
