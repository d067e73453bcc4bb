"""How a request and its answer travel: one JSON head and any number of byte blocks.

Layout: u32 length of the head, head (UTF-8 JSON with the block lengths under "blocks"), blocks.
"""

import json
import struct
from typing import Any

Message = tuple[dict[str, Any], list[bytes]]


def pack(head: dict[str, Any], blocks: list[bytes]) -> list[bytes]:
    """The parts to write one after the other (kept apart so that large blocks are not copied)."""
    encoded = json.dumps({**head, "blocks": [len(block) for block in blocks]}).encode()
    return [struct.pack(">I", len(encoded)) + encoded, *blocks]


def unpack(data: bytes) -> Message:
    """The reverse of `pack`. Raises ValueError on anything else: the sender may be taken over."""
    if len(data) < 4:
        raise ValueError("message without a head")
    start = 4 + struct.unpack_from(">I", data)[0]
    head = json.loads(data[4:start])
    lengths = head.pop("blocks") if isinstance(head, dict) and "blocks" in head else None
    if not isinstance(lengths, list) or not all(
        type(length) is int and length >= 0 for length in lengths
    ):
        raise ValueError("message without block lengths")
    blocks = []
    for length in lengths:
        blocks.append(data[start : start + length])
        start += length
    if start != len(data):
        raise ValueError("message of the wrong length")
    return head, blocks
