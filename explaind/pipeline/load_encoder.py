"""Trained encoders, and the path kernel of those that are recorded."""

from explaind.config.schema import Config
from explaind.config.stages import stage_config
from explaind.data.load import LoadedDataset, load_dataset
from explaind.device import resolve_device
from explaind.kernel.path_kernel import PathKernel
from explaind.models.encoders.network import EncoderNetwork
from explaind.models.encoders.registry import build_network
from explaind.paths import Paths
from explaind.pipeline.train_encoder import restored
from explaind.store import open_sealed
from explaind.training.encoder import replicate_seed, split_samples
from explaind.training.pretext import pretext_task


def load_encoder(
    config: Config, paths: Paths, name: str, replicate: int, data: LoadedDataset | None = None
) -> EncoderNetwork:
    """Load a trained network; what is explained is its `encoder`.

    A store that is missing, incomplete or of another configuration is refused (`StoreError`).

    Args:
        config: the whole configuration; the store must have been made with it.
        paths: where things lie.
        name: name of the encoder.
        replicate: number of the replicate, from 0.
        data: its dataset, if it is loaded already.

    Returns:
        The network in evaluation mode, on its device.
    """
    settings = config.encoders[name]
    data = data or load_dataset(config, paths, settings.dataset)
    expected = stage_config(config, "train_encoder", name)
    store = open_sealed(paths.encoder(name, replicate), expected, rule="train_encoder")
    network = build_network(settings, data.classes, data.input_shape, 0)
    restored(network, store)
    return network.to(resolve_device(settings.device)).eval()


def open_encoder_kernel(
    config: Config, paths: Paths, name: str, replicate: int, data: LoadedDataset | None = None
) -> PathKernel:
    """Open the recorded path of an encoder's training; the kernel is of the whole network.

    Its training samples are those that the encoder was trained on, in that order
    (`split_samples`). A path that is missing, incomplete or of another configuration is refused
    (`StoreError`).

    Args:
        config: the whole configuration; the path must have been made with it.
        paths: where things lie.
        name: name of the encoder; its section has `history`.
        replicate: number of the replicate, from 0.
        data: its dataset, if it is loaded already.

    Returns:
        The kernel.
    """
    settings = config.encoders[name]
    device, seed = resolve_device(settings.device), replicate_seed(settings, replicate)
    data = (data or load_dataset(config, paths, settings.dataset)).to(device)
    task = pretext_task(settings.pretext, seed)
    fitted, _ = split_samples(settings, data, task)
    return PathKernel(
        paths.encoder_path(name, replicate),
        build_network(settings, data.classes, data.input_shape, seed).train(),
        task.loss_fn,
        (fitted.x, fitted.y),
        augment=task.perturb,
        device=device,
        config=stage_config(config, "train_encoder", name),
    )
