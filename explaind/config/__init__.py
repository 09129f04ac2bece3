"""Typed config: what may be written in `config/*.yaml`, how it is read and who uses what.

`schema` is the whole config, `load` reads it, `stages` says which values a rule uses.
"""
