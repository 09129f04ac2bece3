"""The components that are swapped as the config comes."""

from explaind.config.load import load_config
from tests.config.sections import DEFAULT

PUBLISHED = {
    "Emb.+Lin2+Dec.": {"embedding", "linear2", "decoder"},
    "Decoder": {"linear2", "decoder"},
    "All but att.": {"embedding", "linear1", "linear2"},
    "Emb.": {"embedding", "linear2"},
    "Emb.+Dec.": {"embedding", "decoder"},
}
"""What the paper calls each set, and what it takes in fact (E27)."""


def test_the_sets_of_the_paper_are_swapped():
    sets = load_config(DEFAULT).experiments["swap"].sets
    assert [name for name, chosen in PUBLISHED.items() if chosen not in map(set, sets)] == []
