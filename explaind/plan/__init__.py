"""The plan of an explanation: what it costs and how it is divided, before it runs.

| module | what it holds |
|---|---|
| `sizes` | the numbers that all costs follow from |
| `measure` | those numbers for a recorded run |
| `hypothetical` | those numbers without a run |
| `machine` | memory given and in use, rate of a core |
| `output_arrays` | what each output array costs |
| `memory`, `flops` | bytes and operations per stage |
| `choose` | shards and query blocks that fit |
| `routes` | the route to the influence through each tensor |
| `build`, `table` | the plan, and the plan as text |
"""
