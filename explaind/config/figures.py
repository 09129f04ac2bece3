"""Config of the figures; the names are those of the pages and of the rules."""

from pydantic import Field

from explaind.config.base import Name, Section


class Figure(Section):
    """What every figure needs."""

    run: Name = Field("grokking", description="The run that is shown.")


class GrokkingFigure(Figure):
    """Options of results/figures/grokking.html."""

    smoothing: int = Field(25, ge=1, description="Steps of the moving average; 1 = none.")


class Figures(Section):
    """One entry per page."""

    grokking: GrokkingFigure = Field(GrokkingFigure(), description="Grokking, explained.")
    training: Figure = Field(Figure(), description="Loss, accuracy and norms over training.")
    epk_validation: Figure = Field(Figure(), description="How exact the path kernel is.")
