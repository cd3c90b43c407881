"""What a memory that differs from the formula is the size of: every explanation that fits each row is said."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from kvlab.catalog.mistakes import mistakes_of
from kvlab.labs.lab import Finding
from kvlab.labs.lab_03.csv_file import SIZES, Measurements, seen
from kvlab.labs.lab_03.possible import capacity_of, case, named
from kvlab.sizing import Decoder

BOOKKEEPING = 4096  # bytes that an allocator and NumPy may keep next to some arrays

Sizes = Mapping[int, int]  # bytes, by context


def explained(measured: Measurements, decoder: Decoder) -> list[Finding]:
    """Return what explains a memory that is not the formula's, as many explanations as fit; none where none does."""
    column, right = measured.columns["memory"], _sizes(measured, decoder)
    found = [
        seen("memory_unit", column=named(measured, "memory"), unit=unit)
        for unit in SIZES
        if unit != column.unit and _is(measured.with_unit("memory", unit), right)
    ]
    found += [seen(name) for name, sizes in _mistaken(measured, decoder).items() if _says(measured, sizes)]
    more = None if found else _more(measured, right)
    return [*found, more] if more else found


def _sizes(measured: Measurements, decoder: Decoder, more: int = 0) -> Sizes:
    return {context: case(decoder, context + more).size for context in measured.contexts}


def _is(measured: Measurements, sizes: Sizes) -> bool:
    """Return whether every row has exactly its size."""
    return all(set(values) == {sizes[context]} for context, values in measured.rounds("memory").items())


def _says(measured: Measurements, sizes: Sizes) -> bool:
    """Return whether every row has its size at the digits that were written."""
    column, contexts = measured.columns["memory"], measured.columns["context"].scaled("context")
    unit = SIZES[column.unit]
    return all(
        abs(cell.value * unit - sizes[int(context)]) <= cell.half_digit * unit
        for cell, context in zip(column.cells, contexts, strict=True)
    )


def _mistaken(measured: Measurements, decoder: Decoder) -> dict[str, Sizes]:
    """Return the sizes that each mistake gives: those of any figure for a cache, and those of a measurement."""
    of_contexts = {context: mistakes_of(case(decoder, context)) for context in measured.contexts}
    names = set.intersection(*(set(mistakes) for mistakes in of_contexts.values()))
    of_figures = {name: {at: of_contexts[at][name] for at in measured.contexts} for name in sorted(names)}
    whole = case(decoder, capacity_of(decoder)).size
    of_measurements = {
        "rounded": _sizes(measured, decoder),
        "whole_buffer": dict.fromkeys(measured.contexts, whole),
        "one_more": _sizes(measured, decoder, 1),
        # Of a single token nothing would be left; no formula has a case without tokens.
        "one_less": {at: case(decoder, at - 1).size if at > 1 else 0 for at in measured.contexts},
    }
    return of_figures | of_measurements


def _more(measured: Measurements, right: Sizes) -> Finding | None:
    """Return by how much the rows exceed the formula, where that is a fixed size or an allocator's bookkeeping."""
    rounds = measured.rounds("memory")
    excess: list[Fraction] = [value - right[context] for context, values in rounds.items() for value in values]
    least, most = min(excess), max(excess)
    if least < 0 or most == 0:
        return None
    if most <= BOOKKEEPING:
        return seen("bookkeeping", bytes=float(most))
    return seen("fixed", bytes=float(least)) if least == most else None
