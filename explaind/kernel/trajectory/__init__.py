"""Walking the recorded path backward in time.

| module | what it holds |
|---|---|
| `steps` | the recorded steps, last one first, read ahead |
| `intervals` | cuts of the steps: intervals that are told apart, segments that are jobs |
| `adjoint` | what later steps made of a gradient |
"""
