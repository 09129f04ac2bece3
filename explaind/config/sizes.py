"""What a run asks for against the number of samples there are."""

from explaind.config.run import Run
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
    explained = epk.samples or validation
    shards = None if epk.shards == "auto" else epk.shards
    last = None if epk.train_samples is None else epk.train_samples[-1] + 1
    limits = [
        ("training.batch_size", training.batch_size, train),
        ("epk.samples", epk.samples, validation),
        ("epk.shards", shards, explained),
        ("epk.train_samples", last, train),
        ("epk.segments", epk.segments, training.max_steps),
    ]
    return [
        f"runs.{name}.{key}: expected at most {limit}, the number of samples there are, got"
        f" {value}; lower it"
        for key, value, limit in limits
        if value is not None and limit is not None and value > limit
    ]


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
