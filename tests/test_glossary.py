"""The glossary's data, and its entries on a page."""

import re

import pytest

from figures_src.declared.page import Foreign
from figures_src.markup.lint import typed_numbers
from figures_src.pages.shared import glossary
from figures_src.words import Words

TERMS = {term.id: term for term in glossary.terms()}


@pytest.mark.parametrize("term", TERMS.values(), ids=TERMS)
def test_a_term_has_both_names_and_one_sentence_in_each_language(term):
    for language in ("en", "es"):
        assert term.names[language]
        assert re.fullmatch(r"[^a-z].*[.)]", term.meanings[language]), language
        assert typed_numbers(term.meanings[language] + term.reasons[language], language) == []
    assert bool(term.reasons["en"]) == bool(term.reasons["es"])
    assert term.gender in ("", "f", "m")


@pytest.mark.parametrize("term", TERMS.values(), ids=TERMS)
def test_a_term_is_found_by_its_own_name_and_by_nothing_that_it_avoids(term):
    for language in ("en", "es"):
        assert all(term.stands_in(name, language) for name in re.split(r", | \(", term.names[language])[:1]), language
    assert not [word for word in term.avoided if term.stands_in(word, "es")]


def test_no_two_terms_have_the_same_name():
    for language in ("en", "es"):
        names = [term.names[language] for term in TERMS.values()]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("id", "language", "uses", "does_not"),
    [
        ("kv-cache", "es", ["La caché KV", "las cachés KV"], ["la caché L1"]),
        ("norm", "es", ["tres normalizaciones"], ["normal", "una norma"]),
        ("batch", "en", ["two batches", "Batch"], ["batching"]),
        ("layer", "en", ["layers"], ["layered", "player"]),
        ("query-head", "es", ["cabezas de consulta", "tantas de clave y valor como de consulta"], ["la consulta"]),
        ("memory-bound", "es", ["están limitadas por memoria", "limitado por la memoria"], ["la memoria limitada"]),
        ("parameter", "es", ["sus parámetros"], ["paramétrico"]),
    ],
)
def test_a_term_is_found_in_its_inflections_and_in_no_other_word(id, language, uses, does_not):
    assert all(TERMS[id].stands_in(text, language) for text in uses)
    assert not any(TERMS[id].stands_in(text, language) for text in does_not)


def test_what_is_avoided_is_found_whatever_its_case_and_not_inside_of_a_word():
    words = {word: avoided for avoided in glossary.avoided() for word in avoided.words}
    assert {"cacheo", "batch", "usted", "el caché", "ancho de memoria"} <= words.keys()
    assert words["batch"].found_in("Un Batch de dos") == ["batch"]
    assert words["batch"].found_in("continuous batching") == []
    assert words["el caché"].found_in("con el caché lleno") == ["el caché"]


def test_entries_are_in_the_order_of_the_pages_alphabet_under_the_same_ids():
    english, spanish = (glossary.entries(Words(language)) for language in ("en", "es"))
    assert sorted(entry.id for entry in english) == sorted(entry.id for entry in spanish) == sorted(TERMS)
    assert [entry.term for entry in english][:2] == ["arithmetic intensity", "bandwidth"]
    terms = [entry.term for entry in spanish]
    assert (
        terms.index("máscara causal") < terms.index("normalización") < terms.index("parámetro") < terms.index("pasada")
    )


def test_an_entry_says_the_translation_its_gender_the_meaning_and_what_is_not_said():
    english, spanish = ({e.id: e for e in glossary.entries(Words(lang))} for lang in ("en", "es"))
    translation, meaning, avoided = english["kv-cache"].details
    assert translation == [Foreign("caché KV", "es"), ", feminine"]
    assert meaning == [TERMS["kv-cache"].meanings["en"]]
    assert avoided[:2] == ["Not", " "]
    assert avoided[2:4] == [Foreign("el caché", "es"), ", "]
    assert avoided[-1].startswith(". The noun is feminine here")
    assert spanish["kv-cache"].details[0] == [Foreign("KV cache", "en"), ", en español femenino"]
    assert spanish["layer"].details == [[Foreign("layer", "en"), ""], [TERMS["layer"].meanings["es"]]]
