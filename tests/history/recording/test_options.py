"""The options that are passed on are those of `explaind.record`, with the same types."""

import inspect

import explaind
from explaind.history.recording.options import RecordOptions


def test_they_are_those_of_record():
    parameters = inspect.signature(explaind.record).parameters.values()
    expected = {p.name: p.annotation for p in parameters if p.kind is p.KEYWORD_ONLY}
    assert RecordOptions.__annotations__ == expected
