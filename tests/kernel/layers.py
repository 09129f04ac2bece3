"""Small models, one for each way of using parameters that the routes read from the layers."""

import torch
from torch import nn
from torch.nn import functional

from explaind.history.layout import ParameterLayout
from explaind.kernel.functionals import ModelFunction
from explaind.kernel.gradients.fallback import BY_VMAP, Fallback
from explaind.kernel.gradients.per_sample import PerSampleGradients

CLASSES, BATCH = 3, 7
NOT_BATCHED = {"lstm", "gru", "rnn", "lstm_cell", "gru_cell"}
"""Models that `vmap` cannot take."""


class Scaled(nn.Module):
    """Parameters used element by element: scale, shift, positions, a class token."""

    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, 4))
        self.position = nn.Parameter(torch.randn(1, 6, 4))
        self.scale = nn.Parameter(torch.randn(4))
        self.shift = nn.Parameter(torch.randn(6, 1))
        self.gain = nn.Parameter(torch.randn(()))

    def forward(self, x):
        tokens = x.view(len(x), 5, 4)
        tokens = torch.cat([self.token.expand(len(x), -1, -1), tokens], 1) + self.position
        return torch.tanh(self.gain * tokens * self.scale - self.shift).sum(1)[:, :CLASSES]


class Products(nn.Module):
    """Plain matrix products with a parameter on the right."""

    def __init__(self):
        super().__init__()
        self.first = nn.Parameter(torch.randn(4, 7))
        self.second = nn.Parameter(torch.randn(7, CLASSES))

    def forward(self, x):
        tokens = torch.tanh(torch.matmul(x.view(len(x), 5, 4), self.first))
        return tokens.mean(1) @ self.second


class Tied(nn.Module):
    """One tensor as embedding and as decoder; another layer called twice."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(6, 5)
        self.mixer = nn.Linear(5, 5)

    def forward(self, x):
        tokens = torch.arange(20, device=x.device).expand(len(x), -1) % 6
        e = self.embedding(tokens) * x[:, :, None]
        hidden = torch.tanh(self.mixer(torch.tanh(self.mixer(e)))).sum(1)
        return functional.linear(hidden, self.embedding.weight)[:, :CLASSES]


class Shaped(nn.Module):
    """A body on inputs of another shape, and a head."""

    def __init__(self, shape, *body):
        super().__init__()
        self.shape = shape
        self.body = nn.Sequential(*body)

    def forward(self, x):
        return torch.tanh(self.body(x.view(-1, *self.shape))).flatten(1)[:, :CLASSES]


class Attention(nn.Module):
    """Multi-head attention of the tokens to others, with padding masked."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2)

    def forward(self, x):
        tokens = x.view(len(x), 5, 4).transpose(0, 1)
        others = 2 * tokens.flip(0)
        masked = (others[:, :, 0] > 0.5).T & (torch.arange(5, device=x.device) > 0)
        attended, _ = self.attention(tokens, others, others, key_padding_mask=masked)
        return torch.tanh(attended).transpose(0, 1).flatten(1)[:, :CLASSES]


class SelfAttention(nn.Module):
    """Self-attention, batch first."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x):
        tokens = x.view(len(x), 5, 4)
        return torch.tanh(self.attention(tokens, tokens, tokens)[0]).flatten(1)[:, :CLASSES]


class Recurrent(nn.Module):
    """Outputs of a recurrent layer at the first and the last token."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        tokens = x.view(len(x), 5, 4)
        if self.layer.batch_first:
            outputs = self.layer(tokens)[0]
        else:
            outputs = self.layer(tokens.transpose(0, 1))[0].transpose(0, 1)
        return (outputs[:, 0] + 2 * outputs[:, -1])[:, -CLASSES:]


class Cell(nn.Module):
    """A recurrent cell, called in a loop."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def forward(self, x):
        state = None
        for token in x.view(len(x), 5, 4).unbind(1):
            state = self.cell(token, state)
        return (state[0] if isinstance(state, tuple) else state)[:, :CLASSES]


class Folded(nn.Module):
    """Tokens folded into the batch; a bias added in a product, as GPT-2's `Conv1D` has it."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 6))
        self.bias = nn.Parameter(torch.randn(6))
        self.last = nn.Linear(6, 2)

    def forward(self, x):
        hidden = torch.tanh(torch.addmm(self.bias, x.view(-1, 4), self.weight))
        return self.last(hidden).view(len(x), -1)[:, :CLASSES]


class Padded(nn.Module):
    """An embedding with a row for padding."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(6, CLASSES, padding_idx=1)

    def forward(self, x):
        return torch.tanh(self.embedding((x > 0).long() + (x > 1).long())).sum(1)


def norm_with_values(layer):
    """A normalisation whose scale and shift are not one and zero."""
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    for name, buffer in layer.named_buffers():
        if name.startswith("running"):
            buffer.uniform_(0.5, 2.0)
    return layer.eval()


def layer_models():
    """Models by name."""
    image, line = (4, 5), (4, 5)
    return {
        "linear": nn.Sequential(nn.Linear(20, 6), nn.Tanh(), nn.Linear(6, CLASSES)),
        "tokens": Shaped((5, 4), nn.Linear(4, 9), nn.Tanh(), nn.Linear(9, 2, bias=False)),
        "convolution": Shaped((1, *image), nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 2, 2)),
        "strided": Shaped((1, *image), nn.Conv2d(1, 3, (2, 3), stride=(1, 2), dilation=(2, 1))),
        "grouped": Shaped((4, 5, 1), nn.Conv2d(4, 6, (3, 1), groups=2, bias=False)),
        "depthwise": Shaped((4, 5, 1), nn.Conv2d(4, 4, (2, 1), groups=4)),
        "line": Shaped(line, nn.Conv1d(4, 3, 2, stride=2, padding=1), nn.Conv1d(3, 2, 2)),
        "layer_norm": Shaped((5, 4), norm_with_values(nn.LayerNorm(4)), nn.Linear(4, 2)),
        "layer_norm_2d": Shaped((5, 4), norm_with_values(nn.LayerNorm((5, 4)))),
        "rms_norm": Shaped((5, 4), norm_with_values(nn.RMSNorm(4))),
        "group_norm": Shaped((4, 5), norm_with_values(nn.GroupNorm(2, 4))),
        "batch_norm": Shaped((4, 5, 1), norm_with_values(nn.BatchNorm2d(4)), nn.Conv2d(4, 3, 1)),
        "instance_norm": Shaped((4, 5), norm_with_values(nn.InstanceNorm1d(4, affine=True))),
        "scaled": Scaled(),
        "products": Products(),
        "tied": Tied(),
        "attention": Attention(),
        "self_attention": SelfAttention(),
        "lstm": Recurrent(nn.LSTM(4, 3, 2, batch_first=True, bidirectional=True)),
        "gru": Recurrent(nn.GRU(4, 3)),
        "rnn": Recurrent(nn.RNN(4, 3, bias=False)),
        "lstm_cell": Cell(nn.LSTMCell(4, 3)),
        "gru_cell": Cell(nn.GRUCell(4, 3)),
        "folded": Folded(),
        "padded": Padded(),
        "transposed": Shaped(
            (4, 5, 1),
            nn.ConvTranspose2d(4, 3, (3, 2), stride=(2, 1), padding=(1, 0), output_padding=(1, 0)),
            nn.Conv2d(3, 2, 2),
        ),
        "transposed_line": Shaped((4, 5), nn.ConvTranspose1d(4, 3, 3, stride=2, dilation=2)),
    }


def layer_problem(name):
    """A model, its layout and parameters, and a batch."""
    torch.manual_seed(1)
    model = layer_models()[name].double()
    x, y = torch.randn(BATCH, 20, dtype=torch.float64), torch.arange(BATCH) % CLASSES
    return model, *layout_of(model), x, y


def layout_of(model):
    """How the parameters of a model lie in a vector, and that vector."""
    layout = ParameterLayout.of(model, torch.optim.SGD(model.parameters(), lr=0.1))
    return layout, layout.flatten(dict(model.named_parameters()))


def everything_by_fallback(name, layout):
    """All tensors of a model sent through the fallback."""
    everything = frozenset(slot.name for slot in layout.slots)
    return Fallback(everything, batched=name not in NOT_BATCHED)


def gradients_of(model, layout, function, fallback=BY_VMAP):
    function = ModelFunction(model, dict(model.named_buffers()), function)
    return PerSampleGradients(function, layout, fallback)


def cross_entropy(output, target):
    return functional.cross_entropy(output, target, reduction="none")


def one_by_one(gradients, theta, x, y):
    """Gradients `[batch, output, param]` by plain autograd."""
    rows = []
    for i in range(len(y)):
        leaf = theta.clone().requires_grad_(True)
        h = gradients.function(gradients.layout.unflatten(leaf), x[i : i + 1], y[i : i + 1])
        outputs = h.reshape(-1)
        rows.append(
            torch.stack([torch.autograd.grad(o, leaf, retain_graph=True)[0] for o in outputs])
        )
    return torch.stack(rows)
