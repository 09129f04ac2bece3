"""Tokens as a reader sees them: pieces of text of whole characters, each with its number."""

import codecs
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

CUT, UNREADABLE = "…", "\N{REPLACEMENT CHARACTER}"
"""Shown where a passage begins or ends within a character, and what a decoder puts there."""


class Piece(NamedTuple):
    """A piece of text and the sum of the numbers of its tokens."""

    text: str
    value: float


def pieces_of(tokens: Iterable[bytes], values: Iterable[float]) -> list[Piece]:
    """Join tokens until each piece is made of whole characters.

    Bytes of one character are one piece, and so are a letter and the marks above or below it, which
    nothing can colour alone.

    Args:
        tokens: the bytes of each token, UTF-8.
        values: a number for each.

    Returns:
        The pieces; their values add up to those of the tokens.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    found: list[Piece] = []
    text, value = "", 0.0
    for token, number in zip(tokens, values, strict=True):
        text, value = text + decoder.decode(token), value + number
        if not decoder.getstate()[0]:  # no character is left unfinished
            _append(found, text, value)
            text, value = "", 0.0
    if text or value or decoder.getstate()[0]:
        _append(found, text + decoder.decode(b"", final=True), value)
    return found


def _append(found: list[Piece], text: str, value: float) -> None:
    shown = CUT if text and not text.strip(UNREADABLE) else text.replace(UNREADABLE, CUT)
    last = found[-1] if found else None
    is_mark = unicodedata.category(shown[:1] or " ").startswith("M")
    if last and (is_mark or shown == last.text == CUT):
        joined = last.text if shown == CUT else last.text + shown
        found[-1] = Piece(joined, last.value + value)
        return
    found.append(Piece(shown, value))
