"""The recorded training path.

| module or folder | what it holds |
|---|---|
| `recording/` | what watches a training: the recorder, what it checks, the store that grows |
| `replay/` | the path as it is read, with the steps between snapshots computed again |
| `schema`, `layout` | the arrays of a store; where in a vector a parameter lies |
| `optimizers`, `optimizer_step`, `optimizer_state` | what an optimizer does and remembers |
| `batches`, `accumulation`, `forward_passes` | which samples a step was made of, and how |
| `state`, `random_state`, `checkpoint_interval` | what is kept to continue from, and how often |
| `guards`, `wrappers`, `checksums` | what is refused, what is looked into, what is compared |

`recording/` and `replay/` import from the modules beside them and not from each other.
"""
