"""Config of a run."""

from pydantic import Field

from explaind.config.base import Name, Section
from explaind.config.epk import Epk
from explaind.config.model import Model, TransformerModel
from explaind.config.training import Training


class Run(Section):
    """One training run and what is computed from it."""

    dataset: Name = Field("modulo", description="Name of the dataset trained on.")
    model: Model = Field(TransformerModel(), description="The network.")
    training: Training = Field(Training(), description="How it is trained.")
    epk: Epk = Field(Epk(), description="What the exact path kernel explains.")
