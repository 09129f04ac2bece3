"""Text as numbers: its bytes, or a byte pair encoding (Sennrich et al., 2016) learned on them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from explaind.errors import DataError


@dataclass(frozen=True)
class Tokens:
    """How text is cut into tokens.

    Attributes:
        vocabulary: the bytes of every token, by its number.
        encode: the tokens of some text in UTF-8.
    """

    vocabulary: tuple[bytes, ...]
    encode: Callable[[bytes], Int[np.ndarray, " token"]]


def single_bytes() -> Tokens:
    """Return the tokens that need no learning: every byte is one."""
    return Tokens(
        tuple(bytes([byte]) for byte in range(256)),
        lambda text: np.frombuffer(text, np.uint8).astype(np.int64),
    )


def byte_pairs(texts: Iterable[bytes], size: int) -> Tokens:
    """Learn a byte pair encoding; what it was not learned on it can encode as well, in bytes.

    Args:
        texts: what it is learned on, UTF-8. Half a character at an end is left out, here and by the
            encoding.
        size: number of tokens.

    Returns:
        The tokens, never across words.

    Raises:
        DataError: if the library is missing, or the text has too few different pairs.
    """
    try:
        from tokenizers import (  # noqa: PLC0415 (an extra)
            Tokenizer,
            models,
            pre_tokenizers,
            trainers,
        )
    except ImportError as error:
        raise DataError(
            "byte_pairs needs tokenizers. Install the extra: pip install --constraint"
            " constraints.txt --editable .[huggingface], in the checkout; or set it to null."
        ) from error
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator((_decoded(text) for text in texts), trainer)
    numbers = tokenizer.get_vocab()
    if (found := len(numbers)) < size:
        raise DataError(
            f"byte_pairs: expected at most {found}, all that the training text gives, got {size};"
            " lower it."
        )
    letters, byte_of = sorted(numbers, key=numbers.__getitem__), _byte_of_letter()
    return Tokens(
        tuple(bytes(byte_of[letter] for letter in token) for token in letters),
        lambda text: np.array(tokenizer.encode(_decoded(text)).ids, np.int64),
    )


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "ignore")


def _byte_of_letter() -> dict[str, int]:
    """The byte behind each letter that the library writes it as: itself, if it can be printed."""
    printed = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in printed]
    letters = {chr(byte): byte for byte in printed}
    return letters | {chr(256 + number): byte for number, byte in enumerate(hidden)}
