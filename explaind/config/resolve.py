"""Write the complete config beside the results."""

from explaind.config.schema import Config
from explaind.files import write_json
from explaind.paths import Paths


def resolve_config(config: Config, paths: Paths) -> None:
    """Write every key with its value, defaults filled in, to ``results/config.json``.

    Args:
        config: the config.
        paths: where to write.
    """
    write_json(paths.config(), config.model_dump(mode="json"))
