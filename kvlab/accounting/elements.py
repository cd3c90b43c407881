"""How elements are stored: in blocks of so many elements that take so many bytes, scales included.

An element that is stored alone is a block of one. Scales that belong to a whole tensor or channel are not counted.
"""

from dataclasses import dataclass


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
ELEMENTS = {
    element.name: element
    for element in (
        Element("fp32", 1, 4),
        Element("fp16", 1, 2),
        Element("bf16", 1, 2),
        Element("fp8", 1, 1),
        Element("int8", 1, 1),
        Element("q8_0", 32, 34),
        Element("q4_0", 32, 18),
    )
}


def stored_bytes(width: int, block: int, block_bytes: int) -> int:
    """Return the bytes of a row of `width` elements: whole blocks, `⌈width / block⌉ · block_bytes`."""
    return -(-width // block) * block_bytes
