"""The plan of an explanation: what it costs, how it is divided, before it runs.

| module | job |
|---|---|
| `sizes` | the numbers that all costs follow from |
| `measure` | those numbers for a run of the config |
| `slices` | what each kept slice costs |
| `memory`, `flops` | bytes and operations per stage |
| `machine` | memory given, rate of a core, memory of this process |
| `choose` | shards and passes that fit |
| `routes` | the gradient route of each layer |
| `build`, `table` | the plan, and the plan as text |
| `hypothetical` | sizes and machine without a run |
| `epk` | the rule `plan_epk` |
| `stored` | the plan as the other rules read it |
"""
