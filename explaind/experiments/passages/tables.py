"""The training passages that made held-out passages more and less likely, token by token."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float, Int

from explaind.choices import IGNORED
from explaind.experiments.passages.characters import Piece, pieces_of
from explaind.experiments.passages.settings import PassagesSettings
from explaind.report.sources import Sources

SIDES = {"helpful": 1, "harmful": -1}
"""The ends of a ranking, and the sign of the influences at each."""


@dataclass(frozen=True)
class PassageTables:
    """What the page shows.

    Attributes:
        explained: one row per held-out passage: `language`, `part`, and its text `before`, `inside`
            and `after` the explained span, all of it `before` if there is none; `own_share`, the
            part of what made it more likely that passages of its own language did; `half`, how many
            training passages did half of that; `trained`, how many there are.
        strongest: one row per held-out passage (`explained`, its language), `side` and `rank` from
            1: `train` (row of the training split), `language`, `part`, `influence`, and `text`.
        tokens: one row per piece of text of these: `explained`, `train`, `place` from 0, `text`,
            `influence`.
        unit: unit of the influence, per token of the held-out passage.
    """

    explained: pd.DataFrame
    strongest: pd.DataFrame
    tokens: pd.DataFrame
    unit: str

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {"strongest": self.strongest, "tokens": self.tokens}


def read(sources: Sources, settings: PassagesSettings) -> PassageTables:
    """Read what the page shows.

    Args:
        sources: what the run left on disk.
        settings: the section of the config.

    Returns:
        The numbers and texts.
    """
    store, data = sources.store("passages").load(), sources.data
    names = np.array(data.attrs["groups"])
    group, part = (data[f"{name}_train"].to_numpy() for name in ("group", "part"))
    parts = data.attrs["held_out_parts"]
    held_out = parts[settings.passage % len(parts)]  # their beginnings first, then what follows
    explained, strongest, tokens = [], [], []
    for of_passage in (store.isel(passage=row) for row in range(store.sizes["passage"])):
        row = int(of_passage["language"])
        influence, language = of_passage["influence"].to_numpy(), str(names[row])
        texts = _around(_tokens(data, "validation", row, settings.passage), settings.span)
        origin = {"language": language, "part": held_out, **texts}
        explained.append(origin | _shares(influence, group == row))
        for side, sign in SIDES.items():
            of_side = of_passage.sel(side=side)
            for rank, train in enumerate(of_side["train_index"].to_numpy().tolist()):
                if sign * influence[train] <= 0:
                    continue  # fewer than asked for pushed that way
                pieces = _pieces(data, train, of_side["by_token"][rank].to_numpy())
                trained = {"train": train, "language": names[group[train]], "part": part[train]}
                strongest.append(
                    {"explained": language, "side": side, "rank": rank + 1, **trained}
                    | {"influence": influence[train], "text": "".join(p.text for p in pieces)}
                )
                tokens += [(language, train, place, *piece) for place, piece in enumerate(pieces)]
    return PassageTables(
        explained=pd.DataFrame(explained),
        strongest=pd.DataFrame(strongest),
        tokens=pd.DataFrame(
            tokens, columns=["explained", "train", "place", "text", "influence"]
        ).drop_duplicates(["explained", "train", "place"]),
        unit=store["influence"].attrs["units"],
    )


def _shares(influence: Float[np.ndarray, " train"], own: np.ndarray) -> dict[str, float]:
    """How much of what made a passage more likely is of its own language, and of how few."""
    raised = np.maximum(influence, 0)
    summed = np.cumsum(np.sort(raised)[::-1])
    return {
        "own_share": float(raised[own].sum() / summed[-1]) if summed[-1] else np.nan,
        "half": int(np.searchsorted(summed, summed[-1] / 2)) + 1,
        "trained": len(influence),
    }


def _around(tokens: list[bytes], span: tuple[int, int] | None) -> dict[str, str]:
    """The text before a span, inside and after it; what is partly inside counts as inside."""
    first, behind = span or (len(tokens), len(tokens))
    inside = [float(first <= place < behind) for place in range(len(tokens))]
    texts = dict.fromkeys(("before", "inside", "after"), "")
    for piece in pieces_of(tokens, inside):
        where = "inside" if piece.value else "after" if texts["inside"] else "before"
        texts[where] += piece.text
    return texts


def _pieces(data: xr.Dataset, row: int, by_token: Float[np.ndarray, " position"]) -> list[Piece]:
    """The text of a training passage; its first token, which nothing predicts, has 0."""
    known = data["y_train"][row, 0].to_numpy() != IGNORED
    return pieces_of(_tokens(data, "train", row, 0), [0.0, *by_token[known].tolist()])


def _tokens(data: xr.Dataset, split: str, row: int, passage: int) -> list[bytes]:
    """The tokens of a passage of a sample."""
    x, y = (data[f"{name}_{split}"][row, passage].to_numpy() for name in ("x", "y"))
    tokens: Int[np.ndarray, " token"] = np.concatenate([x[:1], y[y != IGNORED]])
    vocabulary = data.attrs["vocabulary"]
    return [vocabulary[token].encode("latin-1") for token in tokens.tolist()]
