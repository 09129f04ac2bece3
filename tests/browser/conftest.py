"""A headless Chromium that opens pages from files."""

import shutil

import pytest
from selenium import webdriver

from explaind.paths import Paths
from tests.report.synthetic import write_pages
from tests.requirements import need

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """Paths of a project with all pages of a synthetic run."""
    paths = Paths(tmp_path_factory.mktemp("pages"))
    write_pages(paths)
    return paths


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A browser with a fresh profile."""
    binary = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    need(bool(binary and driver), "Chromium: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield chrome
    chrome.quit()
