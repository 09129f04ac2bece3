"""A recorded training loop that a test can meddle with."""

import torch

import explaind
from tests.kernel.engine import explain, loader
from tests.oracles.problems import Problem, cross_entropy

SGD = Problem("sgd", lambda model: torch.optim.SGD(model.parameters(), lr=0.1), steps=3)


class Training:
    """A recorded training loop in which a test can meddle by overriding one of its moments."""

    reduction = "mean"
    every = 1
    overwrite = False

    def __init__(self, store):
        self.store = store
        self.model = SGD.model()
        self.optimizer = SGD.optimizer(self.model)
        self.loader = loader(SGD.train_data(), SGD.batches())

    def before_training(self): ...

    def before_step(self, recorder): ...

    def step(self):
        self.optimizer.step()
        self.optimizer.zero_grad()

    def after_step(self): ...

    def run(self):
        options = {
            "reduction": self.reduction,
            "every": self.every,
            "overwrite": self.overwrite,
        }
        with explaind.record(
            self.model, self.optimizer, cross_entropy, self.store, **options
        ) as recorder:
            self.before_training()
            for batch in recorder.batches(self.loader):
                self.see(batch)
                cross_entropy(self.model(batch.x), batch.y).mean().backward()
                self.before_step(recorder)
                self.step()
                self.after_step()

    def see(self, batch): ...

    def run_and_explain(self, outputs="all"):
        self.run()
        return explain(SGD, self.store, self.model, outputs=outputs)
