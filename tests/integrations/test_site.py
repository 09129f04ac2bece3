"""The site of the docs: built strictly, so that no link is broken, and from this machine alone."""

import re

import pytest

import explaind
from explaind import compat, errors
from explaind.doctor.diagnosis import Diagnosis, Finding
from explaind.doctor.examine import Training, examine
from explaind.history.checkpoint_interval import balanced_interval
from explaind.history.recording.recorder import Recorder
from explaind.kernel.explanation import Explanation
from explaind.kernel.query.quadrature import Quadrature
from tests.site import build_site
from tests.workflow.project import REPOSITORY


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return build_site(tmp_path_factory.mktemp("site"))


def test_every_document_is_a_page(site):
    documents = {file.stem for file in (REPOSITORY / "docs").glob("*.md")}
    assert documents <= {file.stem for file in site.glob("*.html")}


PUBLIC = [
    *(getattr(explaind, name) for name in explaind.__all__ if name != "__version__"),
    *(getattr(compat, name) for name in compat.__all__),
    *(each for each in vars(errors).values() if getattr(each, "__module__", "") == errors.__name__),
    *(Recorder, Explanation, Quadrature, balanced_interval),
    *(Training, Diagnosis, Finding, examine),
]
MEMBERS = ("PathKernel.explain", "Explanation.top", "Recorder.batches")


def test_the_reference_has_all_names(site):
    page = (site / "api.html").read_text()
    known = set(re.findall(r'<h\d id="([\w.]+)"', page))
    wanted = {f"{each.__module__}.{each.__qualname__}" for each in PUBLIC}
    integrations = [
        f"explaind.integrations.{name}"
        for name in (
            "huggingface.RecordHistory",
            "huggingface.call_by_name",
            "huggingface.causal_lm_loss",
            "lightning.RecordHistory",
        )
    ]
    assert {*wanted, *integrations} - known == set()
    for member in MEMBERS:
        assert [name for name in known if name.endswith(member)]
    assert "overwrite" in page


def test_nothing_comes_from_elsewhere(site):
    loads = re.compile(r"<(?:script|img|iframe)[^>]+src=\"?(https?:[^\"\s>]+)")
    styles = re.compile(
        r"<link[^>]+rel=\"?(?:stylesheet|preconnect)[^>]+href=\"?(https?:[^\"\s>]+)"
    )
    pages = [file.read_text() for file in site.glob("*.html")]
    assert len(pages) > 10
    assert [url for page in pages for url in (*loads.findall(page), *styles.findall(page))] == []
