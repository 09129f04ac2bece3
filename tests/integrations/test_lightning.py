"""Trainings by Lightning, recorded by the callback."""

import pytest
import torch
from torch import nn

import explaind
from explaind.errors import RecordingError, StoreError, UnsupportedError
from tests.requirements import library

pl = library("lightning.pytorch")
from explaind.integrations.lightning import RecordHistory  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # of the library, about itself

SAMPLES, BATCH, EPOCHS = 14, 4, 3


def loss_fn(output, target):
    return nn.functional.cross_entropy(output, target, reduction="none")


class Module(pl.LightningModule):
    def __init__(self, *, own_forward=True):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))
        self.own_forward = own_forward
        self.double()

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, _):
        x, y = batch
        return loss_fn(self(x) if self.own_forward else self.net(x), y).mean()

    def validation_step(self, batch, _):
        self.log("val", loss_fn(self(batch[0]), batch[1]).mean())

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=0.05)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)]


class Manual(Module):
    def __init__(self):
        super().__init__()
        self.automatic_optimization = False


@pytest.fixture
def data():
    return torch.utils.data.TensorDataset(
        torch.randn(SAMPLES, 4).double(), torch.arange(SAMPLES) % 3
    )


def loader(data):
    return torch.utils.data.DataLoader(data, batch_size=BATCH, shuffle=True)


def fit(module, callback, train, datamodule=None, **options):
    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar"), False)
    trainer = pl.Trainer(
        max_epochs=EPOCHS,
        accelerator="cpu",
        callbacks=[callback],
        enable_model_summary=False,
        **quiet,
        **options,
    )
    if datamodule is None:
        trainer.fit(module, train, loader(train.dataset))
    else:
        trainer.fit(module, datamodule=datamodule)


LOOPS = {
    "plain": ({}, 12),
    "accumulated": ({"accumulate_grad_batches": 2}, 6),
    "clipped": ({"gradient_clip_val": 0.5}, 12),
    "both, left early": (
        {"accumulate_grad_batches": 2, "gradient_clip_val": 0.5, "limit_train_batches": 3},
        6,
    ),
}


@pytest.mark.parametrize("own_forward", [True, False])
@pytest.mark.parametrize("case", LOOPS)
def test_a_training_is_explained_to_rounding(tmp_path, data, case, own_forward):
    options, steps = LOOPS[case]
    module, train = Module(own_forward=own_forward), loader(data)
    inner = None if own_forward else module.net
    callback = RecordHistory(tmp_path / "run.zarr", loss_fn, train, inner)
    sampler = train.batch_sampler
    fit(module, callback, train, **options)
    assert train.batch_sampler is sampler
    kernel = explaind.PathKernel(tmp_path / "run.zarr", inner or module, loss_fn, train)
    assert kernel.history.steps == steps
    explained = kernel.explain(*data[:3])
    assert explained.attrs["completeness_error"] < 1e-9
    assert float(abs(explained.final_output - explained.initial_output).max()) > 0.05


def test_what_is_not_recorded_is_refused(tmp_path, data):
    train = loader(data)
    with pytest.raises(UnsupportedError, match="automatic_optimization=False"):
        fit(Manual(), RecordHistory(tmp_path / "a.zarr", loss_fn, train), train)
    with pytest.raises(UnsupportedError, match="the same object"):
        fit(Module(), RecordHistory(tmp_path / "b.zarr", loss_fn, train), loader(data))
    assert not list(tmp_path.iterdir())


class Stopped(Module):
    def training_step(self, batch, number):
        if self.global_step == 5:
            raise KeyError("a label")
        return super().training_step(batch, number)


def test_a_training_that_fails_is_not_sealed(tmp_path, data):
    train, store = loader(data), tmp_path / "run.zarr"
    sampler = train.batch_sampler
    with pytest.raises(KeyError, match="a label"):
        fit(Stopped(), RecordHistory(store, loss_fn, train), train)
    assert train.batch_sampler is sampler
    module = Module()
    with pytest.raises(StoreError, match="is not sealed"):
        explaind.PathKernel(store, module, loss_fn, train)
    fit(module, RecordHistory(store, loss_fn, train, overwrite=True), train)
    assert explaind.PathKernel(store, module, loss_fn, train).history.steps == 12


def test_gradients_clipped_by_value_are_refused(tmp_path, data):
    train = loader(data)
    callback = RecordHistory(tmp_path / "run.zarr", loss_fn, train)
    clipped = {"gradient_clip_val": 0.01, "gradient_clip_algorithm": "value"}
    with pytest.raises(RecordingError, match="not value by value"):
        fit(Module(), callback, train, **clipped)


class Data(pl.LightningDataModule):
    def __init__(self, train):
        super().__init__()
        self.train = train

    def train_dataloader(self):
        return self.train


def test_a_data_module_that_returns_the_same_loader(tmp_path, data):
    module, train = Module(), loader(data)
    fit(module, RecordHistory(tmp_path / "run.zarr", loss_fn, train), train, Data(train))
    kernel = explaind.PathKernel(tmp_path / "run.zarr", module, loss_fn, train)
    assert kernel.history.steps == 12
    assert kernel.explain(*data[:3]).attrs["completeness_error"] < 1e-9
