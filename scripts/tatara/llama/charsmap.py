"""SentencePiece's binary form of replacements (`precompiled_charsmap`): a trie in a double array, then their strings.

Each entry of the array is 32 bits: of a state the byte that leads to it (bits 0-7), whether a replacement ends there
(bit 8) and the offset of its children (bits 10-30); of a replacement bit 31 and its place among the strings. Source:
llama.cpp, src/llama-vocab.cpp, xcda_array_view.
"""

import struct
from collections import deque

HAS_REPLACEMENT, IS_REPLACEMENT, OFFSET = 1 << 8, 1 << 31, 10
LARGEST_OFFSET = 1 << 21


def _trie(replacements: dict[bytes, bytes]) -> tuple[dict, bytes]:
    """Return a trie of the keys, with the place of a key's replacement under 0, and the replacements, each ended by a
    zero byte.
    """
    root, strings, places = {}, bytearray(), {}
    for key, value in replacements.items():
        if value not in places:
            places[value] = len(strings)
            strings += value + b"\0"
        node = root
        for byte in key:
            node = node.setdefault(byte, {})
        node[0] = places[value]
    return root, bytes(strings)


def charsmap(replacements: dict[bytes, bytes]) -> bytes:
    """Return the binary form of replacements; of several keys that match, the longest counts.

    Args:
        replacements: string -> what it becomes, in UTF-8 and without zero bytes.
    """
    root, strings = _trie(replacements)
    entries, taken, first_free = {0: 0}, {0}, 1
    waiting = deque([(0, root)])
    while waiting:
        place, node = waiting.popleft()
        labels = sorted(node)
        while first_free in taken:
            first_free += 1
        candidate = first_free
        while True:
            base = candidate ^ labels[0]
            if place ^ base < LARGEST_OFFSET and taken.isdisjoint(base ^ label for label in labels):
                break
            candidate += 1
        taken.update(base ^ label for label in labels)
        entries[place] |= (place ^ base) << OFFSET | (HAS_REPLACEMENT if 0 in node else 0)
        for label in labels:
            if label == 0:
                entries[base] = IS_REPLACEMENT | node[0]
            else:
                entries[base ^ label] = label
                waiting.append((base ^ label, node[label]))
    # Matching looks at any entry within 256 of a known one.
    array = [entries.get(index, 0) for index in range((max(entries) // 256 + 1) * 256)]
    return struct.pack("<I", 4 * len(array)) + struct.pack(f"<{len(array)}I", *array) + strings
