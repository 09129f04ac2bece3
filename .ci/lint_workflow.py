"""`snakemake --lint`, less one rule.

Snakemake wants a conda environment or container for each rule. All rules of this workflow run in
the environment that Snakemake itself runs in, pinned by constraints.txt.
"""

from snakemake.cli import main
from snakemake.linting.rules import RuleLinter

if __name__ == "__main__":
    del RuleLinter.lint_missing_software_definition
    main(["--lint"])
