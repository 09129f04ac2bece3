"""The site of the docs on a phone and on a screen: nothing is cut off, and no script fails."""

import pytest

from tests.requirements import library
from tests.site import build_site
from tests.workflow.project import REPOSITORY

DOCUMENTS = sorted(file.stem for file in (REPOSITORY / "docs").glob("*.md"))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    library("mkdocs")
    return build_site(tmp_path_factory.mktemp("site"))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_page_fits_and_runs(site, browser, name):
    for width in (400, 1280):
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get((site / f"{name}.html").as_uri())
        right = browser.execute_script("return document.documentElement.scrollWidth")
        assert right <= width
        log = browser.get_log("browser")
        assert [entry["message"] for entry in log if entry["level"] == "SEVERE"] == []
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
