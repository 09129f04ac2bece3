"""A training by the Trainer of Hugging Face, recorded by a callback."""

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

import explaind
from explaind.integrations.huggingface import RecordHistory, call_by_name


def loss_fn(output, labels):  # the Trainer's, sample by sample
    return torch.nn.functional.cross_entropy(output.logits, labels, reduction="none")


def collate(items):
    ids = pad_sequence([item["input_ids"] for item in items], batch_first=True)
    labels = torch.stack([item["labels"] for item in items])
    return {"input_ids": ids, "attention_mask": (ids != 0).long(), "labels": labels}


texts = [torch.randint(1, 30, (3 + k % 5,)) for k in range(14)]
data = [{"input_ids": text, "labels": (text[0] > text[1]).long()} for text in texts]
sizes = dict.fromkeys(("hidden_size", "intermediate_size", "max_position_embeddings"), 16)
layers = {"num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 30}
rates = dict.fromkeys(("hidden_dropout_prob", "attention_probs_dropout_prob"), 0.0)
model = BertForSequenceClassification(BertConfig(**sizes, **layers, **rates))
trainer = Trainer(
    model,
    TrainingArguments("output", num_train_epochs=2, report_to=[], save_strategy="no", use_cpu=True),
    data_collator=collate,
    train_dataset=data[:12],
    callbacks=[RecordHistory("trainer.zarr", loss_fn)],
)
trainer.train()

loader = trainer.get_train_dataloader()
kernel = explaind.PathKernel("trainer.zarr", model, loss_fn, loader, forward=call_by_name)
batch = collate(data[12:])
explained = kernel.explain(batch, batch["labels"])
