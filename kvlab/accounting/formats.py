"""How elements are stored: in blocks of so many elements that take so many bytes, scales included.

An element that is stored alone is a block of one. Scales that belong to a whole tensor or channel are not counted.
"""

from dataclasses import dataclass

from kvlab.accounting.integers import exact
from kvlab.units import BYTES_PER_ELEMENT


@dataclass(frozen=True)
class Element:
    """A format of stored elements.

    Attributes:
        name: what people call it.
        block: elements that share a block.
        block_bytes: bytes of a block, its scale included.
    """

    name: str
    block: int
    block_bytes: int


# q8_0 and q4_0 as llama.cpp defines them (ggml-common.h): 32 codes of 8 or 4 bits and one fp16 scale.
ELEMENTS = {name: Element(name, 1, size) for name, size in BYTES_PER_ELEMENT.items()} | {
    "q8_0": Element("q8_0", 32, 34),
    "q4_0": Element("q4_0", 32, 18),
}


@exact
def stored_blocks(width: int, block: int) -> int:
    """Return the blocks that a row of `width` elements fills, the last one perhaps in part: `⌈width / block⌉`."""
    return -(-width // block)


@exact
def stored_bytes(width: int, block: int, block_bytes: int) -> int:
    """Return the bytes of a row of `width` elements: whole blocks, `⌈width / block⌉ · block_bytes`."""
    return stored_blocks(width, block) * block_bytes


def state_element_bytes(element: Element) -> int:
    """Return the bytes of an element of a convolution's window where K and V are stored as `element`.

    4 next to fp32, 2 next to all else: formats of a byte and less are for K and V, and leave states as they are.
    """
    return 4 if element.name == "fp32" else 2
