"""The corpus of the grammar MiniGPT, and the judge of what the model writes.

One conjugation table makes the sentences and judges them. A sentence is

    ADVERB SUBJECT VERB-PHRASE COMPLEMENT.      Yesterday I worked at home.

where the adverb gives the tense away, the subject the person, and the verb its complements. A document is 7 to 12
sentences in which no verb and no adverb occurs twice.
"""

import random
import re
from functools import cache
from typing import NamedTuple

from kvlab.errors import KvlabError

END_OF_TEXT = "<|endoftext|>"

# The tenses take turns, so that the first few adverbs already show all five.
_TENSES = {
    "Yesterday": "past",
    "Every day": "present",
    "Tomorrow": "future",
    "Right now": "continuous",
    "So far": "perfect",
    "Last week": "past",
    "Usually": "present",
    "Next week": "future",
    "At the moment": "continuous",
    "Lately": "perfect",
    "Last night": "past",
    "Every morning": "present",
    "Next year": "future",
    "Currently": "continuous",
    "Since Monday": "perfect",
    "Two days ago": "past",
    "On Sundays": "present",
    "Soon": "future",
    "Last summer": "past",
}
_PERSONS = {
    "I": "first",
    "she": "third",
    "they": "plural",
    "the teacher": "third",
    "you": "plural",  # the verb does not tell one "you" from many
    "he": "third",
    "we": "plural",
    "my sister": "third",
    "the children": "plural",
    "Anna": "third",
    "my friends": "plural",
    "Peter": "third",
}
ADVERBS = tuple(_TENSES)
SUBJECTS = tuple(_PERSONS)

# base, past and participle where they are irregular | complements. The most frequent verb comes first.
_VERB_TABLE = """
work                   | at home, in the office, in the garden, with a friend
go     went    gone    | to school, to the market, to the beach
make   made    made    | some cake, a cup of tea, a plan
play                   | football, in the park, the piano
write  wrote   written | a letter, a story, a poem
eat    ate     eaten   | an apple, some bread, lunch
read   read    read    | a book, the newspaper, a poem
buy    bought  bought  | some bread, a new coat, some flowers
take   took    taken   | the bus, a photo, some advice
help                   | the neighbor, a friend, in the kitchen
meet   met     met     | a friend, the neighbor, the doctor
walk                   | to school, in the park, to the station
find   found   found   | the keys, a coin, some money
talk                   | to the doctor, about the weather, with a friend
drink  drank   drunk   | some water, a cup of tea, some milk
give   gave    given   | a talk, some advice, a party
cook                   | lunch, some soup, for the family
run    ran     run     | in the park, to the station, to school
sleep  slept   slept   | on the sofa, very well, at home
watch                  | a film, the birds, the game
send   sent    sent    | a letter, a present, some flowers
visit                  | the museum, a friend, the old town
speak  spoke   spoken  | to the doctor, about the weather, with the neighbor
leave  left    left    | the house, the office, the city
open                   | the door, the windows, a letter
drive  drove   driven  | to the city, the car, to the beach
wait                   | for the bus, at the station, for a friend
sing   sang    sung    | a song, in the garden, at the party
call                   | the doctor, a friend, the office
pay    paid    paid    | the bill, for lunch, the doctor
sit    sat     sat     | on the sofa, in the garden, by the river
bring  brought brought | a present, some cake, the newspaper
clean                  | the kitchen, the windows, the car
learn                  | a new song, history, a poem
tell   told    told    | a story, a joke, the truth
build  built   built   | a house, a wall, a boat
listen                 | to the radio, to some music, to the rain
study                  | at home, history, for the test
swim   swam    swum    | in the lake, in the sea, in the river
lose   lost    lost    | the keys, some money, the game
win    won     won     | the game, a prize, some money
stand  stood   stood   | at the door, in the rain, by the river
wash                   | the car, the dishes, the windows
sell   sold    sold    | the car, some flowers, the old house
teach  taught  taught  | history, a class, the children
draw   drew    drawn   | a map, a picture, a horse
dance                  | in the kitchen, at the party, with a friend
spend  spent   spent   | some money, a week in London, a week at the beach
wear   wore    worn    | a new coat, a red hat, old shoes
hold   held    held    | the cat, a meeting, a ball
break  broke   broken  | a cup, the phone, the windows
choose chose   chosen  | a present, a book, a new coat
fly    flew    flown   | to London, a kite, over the sea
ride   rode    ridden  | a bike, a horse, to school
answer                 | the letter, a question, the phone
paint                  | the wall, a picture, the old door
catch  caught  caught  | a ball, a fish, the bus
cut    cut     cut     | some bread, the grass, some wood
close                  | the door, the windows, the shop
carry                  | a heavy bag, the boxes, some water
plant                  | a tree, some flowers, tomatoes
feed   fed     fed     | the birds, the cat, a horse
grow   grew    grown   | tomatoes, some flowers, a tree
jump                   | over the wall, into the lake, in the garden
laugh                  | at the party, about the joke, with a friend
throw  threw   thrown  | a ball, a stone, a party
hide   hid     hidden  | a present, the keys, the boxes
shop                   | in the city, at the market, for lunch
repair                 | the car, the old radio, a bike
climb                  | the hill, a tree, over the wall
dig    dug     dug     | a hole, in the garden, for water
sweep  swept   swept   | the kitchen, the street, the shop
lend   lent    lent    | a book, some money, a bike
ring   rang    rung    | the bell, the doctor, the neighbor
"""

NEGATED_SHARE = 0.04
SENTENCES_PER_DOCUMENT = (7, 12)


class Verb(NamedTuple):
    """One row of the conjugation table: what cannot be derived from the base form, and what may follow the verb."""

    base: str
    past: str
    participle: str
    complements: tuple[str, ...]


def third_person(base: str) -> str:
    """Return the present form for *he* and *she*: works, watches, studies."""
    if base.endswith(("s", "x", "ch", "sh", "o")):
        return base + "es"
    return re.sub(r"(?<=[^aeiou])y$", "ie", base) + "s"


def _stem(base: str) -> str:
    """Double the last letter of a short verb before a vowel: shop-ping, run-ning, but work-ing, play-ing, visit-ing."""
    return base + base[-1] if re.fullmatch(r"[^aeiou]*[aeiou][^aeiouwxy]", base) else base


def ing_form(base: str) -> str:
    """Return the present participle: working, writing, running."""
    return _stem(base).removesuffix("e") + "ing"


def regular_past(base: str) -> str:
    """Return the past form of a regular verb: worked, danced, studied, shopped."""
    return re.sub(r"(?<=[^aeiou])y$", "i", _stem(base)).removesuffix("e") + "ed"


def _read_table(table: str) -> list[Verb]:
    """Read rows of ``base [past participle] | complement, complement``."""
    verbs = []
    for row in table.strip().splitlines():
        forms, complements = row.split("|")
        base, past, participle = (forms.split() + [regular_past(forms.strip())] * 2)[:3]
        verbs.append(Verb(base, past, participle, tuple(complements.strip().split(", "))))
    return verbs


VERBS = tuple(_read_table(_VERB_TABLE))


def verb_phrase(verb: Verb, tense: str, person: str, negated: bool) -> str:
    """Conjugate: the verb with its auxiliary and, if negated, its *not*."""
    third = person == "third"
    if tense == "past":
        return f"did not {verb.base}" if negated else verb.past
    if tense == "present":
        if negated:
            return f"{'does' if third else 'do'} not {verb.base}"
        return third_person(verb.base) if third else verb.base
    auxiliary, form = {
        "future": ("will", verb.base),
        "continuous": ({"first": "am", "third": "is", "plural": "are"}[person], ing_form(verb.base)),
        "perfect": ("has" if third else "have", verb.participle),
    }[tense]
    return f"{auxiliary} not {form}" if negated else f"{auxiliary} {form}"


def _sentence(rng: random.Random, adverb: str, verb: Verb) -> str:
    subject = rng.choice(SUBJECTS)
    phrase = verb_phrase(verb, _TENSES[adverb], _PERSONS[subject], negated=rng.random() < NEGATED_SHARE)
    return f"{adverb} {subject} {phrase} {rng.choice(verb.complements)}."


def _draw_verbs(rng: random.Random, n: int) -> list[Verb]:
    """Draw ``n`` different verbs by Zipf's law: the verb of rank r comes next with a weight of 1/r."""
    # Exponential clocks, the first to ring comes first: the textbook way to draw by weight without replacement.
    clocks = {verb: rng.expovariate(1 / rank) for rank, verb in enumerate(VERBS, start=1)}
    return sorted(clocks, key=clocks.__getitem__)[:n]


def _document(rng: random.Random) -> str:
    """Write one document. No verb and no adverb comes twice, so that a model which learned it seldom loops."""
    n = rng.randint(*SENTENCES_PER_DOCUMENT)
    pairs = zip(rng.sample(ADVERBS, n), _draw_verbs(rng, n), strict=True)
    return " ".join(_sentence(rng, adverb, verb) for adverb, verb in pairs)


def generate_corpus(n_documents: int = 6000, seed: int = 0) -> list[str]:
    """Write the corpus: ``n_documents`` texts of 7 to 12 sentences, the same for the same seed."""
    if n_documents < 1:
        raise KvlabError(f"n_documents is {n_documents}; a corpus needs at least 1 document")
    rng = random.Random(seed)
    return [_document(rng) for _ in range(n_documents)]


def prompts() -> list[str]:
    """Return all prompts "ADVERB SUBJECT", each adverb with each subject, in a fixed order from "Yesterday I" on."""
    # The numbers of adverbs and of subjects have no common divisor: counting round both meets every pair once,
    # and any number of first prompts is spread evenly over adverbs, tenses and subjects.
    n_prompts = len(ADVERBS) * len(SUBJECTS)
    return [f"{ADVERBS[i % len(ADVERBS)]} {SUBJECTS[i % len(SUBJECTS)]}" for i in range(n_prompts)]


def sample_prompts(n: int) -> list[str]:
    """Return ``n`` different prompts spread evenly over adverbs, tenses and subjects, always the same ones.

    Raises:
        KvlabError: ``n`` is not between 1 and the number of prompts.
    """
    everything = prompts()
    if not 1 <= n <= len(everything):
        raise KvlabError(f"{n} prompts were asked for; there are {len(everything)}, so choose 1 to {len(everything)}")
    return everything[:n]


@cache
def _predicates(tense: str, person: str) -> frozenset[str]:
    """Return everything the table allows after a subject, up to the full stop."""
    return frozenset(
        f"{verb_phrase(verb, tense, person, negated)} {complement}."
        for verb in VERBS
        for negated in (False, True)
        for complement in verb.complements
    )


def is_grammatical(prompt: str, continuation: str) -> bool:
    """Judge whether the conjugation table allows the first sentence of ``prompt + continuation``.

    The whole sentence must be one that the table makes: the verb in the form that tense and person ask for, one of
    its own complements, a full stop. What comes after the full stop is not judged.

    Raises:
        KvlabError: ``prompt`` is not one of `prompts()`.
    """
    if prompt not in prompts():
        raise KvlabError(
            f"{prompt!r} is not a prompt of the grammar; a prompt is ADVERB SUBJECT, such as 'Yesterday I'"
        )
    adverb = next(adverb for adverb in ADVERBS if prompt.startswith(adverb + " "))
    subject = prompt.removeprefix(adverb + " ")
    first, stop, _ = continuation.partition(".")
    predicate = first.removeprefix(" ") + stop
    return first.startswith(" ") and predicate in _predicates(_TENSES[adverb], _PERSONS[subject])


def sentences(text: str) -> list[str]:
    """Return the complete sentences of a text, in order; a last one without its full stop is left out."""
    return [sentence.strip() for sentence in re.findall(r"[^.]+\.", text.replace(END_OF_TEXT, " "))]
