"""Rules killed at random moments; by hand many more: `python -m tests.faults.kills`."""

import random
import re

from explaind.experiments.registry import SPECS
from tests.faults.kills import differences, run_with_kills
from tests.faults.stages import STAGES
from tests.workflow.project import REPOSITORY

SEED = 5


def test_outputs_of_killed_rules_equal_those_of_undisturbed_ones(in_peace, tmp_path):
    run_with_kills(tmp_path, in_peace, kills=1, moments=random.Random(SEED))
    found = [differences(rule.contents, rule.stage.contents(tmp_path)) for rule in in_peace]
    assert found == [[] for _ in in_peace]


def test_every_rule_can_be_killed():
    rules = "".join(file.read_text() for file in (REPOSITORY / "workflow/rules").glob("*.smk"))
    commands = set(re.findall(r'"explaind --log \{log\} ([a-z-]+)', rules))
    assert commands
    names = {name.replace("_", "-"): spec for name, spec in SPECS.items()}
    computed = {name: spec.computed for name, spec in names.items() if spec.computed}
    commands |= {*computed, *(f"{name}-part" for name, rule in computed.items() if rule.parts)}
    commands |= {f"page-{name}" for name, spec in names.items() if spec.shown}
    assert {stage.command.split()[0] for stage in STAGES} == commands
