"""The reference of all config keys, and the commands and examples in it."""

import yaml

from explaind.config.load import load_config
from explaind.config.reference import reference
from tests.config.sections import DEFAULT, FILES


def test_reference_is_up_to_date():
    command = "python -m explaind.config.reference > config/README.md"
    assert (FILES / "README.md").read_text() == reference(), f"run: {command}"


def test_every_section_of_an_experiment_is_described():
    text = reference()
    for kind in ("grokking", "pruning", "sanity"):
        assert f"## `experiments.<name>`, kind `{kind}`" in text


def test_the_example_of_a_config_that_stands_alone_is_one():
    example = yaml.safe_load(reference().partition("```yaml\n")[2].partition("```")[0])
    config = load_config(example, defaults=DEFAULT)
    assert list(config.runs) == ["mine"]
    assert {settings.run for settings in config.experiments.values()} == {"mine"}


def test_no_command_ends_a_list_of_files_with_a_target():
    """Snakemake takes every word after `--configfile` for a file, up to `--`."""
    for file in FILES.iterdir():
        commands = [line for line in file.read_text().splitlines() if "--configfile" in line]
        assert all(" -- " in line for line in commands), file
