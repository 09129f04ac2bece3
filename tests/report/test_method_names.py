"""Every method of the config has a name, and only those."""

from typing import get_args

from explaind.choices import AnyFeatureMethodName
from explaind.experiments.example_consistency.settings import ExampleConsistencySettings
from explaind.report.method_names import EXAMPLE_METHOD_KINDS, EXAMPLE_METHODS, FEATURE_METHODS


def test_every_method_of_the_config_has_a_name():
    assert {*FEATURE_METHODS} == {*get_args(AnyFeatureMethodName)}
    settings = ExampleConsistencySettings(encoders=("any",))
    assert {*settings.methods} <= {*EXAMPLE_METHODS}
    assert EXAMPLE_METHODS.keys() == EXAMPLE_METHOD_KINDS.keys()
    assert len({*EXAMPLE_METHODS.values()}) == len(EXAMPLE_METHODS)
