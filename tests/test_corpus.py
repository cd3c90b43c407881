"""Protects the grammar's corpus: only grammatical sentences, the same at each call, and prompts spread evenly."""

import itertools
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentences import is_sentence

from kvlab.errors import KvlabError
from kvlab.training import corpus
from kvlab.training.corpus import ADVERBS, SUBJECTS, VERBS, generate_corpus, is_grammatical, prompts, sample_prompts

BY_HAND = [
    ("Yesterday I", " worked at home."),
    ("Last night the children", " did not sing in the garden."),
    ("Every day she", " studies history."),
    ("Usually my sister", " watches the birds."),
    ("On Sundays we", " do not go to school."),
    ("Every morning Peter", " does not drink some milk."),
    ("Tomorrow they", " will write a letter."),
    ("Soon you", " will not swim in the sea."),
    ("Right now I", " am running to the station."),
    ("At the moment Anna", " is not shopping at the market."),
    ("Currently my friends", " are digging a hole."),
    ("So far he", " has eaten some bread."),
    ("Lately we", " have not slept very well."),
]

WRONG = [
    ("wrong tense", "Yesterday I", " work at home."),
    ("wrong person", "Every day she", " work at home."),
    ("unknown word", "Yesterday I", " wurked at home."),
    ("missing auxiliary", "Right now I", " working at home."),
    ("double verb", "Yesterday I", " worked went to school."),
    ("participle for past", "Yesterday I", " written a letter."),
    ("negation with an inflected verb", "Yesterday I", " did not worked at home."),
    ("past for participle", "So far we", " have wrote a letter."),
    ("auxiliary of another person", "Right now you", " is working at home."),
    ("irregular verb made regular", "Yesterday I", " goed to school."),
    ("complement of another verb", "Yesterday I", " ate the piano."),
    ("no complement", "Yesterday I", " wrote."),
    ("no full stop", "Yesterday I", " worked at home"),
    ("no space after the prompt", "Yesterday I", "worked at home."),
    ("two spaces after the prompt", "Yesterday I", "  worked at home."),
    ("a second subject", "Yesterday I", " she worked at home."),
    ("the text ends before the sentence", "Yesterday I", " worked<|endoftext|> at home."),
    ("only a full stop", "Yesterday I", "."),
    ("nothing", "Yesterday I", ""),
]


@pytest.fixture(scope="module")
def documents():
    return generate_corpus()


def test_the_corpus_has_6000_documents_and_about_two_megabytes(documents):
    assert len(documents) == 6000
    assert 2.0e6 < sum(len(document.encode()) for document in documents) < 2.4e6


def test_the_same_seed_writes_the_same_corpus_and_another_seed_another(documents):
    assert generate_corpus(50) == documents[:50]
    assert generate_corpus(50, seed=1) != documents[:50]


def test_there_are_74_verbs_47_of_them_irregular_19_adverbs_12_subjects_and_5_tenses():
    assert len({verb.base for verb in VERBS}) == len(VERBS) == 74
    assert sum(verb.past != corpus.regular_past(verb.base) for verb in VERBS) == 47
    assert (len(set(ADVERBS)), len(set(SUBJECTS))) == (19, 12)
    assert len({corpus._TENSES[adverb] for adverb in ADVERBS}) == 5


@pytest.mark.parametrize(
    ("base", "third", "ing", "past"),
    [
        ("work", "works", "working", "worked"),
        ("watch", "watches", "watching", "watched"),
        ("study", "studies", "studying", "studied"),
        ("play", "plays", "playing", "played"),
        ("dance", "dances", "dancing", "danced"),
        ("shop", "shops", "shopping", "shopped"),
        ("visit", "visits", "visiting", "visited"),
        ("open", "opens", "opening", "opened"),
        ("go", "goes", "going", None),
        ("fly", "flies", "flying", None),
        ("draw", "draws", "drawing", None),
        ("write", "writes", "writing", None),
        ("run", "runs", "running", None),
    ],
)
def test_regular_forms_are_spelled_as_in_english(base, third, ing, past):
    assert corpus.third_person(base) == third
    assert corpus.ing_form(base) == ing
    assert past is None or corpus.regular_past(base) == past


@given(st.integers(0, 2**32))
def test_every_sentence_that_is_generated_is_grammatical(seed):
    for document in generate_corpus(4, seed):
        assert all(map(is_sentence, corpus.sentences(document)))
        assert " ".join(corpus.sentences(document)) == document


def test_a_document_has_7_to_12_sentences_and_no_adverb_or_sentence_twice(documents):
    for document in documents[:500]:
        found = corpus.sentences(document)
        assert 7 <= len(found) <= 12
        adverbs = [adverb for sentence in found for adverb in ADVERBS if sentence.startswith(adverb + " ")]
        assert len(adverbs) == len(set(adverbs)) == len(found)
        assert len(set(found)) == len(found)


def test_no_verb_comes_twice_in_a_document(documents):
    forms = {form: verb.base for verb in VERBS for form in _forms(verb)}
    for document in documents[:500]:
        phrases = [re.match(rf"(?:{'|'.join(prompts())}) (.*)", s).group(1) for s in corpus.sentences(document)]
        verbs = [next(forms[word] for word in phrase.split() if word in forms) for phrase in phrases]
        assert len(verbs) == len(set(verbs))


def _forms(verb):
    return {verb.base, verb.past, verb.participle, corpus.third_person(verb.base), corpus.ing_form(verb.base)}


def test_work_is_the_most_frequent_verb(documents):
    words = Counter(re.findall(r"\w+", " ".join(documents)))
    counts = {verb.base: sum(words[form] for form in _forms(verb)) for verb in VERBS}
    assert max(counts, key=counts.__getitem__) == "work"


def test_every_form_of_every_verb_occurs(documents):
    words = set(re.findall(r"\w+", " ".join(documents)))
    assert set().union(*map(_forms, VERBS)) <= words


@pytest.mark.parametrize(("prompt", "continuation"), BY_HAND)
def test_a_right_sentence_written_by_hand_is_accepted(prompt, continuation):
    assert is_grammatical(prompt, continuation)


@pytest.mark.parametrize(("fault", "prompt", "continuation"), WRONG, ids=[fault for fault, _, _ in WRONG])
def test_a_planted_wrong_continuation_is_rejected(fault, prompt, continuation):
    assert not is_grammatical(prompt, continuation), fault


def test_only_the_first_sentence_is_judged():
    assert is_grammatical("Yesterday I", " worked at home. Tomorrow he worked wurked")


def test_for_the_third_person_no_predicate_fits_two_tenses():
    allowed = [corpus._predicates(tense, "third") for tense in sorted(set(corpus._TENSES.values()))]
    assert all(one and not one & other for one, other in itertools.combinations(allowed, 2))


def test_a_present_for_the_third_person_fits_no_other_person():
    assert not corpus._predicates("present", "third") & corpus._predicates("present", "plural")
    assert not corpus._predicates("continuous", "first") & corpus._predicates("continuous", "plural")


def test_judging_a_prompt_that_is_none_is_refused_by_name():
    with pytest.raises(KvlabError, match="'Yesterday it' is not a prompt"):
        is_grammatical("Yesterday it", " worked at home.")


def test_the_prompts_are_every_adverb_with_every_subject_once():
    assert len(prompts()) == 228
    assert set(prompts()) == {f"{adverb} {subject}" for adverb in ADVERBS for subject in SUBJECTS}
    assert prompts()[0] == "Yesterday I"


@given(st.integers(1, 228))
def test_a_sample_of_prompts_is_spread_evenly_over_adverbs_and_subjects(n):
    sample = sample_prompts(n)
    assert len(set(sample)) == n
    adverbs = [sum(prompt.startswith(adverb + " ") for prompt in sample) for adverb in ADVERBS]
    subjects = [sum(prompt.endswith(" " + subject) for prompt in sample) for subject in SUBJECTS]
    assert max(adverbs) - min(adverbs) <= 1
    assert max(subjects) - min(subjects) <= 1


@pytest.mark.parametrize("n", [0, -1, 229])
def test_a_sample_of_none_or_of_more_prompts_than_there_are_is_refused(n):
    with pytest.raises(KvlabError, match=f"{n} prompts.*1 to 228"):
        sample_prompts(n)


def test_an_empty_corpus_is_refused():
    with pytest.raises(KvlabError, match="n_documents is 0"):
        generate_corpus(0)
