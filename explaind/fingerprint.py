"""Fingerprints of the library code behind a rule.

Snakemake does not see the modules a command imports. Each rule therefore carries the fingerprint
of its library modules as a parameter: a hash of the syntax trees of these modules and of all
explaind modules they import, directly or not, and of the other files of their packages, such as
templates. Comments, docstrings and layout of code do not count.

Modules of the user's own that a config names are hashed in the same way, with all they import that
is not installed.

Snakemake would wait for all modules to be read, at every start. What was read is therefore kept as
Python keeps what it compiled: in `__pycache__`, as long as the source is the same.
"""

import ast
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from explaind.files import replacing

PACKAGE = "explaind"
ROOT = Path(__file__).parent
EXPERIMENTS = "explaind.experiments"
STANDARD_LIBRARY = Path(os.__file__).parent
INSTALLED = {"site-packages", "dist-packages"}

# Modules that act on results only through what a rule tracks anyway, or not at all. The root of the
# package is not tracked either: it holds the version and names that load on first use.
UNTRACKED = {
    "explaind.config",  # its values are parameters of the rules
    "explaind.log",  # messages
    f"{EXPERIMENTS}.registry",  # what it says of a rule is seen in its inputs and outputs
    f"{EXPERIMENTS}.spec",  # the same
}


class Read(NamedTuple):
    """What was read in the source of a module.

    Attributes:
        source: hash of the source, and of this module, which reads it.
        syntax: hash of the syntax tree.
        names: dotted names that it imports, of modules or of what is in them.
    """

    source: str
    syntax: str
    names: list[str]


@dataclass
class Kept:
    """What was read by this process, or one before it.

    Attributes:
        reads: by module.
        is_stored: whether they are on disk.
    """

    reads: dict[str, Read]
    is_stored: bool = True


@cache
def code_fingerprint(*modules: str) -> str:
    """Hash the code that modules consist of or import from this package or the user's own.

    Args:
        modules: dotted names, e.g. `explaind.pipeline.train`; they are read, not imported.

    Returns:
        16 hexadecimal digits.

    Raises:
        ModuleNotFoundError: there is no such module in this package or among the user's own.
    """
    for module in modules:
        if _source(module) is None:
            raise ModuleNotFoundError(
                f"expected a module of {PACKAGE} or of your own, got {module!r}"
            )
    digest = hashlib.sha256()
    for name in sorted(import_closure(*modules)):
        digest.update(f"{name}\n{'' if _is_declared(name) else _read(name).syntax}\n".encode())
        for file in _other_files(name):
            digest.update(f"{file.relative_to(ROOT).as_posix()}\n".encode() + file.read_bytes())
    _keep()
    return digest.hexdigest()[:16]


def is_own(module: str) -> bool:
    """Return whether it is a module that is neither installed nor of this package."""
    return _head(module) != PACKAGE and _source(module) is not None


def import_closure(*modules: str) -> set[str]:
    """Return names of the modules, of all modules they import that are hashed, and of parents."""
    closure: set[str] = set()
    waiting = set(modules)
    while waiting:
        name = waiting.pop()
        closure.add(name)
        if not _is_declared(name):
            waiting |= _imports(name) - closure
    return closure


def _is_tracked(module: str) -> bool:
    if module == PACKAGE or not UNTRACKED.isdisjoint({module, *_parents(module)}):
        return False
    package, _, name = module.rpartition(".")
    return not (name == "settings" and _is_declared(package))  # config, as above


def _is_declared(module: str) -> bool:
    """Whether it is the package of an experiment, which says what there is and computes nothing."""
    return module.rpartition(".")[0] == EXPERIMENTS and _is_package(module)


def _head(module: str) -> str:
    return module.partition(".")[0]


def _parents(module: str) -> set[str]:
    """The packages that are imported before a module."""
    parts = module.split(".")
    return {".".join(parts[:depth]) for depth in range(1, len(parts))}


@cache
def _read(module: str) -> Read:
    source = _source(module)
    assert source is not None  # only names that _source knows get here
    content = source.read_bytes()
    of = hashlib.sha256(Path(__file__).read_bytes() + f"{source}\n".encode() + content).hexdigest()
    kept = _kept()
    known = kept.reads.get(module)
    if known is not None and known.source == of:
        return known
    tree = ast.parse(content, source)
    for node in (tree, *_statements(tree)):  # a tenth of what `ast.walk` visits
        _strip_docstring(node)
    names = {name for node in _statements(tree) for name in _imported_names(node, module)}
    syntax = hashlib.sha256(ast.dump(tree).encode()).hexdigest()
    kept.reads[module] = found = Read(of, syntax, sorted(names))
    kept.is_stored = False
    return found


def _file_of_kept() -> Path:
    version = "".join(map(str, sys.version_info[:2]))  # another one has another syntax
    return ROOT / "__pycache__" / f"fingerprint.{version}.json"


@cache
def _kept() -> Kept:
    try:
        kept = json.loads(_file_of_kept().read_text())
        return Kept({module: Read(*read) for module, read in kept.items()})
    except (OSError, ValueError, TypeError, AttributeError):  # none yet, or of something else
        return Kept({})


def _keep() -> None:
    """Keep what was read for processes to come, where Python may keep what it compiled."""
    kept = _kept()
    if kept.is_stored or sys.dont_write_bytecode:
        return
    kept.is_stored = True
    with suppress(OSError), replacing(_file_of_kept()) as temporary:  # it may not be writable
        temporary.write_text(json.dumps(kept.reads))


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All statements in a node, at any depth."""
    for field in ("body", "handlers", "orelse", "finalbody", "cases"):
        for statement in getattr(node, field, ()):
            yield statement
            yield from _statements(statement)


@cache
def _imports(module: str) -> frozenset[str]:
    """Hashed modules that a module imports, anywhere in its code, and its parents."""
    named, is_users = set(_read(module).names), _head(module) != PACKAGE
    parents = {parent for name in {module, *named} for parent in _parents(name)}
    return frozenset(
        name
        for name in named | parents
        if (is_users or _head(name) == PACKAGE)  # this package imports nothing of the user's
        and _is_tracked(name)
        and _source(name) is not None
    )


def _imported_names(node: ast.AST, module: str) -> Iterator[str]:
    """Dotted names that may be modules; `from a import b` gives `a` and `a.b`."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            package = module if _is_package(module) else module.rpartition(".")[0]
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*above, base] if base else above)
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)


def _strip_docstring(node: ast.AST) -> None:
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
        del node.body[0]


@cache
def _other_files(module: str) -> tuple[Path, ...]:
    """Files of a package that are no Python, such as templates; none for a plain module."""
    source = _source(module)
    if source is None or not _is_package(module) or is_own(module):
        return ()  # data may lie beside modules of the user's own
    return tuple(sorted(_files_below(source.parent)))


def _files_below(folder: Path) -> Iterator[Path]:
    """Files of a folder that are no Python, and of folders in it that are no packages."""
    for path in folder.iterdir():
        if path.name.startswith((".", "__pycache__")) or path.suffix in {".py", ".pyc"}:
            continue
        if path.is_file():
            yield path
        elif not (path / "__init__.py").exists():
            yield from _files_below(path)


@cache
def _source(module: str) -> Path | None:
    """File of a module of this package or of the user's own, else None."""
    head, *rest = module.split(".")
    folder = ROOT if head == PACKAGE else _own_folder(head)
    if folder is None:
        return None
    path = folder.joinpath(*rest)
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in candidates if file.is_file()), None)


@cache
def _own_folder(head: str) -> Path | None:
    """Folder of a package of the user's own (of a module the file, without its ending), or None."""
    try:
        spec = find_spec(head)  # of a name without dots: nothing is imported
    except ValueError:  # such as `__main__`
        return None
    places = [] if spec is None else [*(spec.submodule_search_locations or ()), spec.origin or ""]
    if not places or not Path(places[0]).is_absolute():  # not found, or built in
        return None
    folder = Path(places[0]).with_suffix("")
    is_library = STANDARD_LIBRARY in folder.parents or INSTALLED & set(folder.parts)
    return None if is_library else folder


def _is_package(module: str) -> bool:
    source = _source(module)
    return source is not None and source.name == "__init__.py"
