"""What is kept of an explanation while the steps are walked through.

| module | what it holds |
|---|---|
| `output_arrays` | which arrays are kept, and the collectors they need |
| `collector` | one explained step, and what adds up such steps |
| `training_axis` | the training samples or groups of them |
| `influence` | dense influence by training sample or group |
| `strongest` | the strongest training samples only |
| `decomposition` | true change, data part, regularisation part and residual of every step |
| `parameters` | scores of single parameters |
"""
