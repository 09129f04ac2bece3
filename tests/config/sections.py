"""Parts of configs, and the config files."""

from tests.workflow.project import REPOSITORY

FILES = REPOSITORY / "config"
DEFAULT = FILES / "config.yaml"
ALONE = {"defaults": False}


def optimizer(**keys):
    return {"runs": {"grokking": {"training": {"optimizer": keys}}}}


def epk(**keys):
    return {"runs": {"grokking": {"epk": keys}}}


def training(**keys):
    return {"runs": {"grokking": {"training": keys}}}


def modulo(**keys):
    return {"datasets": {"modulo": keys}}
