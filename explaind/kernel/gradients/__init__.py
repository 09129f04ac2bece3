"""Per-sample gradients: read off one batched backward pass wherever a layer rule knows the call.

| module | what it holds |
|---|---|
| `rule` | what every layer rule gives |
| `linear`, `convolution`, `embedding`, `elementwise`, `attention`, `recurrent` | the layer rules |
| `capture` | which calls of a forward pass use parameters, and by which rule |
| `watched` | how the gradient by an output of such a call is found |
| `captured_batch` | layer inputs and output gradients of one batch |
| `fallback` | what is done where no rule fits: `vmap`, or one autograd call per sample |
| `per_sample` | the gradients of all tensors, those without a layer rule by the fallback |
| `stacked` | passes of a small model at several points of the path at once |
| `linearised` | the losses of a batch linearised, for tensors without a layer rule |
"""
