"""What a run asks for against the samples and steps there are."""

from explaind.config.run import Run
from explaind.config.training import Training, TriangularSchedule
from explaind.errors import ConfigError


def size_problems(name: str, run: Run, train: int | None, validation: int | None) -> list[str]:
    """What a run asks for and its dataset does not have.

    Args:
        name: name of the run.
        run: the run.
        train: number of training samples; None = not known before the dataset is prepared.
        validation: number of validation samples, likewise.

    Returns:
        One text per problem.
    """
    training, epk = run.training, run.epk
    shards = None if epk.shards == "auto" else epk.shards
    last = None if epk.train_samples is None else epk.train_samples[-1] + 1
    steps = training.max_steps if train is None else training.steps(train)
    limits = [
        ("training.batch_size", training.batch_size, train, "training samples"),
        ("epk.samples", epk.samples, validation, "validation samples"),
        ("epk.shards", shards, epk.samples or validation, "explained samples"),
        ("epk.train_samples", last, train, "training samples"),
        ("epk.segments", epk.segments, steps, "training steps"),
    ]
    problems = [
        f"runs.{name}.{key}: expected at most {limit}, the number of {what}, got {value}; lower it"
        for key, value, limit, what in limits
        if value is not None and limit is not None and value > limit
    ]
    return problems if train is None else [*problems, *_schedule_problems(name, training, train)]


def _schedule_problems(name: str, training: Training, samples: int) -> list[str]:
    schedule = training.schedule
    epochs = training.steps(samples) / training.batches_per_epoch(samples)
    if not isinstance(schedule, TriangularSchedule) or schedule.peak_epoch < epochs:
        return []
    problem = f"expected less than {epochs:g}, the number of epochs, got {schedule.peak_epoch:g}"
    return [f"runs.{name}.training.schedule.peak_epoch: {problem}; lower it"]


def check_sizes(name: str, run: Run, train: int, validation: int) -> None:
    """Refuse a run that asks for more samples than its prepared dataset has.

    Args:
        name: name of the run.
        run: the run.
        train: number of training samples.
        validation: number of validation samples.

    Raises:
        ConfigError: listing what is too large.
    """
    problems = size_problems(name, run, train, validation)
    if problems:
        raise ConfigError("\n".join(problems))
