"""The docs against the tree: tests by name, sizes of modules, links, sections, wrong commands."""

import ast
import re
import tomllib
from fnmatch import fnmatch

import pytest

from tests.documents import anchor, documents, headings, links, read
from tests.workflow.project import REPOSITORY

SHORTEST, LONGEST = 40, 400
TRIED_TOGETHER = {
    "__main__.py": "test_cli.py",
    "cli_help.py": "test_cli.py",
    "cli_options.py": "test_cli.py",
    "compat/*.py": "compat/test_exact_path_kernel_model.py",
    "config/*.py": "config/test_load.py",
    "experiments/encoder_and_model/*.py": "experiments/encoder_and_model/test_compute.py",
    "experiments/feature_methods.py": "experiments/disentanglement/test_compute.py",
    "experiments/example_consistency/methods.py": "experiments/example_consistency/test_compute.py",
    "data/embedded_text.py": "data/test_text.py",
    "experiments/language_claims/*.py": "experiments/language_claims/test_claims.py",
    "experiments/language_influence/*.py": "experiments/language_influence/test_tables.py",
    "doctor/*.py": "doctor/test_examine.py",
    "experiments/grokking/*.py": "experiments/grokking/test_page.py",
    "experiments/labelfree/*.py": "experiments/labelfree/test_claims.py",
    "experiments/linear_probe/*.py": "experiments/linear_probe/test_compute.py",
    "experiments/roar/*.py": "experiments/roar/test_compute.py",
    "experiments/single_steps/*.py": "experiments/single_steps/test_tables.py",
    "experiments/unit_visualisation/*.py": "experiments/unit_visualisation/test_compute.py",
    "experiments/*/settings.py": "config/test_schema.py",
    "experiments/parallel_parts/*.py": "experiments/parallel_parts/test_tables.py",
    "experiments/passages/*.py": "experiments/passages/test_tables.py",
    "experiments/pretext_*/*.py": "experiments/pretext_features/test_compute.py",
    "experiments/task_correlation_panel.py": "experiments/pretext_features/test_compute.py",
    "experiments/own.py": "workflow/test_own_project.py",
    "experiments/spec.py": "experiments/test_registry.py",
    "kernel/*.py": "kernel/trajectory/test_adjoint.py",
    "kernel/collectors/*.py": "kernel/collectors/test_output_arrays.py",
    "kernel/contraction/*.py": "kernel/contraction/test_routes.py",
    "kernel/gradients/*.py": "kernel/contraction/test_routes.py",
    "kernel/nonsmooth/*.py": "kernel/nonsmooth/test_secant.py",
    "kernel/query/*.py": "kernel/nonsmooth/test_secant.py",
    "kernel/trajectory/*.py": "kernel/trajectory/test_intervals.py",
    "models/encoders/*.py": "models/encoders/test_registry.py",
    "pipeline/*.py": "workflow/test_commands.py",
    "plan/*.py": "plan/test_build.py",
    "report/method_names.py": "experiments/labelfree/test_claims.py",
    "report/page.py": "report/test_html.py",
}
"""Modules without a test of their own name, and the test that tries them as parts of a whole."""

SHORT = {
    "cli_help.py": "how commands are listed, whatever they are",
    "*/__init__.py": "says what a folder is",
    "__main__.py": "`python -m explaind`",
    "data/digits.py": "a module for each family of sources",
    "data/interleaved.py": "the one choice of as many samples of each class",
    "models/encoders/network.py": "what every encoder is, whatever its architecture",
    "device.py": "the one place that chooses a device",
    "experiments/*/settings.py": "the section of the config",
    "experiments/component_sets.py": "sets of components, for every experiment that has some",
    "experiments/labelfree/tables.py": "what its page shows, worked out by its claims",
    "labelfree/blur.py": "a baseline",
    "labelfree/streaming_correlation.py": "a statistic of what never lies in memory together",
    "report/method_names.py": "what methods are called, for every page that names some",
    "report/pictures.py": "cells with pictures, for every page that has some",
    "training/contrastive_loss.py": "a loss for one kind of pretext",
    "kernel/attributor.py": "a protocol",
}
"""Modules of fewer lines than others, and why they are no part of another one."""

CODE = [
    file
    for folder in ("explaind", "tests", "workflow", "benchmarks", "examples")
    for pattern in ("*.py", "*.smk")
    for file in sorted((REPOSITORY / folder).rglob(pattern))
]
MODULES = [
    file.relative_to(REPOSITORY / "explaind").as_posix()
    for file in sorted((REPOSITORY / "explaind").rglob("*.py"))
]


def matching(module, patterns):
    """The longest pattern that a module fits."""
    return max((p for p in patterns if fnmatch(module, p)), key=len, default=None)


def without_test_of_their_name():
    for module in MODULES:
        folder, _, name = module.rpartition("/")
        if name != "__init__.py" and not (REPOSITORY / "tests" / folder / f"test_{name}").is_file():
            yield module


def test_the_test_of_a_module_is_found_by_its_name():
    lacking = {module: matching(module, TRIED_TOGETHER) for module in without_test_of_their_name()}
    assert [module for module, pattern in lacking.items() if pattern is None] == []
    assert set(TRIED_TOGETHER) - set(lacking.values()) == set()  # no exception too many
    for test in TRIED_TOGETHER.values():
        assert (REPOSITORY / "tests" / test).is_file(), test


def stored(function):
    """Names of the attributes of `self` that a method stores."""
    return {
        node.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }


def test_attributes_are_there_from_the_start():
    """What a method stores for another one is in `__init__`, too, or declared in the class."""
    late, classes = [], 0
    for module in MODULES:
        tree = ast.parse((REPOSITORY / "explaind" / module).read_text(encoding="utf-8"))
        for node in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
            methods = [part for part in node.body if isinstance(part, ast.FunctionDef)]
            known = {n.target.id for n in node.body if isinstance(n, ast.AnnAssign)}
            known |= {name for m in methods if m.name == "__init__" for name in stored(m)}
            late += [(module, node.name, *stored(m) - known) for m in methods if stored(m) - known]
            classes += 1
    assert classes > 100
    assert late == []


def test_modules_are_neither_short_nor_long():
    lines = {
        module: len((REPOSITORY / "explaind" / module).read_text("utf-8").splitlines())
        for module in MODULES
    }
    assert [module for module, count in lines.items() if count > LONGEST] == []
    short = {module: matching(module, SHORT) for module in lines if lines[module] < SHORTEST}
    assert [module for module, pattern in short.items() if pattern is None] == []
    assert set(SHORT) - set(short.values()) == set()


@pytest.mark.parametrize("document", documents())
def test_links_lead_somewhere(document):
    folder = (REPOSITORY / document).parent
    for link in links(document):
        if link.startswith("https://"):
            continue
        path, _, fragment = link.partition("#")
        target = (folder / path).resolve() if path else REPOSITORY / document
        assert target.exists(), link
        if fragment:
            name = target.relative_to(REPOSITORY).as_posix()
            assert fragment in {anchor(heading) for heading in headings(name)}, link


def test_every_document_is_linked():
    linked = {
        (REPOSITORY / document).parent.joinpath(link.partition("#")[0]).resolve()
        for document in documents()
        for link in links(document)
        if not link.startswith("https://")
    }
    apart = {REPOSITORY / name for name in ("README.md",)}
    assert {REPOSITORY / document for document in documents()} - apart <= linked


def test_cited_sections_are_headings_of_the_mathematics():
    numbers = {
        heading.partition(".")[0]
        for heading in headings("docs/mathematics.md")
        if re.match(r"\d+\. ", heading)
    }
    assert numbers == {str(number) for number in range(1, len(numbers) + 1)}
    cited = {
        (number, file.name)
        for file in CODE
        for number in re.findall(r"\bsection (\d+)", file.read_text(encoding="utf-8"))
    }
    assert {number for number, _ in cited}
    assert [citation for citation in sorted(cited) if citation[0] not in numbers] == []


def test_nothing_recommends_what_does_not_work():
    """The name on PyPI is another package's; Snakemake takes a target for a second config file."""
    wrong = re.compile(r"pip install ['\"]?explaind|--configfile \S+ (?=all\b)")
    texts = [*REPOSITORY.glob("config/*"), *(REPOSITORY / name for name in documents()), *CODE]
    found = [
        str(file.relative_to(REPOSITORY))
        for file in {*texts} - {REPOSITORY / "CHANGELOG.md"}  # which says what was wrong
        if wrong.search(file.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_the_architecture_names_every_room():
    described = read("docs/architecture.md")
    rooms = {module.split("/")[0] for module in MODULES if "/" in module}
    assert [room for room in sorted(rooms) if f"  {room}/" not in described] == []
    contract = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    layers = contract["tool"]["importlinter"]["contracts"][0]["layers"]
    order = re.search(r"cli →.*", described)[0]
    places = [order.find(layer.split(" | ")[0].removeprefix("explaind.")) for layer in layers]
    known = [place for place in places if place >= 0]
    assert known == sorted(known)
