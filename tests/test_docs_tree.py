"""The docs against the tree: tests by name, sizes of modules, links, sections, wrong commands."""

import ast
import re
import tomllib
from collections import Counter
from fnmatch import fnmatch

import pytest

from benchmarks.rooms import count_imports, drawing
from tests.documents import anchor, documents, headings, links, read
from tests.workflow.project import REPOSITORY

SHORTEST, LONGEST = 40, 400
MOST = 16
"""Modules of one folder: about 15, so that a newcomer can read their names."""

TRIED_TOGETHER = {
    "__main__.py": "test_cli.py",
    "cli_help.py": "test_cli.py",
    "cli_options.py": "test_cli.py",
    "compat/data_path.py": "compat/test_exact_path_kernel_model.py",
    "compat/losses.py": "compat/test_exact_path_kernel_model.py",
    "compat/model_path.py": "compat/test_exact_path_kernel_model.py",
    "compat/optimizer_paths.py": "compat/test_exact_path_kernel_model.py",
    "config/base.py": "config/test_schema.py",
    "choices.py": "kernel/collectors/test_output_arrays.py",
    "config/dataset.py": "config/test_schema.py",
    "config/epk.py": "config/test_schema.py",
    "config/experiment.py": "experiments/test_registry.py",
    "config/model.py": "config/test_load.py",
    "config/optimizer.py": "config/test_load.py",
    "config/problems.py": "config/test_schema.py",
    "config/training.py": "config/test_run.py",
    "data/text/embedded.py": "data/text/test_dataset.py",
    "doctor/diagnosis.py": "doctor/test_examine.py",
    "experiments/encoder_and_model/page.py": "experiments/encoder_and_model/test_compute.py",
    "experiments/feature_methods.py": "experiments/disentanglement/test_compute.py",
    "experiments/grokking/story.py": "experiments/grokking/test_tables.py",
    "experiments/labelfree/page.py": "experiments/labelfree/test_claims.py",
    "experiments/labelfree/statements.py": "experiments/labelfree/test_claims.py",
    "experiments/labelfree/tables.py": "experiments/labelfree/test_claims.py",
    "experiments/language_claims/page.py": "experiments/language_claims/test_claims.py",
    "experiments/language_claims/shares.py": "experiments/language_claims/test_claims.py",
    "experiments/language_claims/tables.py": "experiments/language_claims/test_claims.py",
    "experiments/language_influence/page.py": "experiments/language_influence/test_tables.py",
    "experiments/linear_probe/page.py": "experiments/linear_probe/test_compute.py",
    "experiments/linear_probe/tables.py": "experiments/linear_probe/test_compute.py",
    "experiments/parallel_parts/compute.py": "experiments/parallel_parts/test_tables.py",
    "experiments/parallel_parts/page.py": "experiments/parallel_parts/test_tables.py",
    "experiments/passages/compute.py": "experiments/passages/test_tables.py",
    "experiments/passages/page.py": "experiments/passages/test_tables.py",
    "experiments/pretext_examples/page.py": "experiments/pretext_examples/test_compute.py",
    "experiments/pretext_examples/tables.py": "experiments/pretext_examples/test_compute.py",
    "experiments/pretext_features/page.py": "experiments/pretext_features/test_compute.py",
    "experiments/pretext_features/tables.py": "experiments/pretext_features/test_compute.py",
    "experiments/roar/page.py": "experiments/roar/test_compute.py",
    "experiments/single_steps/compute.py": "experiments/single_steps/test_tables.py",
    "experiments/single_steps/page.py": "experiments/single_steps/test_tables.py",
    "experiments/spec.py": "experiments/test_registry.py",
    "experiments/unit_visualisation/page.py": "experiments/unit_visualisation/test_compute.py",
    "experiments/unit_visualisation/tables.py": "experiments/unit_visualisation/test_compute.py",
    "kernel/attributor.py": "kernel/test_path_kernel.py",
    "kernel/collectors/influence.py": "kernel/collectors/test_output_arrays.py",
    "kernel/collectors/parameters.py": "kernel/collectors/test_output_arrays.py",
    "kernel/collectors/strongest.py": "pipeline/test_merge_stores.py",
    "kernel/contraction/training_data.py": "kernel/contraction/test_training_side.py",
    "kernel/gradients/rule.py": "kernel/contraction/test_routes.py",
    "kernel/query/applicable.py": "kernel/query/test_derivative.py",
    "kernel/query/make_queries.py": "kernel/test_path_kernel.py",
    "kernel/query/quadrature.py": "kernel/nonsmooth/test_secant.py",
    "kernel/result.py": "pipeline/test_merge_stores.py",
    "models/encoders/convolutional.py": "models/encoders/test_registry.py",
    "models/encoders/network.py": "models/encoders/test_registry.py",
    "models/encoders/pooled.py": "models/encoders/test_registry.py",
    "models/encoders/recurrent.py": "models/encoders/test_registry.py",
    "pipeline/accumulate.py": "pipeline/test_merge_stores.py",
    "pipeline/load_kernel.py": "experiments/parallel_parts/test_tables.py",
    "pipeline/train_encoder.py": "pipeline/test_load_encoder.py",
    "plan/memory.py": "plan/test_choose.py",
    "plan/sizes.py": "plan/test_routes.py",
    "plan/table.py": "plan/test_flops.py",
    "report/page.py": "report/test_html.py",
}
"""Modules without a test of their own name, and the test that imports and tries them."""

OF_NO_TEST = "experiments/*/settings.py"
"""Sections of the config: all of them are tried by `tests/config`."""

RUN_BY_NAME = {
    "compute": "explaind.experiments.job",
    "tables": "explaind.experiments.drawing",
    "page": "explaind.experiments.drawing",
}
"""Modules in the folder of an experiment, and what imports them for the tests of that folder."""

SHORT = {
    "*/__init__.py": "says what a folder is",
    "__main__.py": "`python -m explaind`",
    "data/digits.py": "a module for each family of sources",
    "data/interleaved.py": "the one choice of as many samples of each class",
    "models/encoders/network.py": "what every encoder is, whatever its architecture",
    "device.py": "the one place that chooses a device",
    "experiments/*/settings.py": "the section of the config",
    "experiments/component_sets.py": "sets of components, for every experiment that has some",
    "labelfree/blur.py": "a baseline",
    "labelfree/units/streaming_correlation.py": "a statistic of what never lies in memory together",
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
        own = (REPOSITORY / "tests" / folder / f"test_{name}").is_file()
        if name != "__init__.py" and not own and not fnmatch(module, OF_NO_TEST):
            yield module


def names_imported(file):
    """Dotted names of all that a file imports; `from a import b` is `a` and `a.b`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_by(test):
    """Dotted names of the modules that a test imports, also by what their package hands on."""
    names = {*names_imported(REPOSITORY / "tests" / test)}
    for package in [name for name in names if name.startswith("explaind")]:
        init = REPOSITORY / package.replace(".", "/") / "__init__.py"
        handed_on = {*names_imported(init)} if init.is_file() else set()
        names |= {whole.rpartition(".")[0] for whole in handed_on if _last(whole, package) in names}
    return names


def _last(name, package):
    return f"{package}.{name.rpartition('.')[2]}"


def is_tried(module, test):
    """Whether a test imports a module, or what imports it by its name."""
    folder, _, name = module.removesuffix(".py").rpartition("/")
    if module == "__main__.py":
        return '"-m", "explaind"' in read(f"tests/{test}")
    by_name = RUN_BY_NAME.get(name) if test.startswith(f"{folder}/") else None
    dotted = f"explaind.{folder}.{name}".replace("/", ".").replace("..", ".")
    return not {dotted, by_name}.isdisjoint(imported_by(test))


def test_the_test_of_a_module_is_found_by_its_name():
    lacking = {*without_test_of_their_name()}
    assert lacking - TRIED_TOGETHER.keys() == set()  # give it a test, or its name a place there
    assert TRIED_TOGETHER.keys() - lacking == set()  # no exception too many
    assert [pair for pair in TRIED_TOGETHER.items() if not is_tried(*pair)] == []
    assert not is_tried("kernel/result.py", "kernel/trajectory/test_adjoint.py")
    assert not is_tried("experiments/swap/page.py", "experiments/maps/test_compute.py")


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


def test_folders_are_small():
    folders = Counter(module.rpartition("/")[0] for module in MODULES)
    assert {folder: count for folder, count in folders.items() if count - 1 > MOST} == {}


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


FORMER = (
    r"in the mean\b",
    r"left over",
    r"(some|so many) at a time",
    r"kept slices?",
    r"routes? \(?[abc]\b",
    r"dispensable",
    r"trainings without a group",
    r"training sums",
    r"kinked",
    r"(wrong|right) labels",
    r"answered correctly",
    r"same answer",
    r"all layers together",
    r"layer by layer",
    r"the publication\b",
    r"only thought of",
    r"thinned histor",
    r"attention (encoders|decoders)",
    r"size of the parameters",
    r"sanity of influence",
)
"""What the words of the glossary are in place of."""

PUBLISHED = {
    ("docs/differences.md", "attention decoders"),
    ("docs/glossary.md", "attention encoders"),
}
"""Where the paper's own words are named."""


def test_words_are_those_of_the_glossary():
    library = (file for file in CODE if file.is_relative_to(REPOSITORY / "explaind"))
    shown = [file for file in library if re.match(r"cli|page\.|text\.", file.name)]
    shown += (REPOSITORY / "explaind/report/templates").glob("*.html")
    shown += (REPOSITORY / name for name in documents() if name != "CHANGELOG.md")
    assert len(shown) > 60
    former = re.compile("|".join(FORMER), re.IGNORECASE)
    found = [
        (file.relative_to(REPOSITORY).as_posix(), match[0])
        for file in shown
        for match in former.finditer(file.read_text(encoding="utf-8"))
    ]
    assert {*found} == PUBLISHED


def test_the_architecture_names_every_room():
    described = read("docs/architecture.md")
    rooms = {module.split("/")[0] for module in MODULES if "/" in module}
    assert [room for room in sorted(rooms) if f"  {room}/" not in described] == []
    contract = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    layers = contract["tool"]["importlinter"]["contracts"][0]["layers"]
    assert drawing(count_imports().keys()) in described  # as `python -m benchmarks.rooms` prints it
    order = re.search(r"cli →.*", described)[0]
    places = [order.find(layer.split(" | ")[0].removeprefix("explaind.")) for layer in layers]
    known = [place for place in places if place >= 0]
    assert known == sorted(known)
