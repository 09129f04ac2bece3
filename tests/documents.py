"""The README and the docs as tests read them: blocks of code, commands, links, headings."""

import re
from dataclasses import dataclass, field
from itertools import groupby

from tests.workflow.project import REPOSITORY

PROGRAMS = ("explaind", "snakemake", "make", "pip", "python", "apt-get", ".ci/run")
PROMPT = "$ "
FENCE = "```"
INDENT = "    "


def documents() -> list[str]:
    """Paths below the repository of all that a user reads."""
    files = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")]
    return [*sorted(str(file.relative_to(REPOSITORY)) for file in files), "config/README.md"]


def read(document: str) -> str:
    """Text of a document."""
    return (REPOSITORY / document).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Block:
    """A block of code: the language of a fenced one, and its lines without fence or indent."""

    language: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The block as it is."""
        return "\n".join(self.lines) + "\n"


@dataclass(frozen=True)
class Command:
    """A command on one line, without its comment, and what a document says that it writes."""

    line: str
    output: str = ""


def blocks(document: str) -> list[Block]:
    """Fenced and indented blocks of a document, in order."""
    found, inside, before = [], None, ""
    for line in read(document).splitlines():
        if inside and inside.language != INDENT:
            if line == FENCE:
                inside = None
            else:
                inside.lines.append(line)
        elif line.startswith(FENCE):
            inside = Block(line.removeprefix(FENCE))
            found.append(inside)
        elif line.startswith(INDENT) and (inside or not before):
            if inside is None:
                inside = Block(INDENT)
                found.append(inside)
            inside.lines.append(line.removeprefix(INDENT))
        elif not line and inside:
            inside.lines.append("")
        else:
            inside = None
        before = line
    return found


def prose(document: str) -> str:
    """Text of a document without its blocks."""
    text = re.sub(r"^```.*?^```$", "", read(document), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(?<=\n\n)(?: {4}.*\n|\n(?= {4}))+", "", text)


def commands(document: str) -> list[Command]:
    """Commands in the blocks of a document, and those in its sentences."""
    found = [command for block in blocks(document) for command in _in_block(block)]
    spans = re.findall(r"(?<!`)`([^`]+)`(?!`)", prose(document))
    return [*found, *(Command(" ".join(span.split())) for span in spans if _is_command(span))]


def _in_block(block: Block) -> list[Command]:
    text = block.text.replace("\\\n", " ")
    if text.startswith(PROMPT):
        parts = (part.split("\n", 1) for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:])
        return [Command(_bare(line), output) for line, output in parts]
    if block.language not in ("", INDENT):
        return []
    return [Command(_bare(line)) for line in text.splitlines() if _is_command(line)]


def _is_command(line: str) -> bool:
    return " " in line.strip() and line.split(maxsplit=1)[0] in PROGRAMS


def _bare(line: str) -> str:
    return " ".join(re.sub(r"\s+#\s.*$", "", line).split())


def headings(document: str) -> list[str]:
    """Headings of a document, in order, without their marks."""
    text = re.sub(r"^```.*?^```$", "", read(document), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)


def anchor(heading: str) -> str:
    """The fragment of a link to a heading, as hosting sites make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def links(document: str) -> list[str]:
    """Targets of the links of a document."""
    inline = re.findall(r"\]\(([^)\s]+)\)", prose(document))
    return inline + re.findall(r"^\[[^\]]+\]: (\S+)$", prose(document), flags=re.MULTILINE)


def files_shown(document: str) -> dict[str, str]:
    """Files that a block of Python shows, each below a comment with its path, by this path."""
    lines = [line for b in blocks(document) if b.language == "python" for line in b.lines]
    starts = [re.fullmatch(r"# (\S+/\S+\.py)", line) for line in lines]
    file, owners = "", []
    for start in starts:
        file = start[1] if start else file
        owners.append("" if start else file)
    pairs = [(owner, line) for owner, line in zip(owners, lines, strict=True) if owner]
    grouped = groupby(pairs, key=lambda pair: pair[0])
    return {path: "".join(f"{line}\n" for _, line in part) for path, part in grouped}
