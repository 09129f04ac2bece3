"""The site of the docs: built strictly, so that no link is broken, and from this machine alone."""

import re
import subprocess
import sys

import pytest

from tests.workflow.project import REPOSITORY


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_document_is_a_page(site):
    documents = {file.stem for file in (REPOSITORY / "docs").glob("*.md")}
    assert documents <= {file.stem for file in site.glob("*.html")}


def test_the_reference_has_the_arguments(site):
    page = (site / "api.html").read_text()
    assert "explaind.kernel.path_kernel.PathKernel.explain" in page
    assert "overwrite" in page


def test_nothing_comes_from_elsewhere(site):
    loads = re.compile(r"<(?:script|img|iframe)[^>]+src=\"?(https?:[^\"\s>]+)")
    styles = re.compile(
        r"<link[^>]+rel=\"?(?:stylesheet|preconnect)[^>]+href=\"?(https?:[^\"\s>]+)"
    )
    pages = [file.read_text() for file in site.glob("*.html")]
    assert len(pages) > 10
    assert [url for page in pages for url in (*loads.findall(page), *styles.findall(page))] == []
