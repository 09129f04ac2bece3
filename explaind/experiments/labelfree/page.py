"""Pages of kind `labelfree`: the claims about explanations without labels."""

from markupsafe import Markup

from explaind.experiments.labelfree.tables import LabelfreeTables
from explaind.report.claims import claims_fact, claims_panel
from explaind.report.page import About, Page

STUDY = Markup(
    '<a href="https://arxiv.org/abs/2203.01928" title="Label-Free Explainability for Unsupervised'
    ' Models">Crabbé and van der Schaar (2022)</a>'
)
REPRODUCTION = Markup(
    '<a href="https://openreview.net/forum?id=n2qXFXiMsAM" title="Reproducibility Study of'
    ' Label-Free Explainability for Unsupervised Models">Papp et al. (2023)</a>'
)


def draw(tables: LabelfreeTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: all numbers.
        about: what the page is about.

    Returns:
        The page.
    """
    caption = Markup(
        "Claims of {} and of the reproduction study of {}, whose numbers are those of its files, "
        "or measured again from the models that it ships. Networks here are of other sizes, on the "
        "data of this configuration, so numbers compare in their order, not in their size. <em>As "
        "published</em>: worked out as the scripts of the study do; <em>corrected</em>: without "
        "their defects, as each cell says. Where there are both, a claim is reproduced if both "
        "fulfil the rule, and partly if one does."
    ).format(STUDY, REPRODUCTION)
    return Page(
        about,
        lead=(
            "An encoder turns an input into a few numbers and has no labels. Label-free methods "
            "say which parts of the input, and which training samples, made them. This page sets "
            "what was claimed of such explanations beside what is found here."
        ),
        facts=[claims_fact(tables.verdicts)],
        panels=[
            claims_panel(
                tables.verdicts,
                tables.pages,
                about.files["verdicts"],
                "What is claimed, and what is found here",
                caption,
                paper="Published or measured again",
            )
        ],
    )
