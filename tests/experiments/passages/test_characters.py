"""Tokens as pieces of text: no character is torn apart and no number is lost."""

import numpy as np
import pytest

from explaind.experiments.passages.characters import pieces_of


def of_bytes(text, cut=(0, None)):
    tokens = [bytes([byte]) for byte in text.encode()[slice(*cut)]]
    return pieces_of(tokens, np.arange(1.0, len(tokens) + 1))


@pytest.mark.parametrize("text", ["freedom", "حرية", "חירות", "自由", "ελευθερία", "a\nb"])
def test_bytes_of_a_character_are_one_piece(text):
    pieces = of_bytes(text)
    assert [piece.text for piece in pieces] == list(text)
    size = len(text.encode())
    assert sum(piece.value for piece in pieces) == size * (size + 1) / 2


def test_the_value_of_a_character_is_the_sum_of_its_bytes():
    assert of_bytes("a自b") == [("a", 1), ("自", 2 + 3 + 4), ("b", 5)]


def test_marks_stay_with_their_letter():
    marked = "e\N{COMBINING ACUTE ACCENT}"
    assert [piece.text for piece in of_bytes(f"{marked}a")] == [marked, "a"]


def test_what_is_cut_within_a_character_is_marked_and_counted():
    pieces = of_bytes("自由自", cut=(1, -1))
    assert pieces == [("…", 1 + 2), ("由", 3 + 4 + 5), ("…", 6 + 7)]


def test_longer_tokens_stay_whole():
    assert pieces_of([b"free", b"dom"], [1.0, 2.0]) == [("free", 1), ("dom", 2)]
    joined = pieces_of(["自".encode()[:2], "自".encode()[2:] + b"x"], [1.0, 2.0])
    assert joined == [("自x", 3)]
