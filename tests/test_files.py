"""A file is whole or absent."""

import pytest

from explaind.files import replacing, write_json


def _write_half(path):
    with replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError


def test_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "folder" / "numbers.json"
    write_json(path, {"b": 1, "a": 2})
    with pytest.raises(ZeroDivisionError):
        _write_half(path)
    assert path.read_text() == '{\n  "a": 2,\n  "b": 1\n}\n'
    assert list(path.parent.iterdir()) == [path]
