"""Tokens are pieces of the text, whatever it is made of."""

import numpy as np
import pytest

from explaind.data.text.tokens import byte_pairs, single_bytes
from explaind.errors import DataError
from tests.requirements import library

TEXT = "the theme of the thesis; الحرية والحرية; 自由和自由\n".encode() * 9
NEW = "der Ätna \N{SNOWMAN} 'über' the\tthemes".encode()


def joined(tokens, text):
    return b"".join(tokens.vocabulary[number] for number in tokens.encode(text).tolist())


def test_bytes_are_their_own_numbers():
    tokens = single_bytes()
    assert tokens.encode("é".encode()).tolist() == [0xC3, 0xA9]
    assert joined(tokens, NEW) == NEW
    assert len(tokens.vocabulary) == 256


@pytest.fixture(scope="module")
def learned():
    library("tokenizers")
    return byte_pairs([TEXT], 280)


@pytest.mark.libraries
@pytest.mark.parametrize("text", [TEXT, NEW])
def test_tokens_add_up_to_the_text(learned, text):
    assert joined(learned, text) == text
    numbers = learned.encode(text)
    assert numbers.dtype == np.int64
    assert 0 <= numbers.min() <= numbers.max() < len(learned.vocabulary) == 280


@pytest.mark.libraries
def test_frequent_pairs_are_one_token(learned):
    assert b"the" in learned.vocabulary
    assert len(learned.encode(TEXT)) < 0.7 * len(TEXT)
    again = byte_pairs([TEXT], 280)
    assert again.vocabulary == learned.vocabulary


@pytest.mark.libraries
def test_more_tokens_than_the_text_gives_are_refused():
    library("tokenizers")
    with pytest.raises(DataError, match=r"byte_pairs: expected at most 2\d\d, .* got 999"):
        byte_pairs([b"abab"], 999)


@pytest.mark.libraries
def test_half_a_character_at_an_end_is_left_out(learned):
    assert joined(learned, "é".encode()[1:] + b"a") == b"a"
