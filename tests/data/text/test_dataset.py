"""Text datasets: crops and passages are what the file says, cut where they should be."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from explaind.choices import IGNORED
from explaind.config.dataset import TextDataset
from explaind.data.text.dataset import text_dataset
from explaind.data.text.embedded import PARTS, embedded_text
from explaind.errors import DataError

TEXTS = {
    "Ελληνικά": [f"μέρος {part} " + "αβγδ" * 8 for part in range(5)],
    "English": [f"part {part} " + "word " * 9 for part in range(5)],
}
SIZES = {"context": 12, "crops": 30, "held_out_parts": 2, "passages": 3}


def write(path, texts=TEXTS, key="language"):
    lines = [
        json.dumps({key: name, "part": part, "text": text}, ensure_ascii=False)
        for name, parts in texts.items()
        for part, text in enumerate(parts)
    ]
    path.write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture
def made(tmp_path):
    write(tmp_path / "texts.jsonl")
    return text_dataset(TextDataset(path="texts.jsonl", **SIZES), tmp_path)


def test_crops_are_pieces_of_parts_that_are_not_held_out(made):
    names, held_out = made.attrs["groups"], made.attrs["held_out_parts"]
    assert names == list(TEXTS)
    assert len(held_out) == 2
    assert made["group_train"].values.tolist() == [0, 1] * 30
    for x, y, group, part in zip(
        made.x_train.values[:, 0],
        made.y_train.values[:, 0],
        made.group_train.values,
        made.part_train.values,
        strict=True,
    ):
        assert part not in held_out
        text = TEXTS[names[group]][part].encode()
        assert bytes([*x.tolist(), y[-1]]) in text
        np.testing.assert_array_equal(x[1:], y[:-1])


def test_passages_are_parallel_and_begin_their_parts(made):
    first, second = made.attrs["held_out_parts"]
    for row, name in enumerate(made.attrs["groups"]):
        texts = [TEXTS[name][part].encode() for part in (first, second)]
        for place, wanted in enumerate((texts[0][:12], texts[1][:12], texts[0][12:24])):
            assert bytes(made.x_validation.values[row, place].tolist()) == wanted


def test_what_is_short_is_padded_and_ignored(tmp_path):
    write(tmp_path / "texts.jsonl", {name: ["abc", "defg"] for name in ("a", "b")})
    sizes = {"context": 8, "crops": 2, "held_out_parts": 1, "passages": 2}
    made = text_dataset(TextDataset(path="texts.jsonl", **sizes), tmp_path)
    held = "abc" if made.attrs["held_out_parts"] == [0] else "defg"
    length = len(held)
    for row in range(2):
        assert made.x_validation.values[row, 0].tolist() == [*held.encode()] + [0] * (8 - length)
        expected = [*held.encode()[1:]] + [IGNORED] * (9 - length)
        assert made.y_validation.values[row, 0].tolist() == expected
        assert (made.y_validation.values[row, 1] == IGNORED).all()  # there is no second piece


def test_seed_and_key(tmp_path):
    write(tmp_path / "texts.jsonl", key="source")
    settings = TextDataset(path="texts.jsonl", key="source", **SIZES)
    once, again = (text_dataset(settings, tmp_path) for _ in range(2))
    assert once.identical(again)
    other = text_dataset(settings.model_copy(update={"seed": 1}), tmp_path)
    assert not np.array_equal(once.x_train, other.x_train)


def test_provenance_names_the_file_and_its_content(made, tmp_path):
    content = (tmp_path / "texts.jsonl").read_bytes()
    checksum = hashlib.sha256(content).hexdigest()
    assert made.attrs["provenance"] == f"texts.jsonl, given by the user, SHA-256 {checksum}"


def test_embedded_languages_differ():
    made = text_dataset(TextDataset(context=32, crops=4), Path("unused"))
    assert made.attrs["groups"] == ["English", "Python", "arithmetic"]
    assert made.x_train.shape == (12, 1, 32)
    assert "Python 3." in made.attrs["provenance"]
    texts = embedded_text()[0]
    assert all(len(parts) == PARTS for parts in texts.values())
    assert set(b"0123456789 +=\n") == set(texts["arithmetic"][3])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"language": "a", "part": 0}', "line 1: expected"),
        ('{"language": "a", "part": "0", "text": "b"}', "line 1: expected"),
        ("[1]", "line 1: expected"),
        ("{", "line 1: expected"),
        ('{"language": "a", "part": 0, "text": "abc"}', "at least 2 groups"),
    ],
)
def test_a_file_of_another_form_is_refused(line, message, tmp_path):
    (tmp_path / "texts.jsonl").write_text(line, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        text_dataset(TextDataset(path="texts.jsonl", **SIZES), tmp_path)


def test_unknown_groups_and_missing_files_are_refused(tmp_path):
    write(tmp_path / "texts.jsonl")
    with pytest.raises(DataError, match=r"groups: expected some of .* got \['Dansk'\]"):
        text_dataset(
            TextDataset(path="texts.jsonl", groups=("English", "Dansk"), **SIZES), tmp_path
        )
    with pytest.raises(DataError, match=r"expected a \.jsonl file in UTF-8"):
        text_dataset(TextDataset(path="none.jsonl", **SIZES), tmp_path)
