"""What the phases of a training leave in a figure."""


def bands(figure):
    """First and last step of every band, in the order that they were laid."""
    return [(shape.x0, shape.x1) for shape in figure.layout.shapes if shape.type == "rect"]
