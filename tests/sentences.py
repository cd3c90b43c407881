"""Whether the grammar's table makes a whole sentence, its adverb and its subject included."""

from kvlab.training.corpus import is_grammatical, prompts


def is_sentence(sentence):
    return any(is_grammatical(p, sentence.removeprefix(p)) for p in prompts() if sentence.startswith(p + " "))
