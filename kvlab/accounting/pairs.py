"""How many tokens are projected, how many pairs attention needs, and how many slots it reads: per pass and in all.

Two quantities with two names. A pair is *needed* where the key is not after its query: that is the mathematics. A slot
is *read* where a product touches it: kvlab reads whole blocks, up to the end of the one that its query is in, so that
every path sums in the same order. All of it is for one layer, one query head and one sequence.

    P  prompt     n  new tokens, of which the last is never fed back     T  tokens of one pass
"""

from kvlab.accounting.integers import exact


@exact
def causal_pairs(n_tokens: int) -> int:
    """Return the (query, key) pairs with the key not after the query: `T(T + 1)/2`."""
    return n_tokens * (n_tokens + 1) // 2


@exact
def pairs_of_pass(held: int, n_tokens: int) -> int:
    """Return the pairs that a pass over `n_tokens` tokens needs after `held` others: `T · held + T(T + 1)/2`."""
    return n_tokens * held + causal_pairs(n_tokens)


@exact
def tetrahedral(n_tokens: int) -> int:
    """Return the sum of `causal_pairs` of 1 … T: `T(T + 1)(T + 2)/6`."""
    return n_tokens * (n_tokens + 1) * (n_tokens + 2) // 6


@exact
def tokens_cached(prompt: int, new_tokens: int) -> int:
    """Return the tokens that are projected in a whole generation with a cache: each once, the last one not."""
    return prompt + new_tokens - 1


@exact
def tokens_uncached(prompt: int, new_tokens: int) -> int:
    """Return the tokens that are projected in a whole generation without a cache: `n · P + n(n − 1)/2`."""
    return prompt_tokens_uncached(prompt, new_tokens) + generated_tokens_uncached(new_tokens)


@exact
def prompt_tokens_uncached(prompt: int, new_tokens: int) -> int:
    """Return how often the prompt's tokens are projected in a generation without a cache: all in each step, `n · P`."""
    return new_tokens * prompt


@exact
def generated_tokens_uncached(new_tokens: int) -> int:
    """Return how often generated tokens are projected in a generation without a cache: `n(n − 1)/2`.

    The step that makes the first has none to run yet; each later one has one more.
    """
    return new_tokens * (new_tokens - 1) // 2


@exact
def generated_tokens_asymptotic(new_tokens: int) -> int:
    """Return what `n²/2` makes of `generated_tokens_uncached`: more by half of `n`, and right in the limit only."""
    return new_tokens**2 // 2


@exact
def tokens_of_text(prompt: int, new_tokens: int) -> int:
    """Return the tokens of a whole text, prompt and generated: `P + n`, the last one among them."""
    return prompt + new_tokens


@exact
def balancing_new_tokens(prompt: int) -> int:
    """Return the generated tokens at which a run without a cache repeats them as often as the prompt's: `2P + 1`.

    `n · P = n(n − 1)/2`, solved for `n`.
    """
    return 2 * prompt + 1


@exact
def pairs_cached(prompt: int, new_tokens: int) -> int:
    """Return the pairs that a whole generation with a cache needs: those of its tokens, each once."""
    return causal_pairs(tokens_cached(prompt, new_tokens))


@exact
def pairs_uncached(prompt: int, new_tokens: int) -> int:
    """Return the pairs that a whole generation without a cache computes: those of each prefix, from P tokens on."""
    return tetrahedral(tokens_cached(prompt, new_tokens)) - tetrahedral(prompt - 1)


@exact
def slots_of_query(position: int, capacity: int, block: int) -> int:
    """Return the slots that the query at `position` reads: whole blocks, as far as the buffer goes."""
    return min((position // block + 1) * block, capacity)


@exact
def slots_of_tokens(n_tokens: int, block: int) -> int:
    """Return the slots that the queries at positions 0 … T − 1 read, in a buffer that ends with a block.

    `T // block` blocks of queries, the i-th of which read `i · block` slots each, and the rest a block more.
    """
    return block**2 * causal_pairs(n_tokens // block) + n_tokens % block * (n_tokens // block + 1) * block


@exact
def slots_from_start(n_tokens: int, capacity: int, block: int) -> int:
    """Return the slots that a pass over `n_tokens` tokens reads from nothing, in a buffer of `capacity` slots.

    Queries after the last whole block of the buffer read all of it.
    """
    return (
        slots_of_tokens(min(n_tokens, capacity // block * block), block)
        + max(n_tokens - capacity // block * block, 0) * capacity
    )


@exact
def slots_of_pass(held: int, n_tokens: int, capacity: int, block: int) -> int:
    """Return the slots that a pass over `n_tokens` tokens reads after `held` others."""
    return slots_from_start(held + n_tokens, capacity, block) - slots_from_start(held, capacity, block)


@exact
def slots_cached(prompt: int, new_tokens: int, capacity: int, block: int) -> int:
    """Return the slots that a whole generation with a cache reads: those of its tokens, each once."""
    return slots_from_start(tokens_cached(prompt, new_tokens), capacity, block)


@exact
def slots_of_prefixes(n_tokens: int, block: int) -> int:
    """Return the sum of `slots_of_tokens` of 1 … T: what is read where each prefix is computed again.

    With `T + 1 = Q · b + R`, the sum of all whole blocks of prefixes, and of the R that are left.
    """
    return (
        block**3 * tetrahedral(max((n_tokens + 1) // block, 1) - 1)
        + causal_pairs((n_tokens + 1) // block) * block * causal_pairs(block - 1)
        + (n_tokens + 1) % block * block**2 * causal_pairs((n_tokens + 1) // block)
        + ((n_tokens + 1) // block + 1) * block * ((n_tokens + 1) % block * ((n_tokens + 1) % block - 1) // 2)
    )


@exact
def slots_of_prefixes_in(n_tokens: int, capacity: int, block: int) -> int:
    """Return the sum of `slots_from_start` of 1 … T, in a buffer of `capacity` slots."""
    return (
        slots_of_prefixes(min(n_tokens, capacity // block * block), block)
        + max(n_tokens - capacity // block * block, 0) * slots_of_tokens(capacity // block * block, block)
        + capacity * causal_pairs(max(n_tokens - capacity // block * block, 0))
    )


@exact
def slots_uncached(prompt: int, new_tokens: int, capacity: int, block: int) -> int:
    """Return the slots that a whole generation without a cache reads: those of each prefix, from P tokens on."""
    return slots_of_prefixes_in(tokens_cached(prompt, new_tokens), capacity, block) - slots_of_prefixes_in(
        prompt - 1, capacity, block
    )
