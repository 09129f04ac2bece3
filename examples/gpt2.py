"""A small GPT-2 of Hugging Face: batches by name, padded as long as they must be."""

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import GPT2Config, GPT2LMHeadModel

import explaind


def collate(texts):
    ids, labels = (pad_sequence(texts, True, value) for value in (0, -100))
    return {"input_ids": ids, "attention_mask": (labels != -100).long(), "labels": labels}


def loss_fn(output, labels):  # of the next token, summed over the positions of a text
    logits, target = output.logits[:, :-1].transpose(1, 2), labels[:, 1:]
    return torch.nn.functional.cross_entropy(logits, target, reduction="none").sum(1)


def forward(model, batch):
    return model(**{name: value for name, value in batch.items() if name != "labels"})


texts = [torch.randint(1, 32, (length,)) for length in (5, 7, 4, 6, 7, 5, 8, 6)]
loader = torch.utils.data.DataLoader(texts, batch_size=3, collate_fn=collate)
sizes = {"vocab_size": 32, "n_positions": 16, "n_embd": 16, "n_layer": 2, "n_head": 2}
rates = dict.fromkeys(("attn_pdrop", "embd_pdrop", "resid_pdrop"), 0.0)
model = GPT2LMHeadModel(GPT2Config(**sizes, **rates))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
with explaind.record(model, optimizer, loss_fn, store="gpt2.zarr", forward=forward) as recorder:
    for batch in recorder.batches(loader):
        optimizer.zero_grad()
        loss = loss_fn(forward(model, batch.x), batch.y).sum() / (batch.y[:, 1:] != -100).sum()
        loss.backward()
        optimizer.step()
kernel = explaind.PathKernel("gpt2.zarr", model, loss_fn, loader, forward=forward)
batch = collate(texts[:2])
explained = kernel.explain(batch, batch["labels"], outputs="loss")
