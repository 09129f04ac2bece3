"""Wheel and sdist: built from a copy of the checkout, installed elsewhere, used from there."""

import ast
import re
import sys
import tarfile
import tomllib
import zipfile

import pytest
import yaml

import explaind
from tests.distributions import build, run
from tests.workflow.project import REPOSITORY

CALLED = {
    "google_crc32c": "google-crc32c",
    "PIL": "pillow",
    "pydantic_core": "pydantic-core",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "yaml": "pyyaml",
}
"""Distributions that are not called as what is imported of them."""

OPTIONAL = {
    "explaind/integrations": ("huggingface", "lightning"),
    "explaind/data/text": ("huggingface",),
}
"""Extras that a folder may import from."""

CHECKOUT = ("workflow/Snakefile", "workflow/rules/common.smk", "config/config.yaml", "Makefile")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Paths of the sdist and the wheel."""
    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """A folder with nothing but what the wheel holds; other packages are those of the tests."""
    folder = tmp_path_factory.mktemp("installed")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    run(*pip, "--no-deps", "--no-index", "--target", str(folder), str(built[1]), cwd=folder)
    return folder


def test_the_names(built):
    for file in built:
        assert file.name.startswith(f"explaind_paths-{explaind.__version__}")


def test_the_sdist_is_a_checkout(built):
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= {*CHECKOUT, "LICENSE", "CITATION.cff", "docs/mathematics.md", ".ci/run"}
    assert "tests/oracles/dense_midpoint.py" in names


def test_the_wheel_holds_all_files_of_the_library_and_nothing_else(built):
    with zipfile.ZipFile(built[1]) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        described = archive.read(metadata).decode()
    library = REPOSITORY.glob("explaind/**/*")
    files = {str(file.relative_to(REPOSITORY)) for file in library if file.is_file()}
    assert names == {file for file in files if not re.search(r"__pycache__|\.pyc$", file)}
    assert "License-Expression: MIT" in described


def test_the_command_and_the_library_work_from_another_folder(installed, tmp_path):
    environment = {"PYTHONPATH": str(installed)}
    command = (sys.executable, str(installed / "bin" / "explaind"))
    assert "predict-epk" in run(*command, "--help", cwd=tmp_path, **environment)
    assert "| jobs |" in run(*command, "plan", "--parameters", "1e6", cwd=tmp_path, **environment)
    code = "import explaind; print(explaind.__file__, explaind.PathKernel, explaind.record)"
    said = run(sys.executable, "-c", code, cwd=tmp_path, **environment)
    assert said.startswith(str(installed / "explaind"))
    assert list(tmp_path.iterdir()) == []


def test_the_citation_is_of_this_version_and_names_the_papers():
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == explaind.__version__
    cited = {reference.get("doi", reference.get("url")) for reference in citation["references"]}
    papers = ("2505.20076", "2012.00152", "2308.00824", "2203.01928")
    assert cited >= {f"10.48550/arXiv.{paper}" for paper in papers}


def test_extras_name_the_distribution():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    own = [need for needs in extras.values() for need in needs if need.startswith("explaind")]
    assert {f"{project['name']}[{extra}]" for extra in ("slurm", "vision")} == set(own)


def imported(file):
    """Names of the packages that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.partition(".")[0]


def test_what_is_imported_is_declared():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    missing, found = set(), set()
    for file in (REPOSITORY / "explaind").rglob("*.py"):
        folder = file.parent.relative_to(REPOSITORY).as_posix()
        optional = [need for extra in OPTIONAL.get(folder, ()) for need in extras[extra]]
        declared = {re.match(r"[\w-]+", need)[0] for need in (*project["dependencies"], *optional)}
        names = {*imported(file)} - {*sys.stdlib_module_names, "explaind"}
        found |= names
        missing |= {(folder, name) for name in names if CALLED.get(name, name) not in declared}
    assert missing == set()
    assert found >= {"torch", "markupsafe", "transformers", *CALLED}
