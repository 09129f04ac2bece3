"""Samples as points in three dimensions, from their inner products alone."""

import warnings

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.sparse import csr_matrix

from explaind.errors import UnsupportedError
from explaind.experiments.job import Job
from explaind.experiments.maps.settings import MapsSettings
from explaind.experiments.similarity.cosines import component_grams, cosines

DIMENSIONS = 3
UMAP, PCA = "UMAP", "PCA"


def compute(job: Job[MapsSettings]) -> pd.DataFrame:
    """Place the samples by their influence over the whole run, for every component.

    Args:
        job: the experiment.

    Returns:
        One row per functional, component, `method` and `sample` (its place in the similarity
        store): the coordinates `x`, `y`, `z`, and for PCA the `share` of the variance that all
        three have together.
    """
    grams = component_grams(job.result("similarity")).isel(interval=0)
    maps, tables = cosines(grams), []
    for functional in map(str, grams["functional"].to_numpy()):
        for component in map(str, grams["component"].to_numpy()):
            case = {"functional": functional, "component": component}
            components, share = principal_components(grams.sel(case).to_numpy())
            placed = umap_points(
                maps.sel(case).to_numpy(), components, job.settings, f"{functional}, {component}"
            )
            tables += [
                _points(placed, **case, method=UMAP, share=np.nan),
                _points(components, **case, method=PCA, share=share),
            ]
    return pd.concat(tables, ignore_index=True)


def principal_components(
    gram: Float[np.ndarray, "sample sample"],
) -> tuple[Float[np.ndarray, "sample 3"], float]:
    """Return the first principal components of vectors, given their inner products.

    The centred Gram matrix has the same components as the covariance of the vectors (classical
    scaling; Torgerson, 1952).

    Args:
        gram: inner products, of at least as many samples as there are dimensions.

    Returns:
        The coordinates, each with its largest absolute value positive, and their share of the
        variance.
    """
    centred = gram - gram.mean(0) - gram.mean(1)[:, np.newaxis] + gram.mean()
    variances, axes = np.linalg.eigh(centred)
    largest = np.argsort(variances)[::-1][:DIMENSIONS]
    points = axes[:, largest] * np.sqrt(np.maximum(variances[largest], 0))
    strongest = points[np.abs(points).argmax(0), range(DIMENSIONS)]
    share = float(variances[largest].sum() / np.trace(centred))
    return points * np.where(strongest < 0, -1.0, 1.0), share


def umap_points(
    cosine: Float[np.ndarray, "sample sample"],
    start: Float[np.ndarray, "sample 3"],
    settings: MapsSettings,
    case: str,
) -> Float[np.ndarray, "sample 3"]:
    """Place samples by UMAP (McInnes et al., 2018) at the cosine distance.

    It starts from the principal components, so that the map keeps the large distances
    (Kobak and Linderman, 2021).

    Args:
        cosine: cosines between the samples.
        start: the principal components.
        settings: number of neighbours and seed.
        case: what is placed, for the message.

    Returns:
        The coordinates.

    Raises:
        UnsupportedError: if the vector of a sample is 0 and has no direction.
    """
    if not np.isfinite(cosine).all():
        raise UnsupportedError(
            f"{case}: expected every sample to be influenced, got samples whose influence is 0"
            " everywhere; explain more steps or other samples"
        )
    with warnings.catch_warnings():
        # of what is not used: networks, and going back from points to samples
        warnings.filterwarnings("ignore", "Tensorflow not installed", ImportWarning)
        warnings.filterwarnings("ignore", "using precomputed metric", UserWarning)
        from umap import UMAP as Umap  # noqa: N811, PLC0415 (takes seconds)

        points: np.ndarray = Umap(
            n_components=DIMENSIONS,
            n_neighbors=min(settings.neighbours, len(cosine) - 1),
            metric="precomputed",
            init=start,
            random_state=settings.seed,
            n_jobs=1,  # a seed allows no more
        ).fit_transform(_distances(cosine))
    return points


def _distances(cosine: Float[np.ndarray, "sample sample"]) -> csr_matrix:
    """All cosine distances as a sparse matrix, which spares compiling a search: ten seconds."""
    samples = len(cosine)
    distances = np.maximum(1 - cosine, 0)
    np.fill_diagonal(distances, 0)
    columns = np.tile(np.arange(samples), samples)
    starts = samples * np.arange(samples + 1)
    return csr_matrix((distances.ravel(), columns, starts), shape=cosine.shape)


def _points(points: np.ndarray, **case: object) -> pd.DataFrame:
    coordinates = dict(zip("xyz", points.T.astype(np.float64), strict=True))
    return pd.DataFrame({**case, "sample": np.arange(len(points)), **coordinates})
