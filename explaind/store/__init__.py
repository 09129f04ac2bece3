"""The stores: the only part of the library that opens zarr.

A store is one zarr v3 group. Every array has named dimensions, `units` and `description`; every
chunk carries a crc32c checksum. A store is complete only when `files/seal.json` lies in it, written
last: a missing zarr chunk would otherwise read as fill value and look like data.

| module | job |
|---|---|
| `spec` | what an array of a store is, before it is written |
| `writer` | the only module that opens zarr for writing: stores that grow, and whole ones |
| `seal` | the mark of a complete store: written last, checked first |
| `reader` | complete stores as lazy datasets |
| `encoding` | how a chunk becomes bytes |
| `chunks` | the zarr group and the files below it: what is read is checked, a full disk is named |
| `lock` | one writer at a time |

Labels of a dimension (component names, say) are kept in the group attribute `coordinates`, because
zarr v3 has no settled string type; the reader turns them into coordinates.
"""

from explaind.store.chunks import StoreFiles
from explaind.store.encoding import decode, encode
from explaind.store.lock import only_writer
from explaind.store.reader import open_sealed, stored_attributes
from explaind.store.seal import MADE_WITH, MEASURED, is_sealed, withdraw_seal
from explaind.store.spec import TARGET_CHUNK_BYTES, ArraySpec, labels_of, spec_of
from explaind.store.writer import StoreWriter, new_store, remove_store, write_store

__all__ = [
    "MADE_WITH",
    "MEASURED",
    "TARGET_CHUNK_BYTES",
    "ArraySpec",
    "StoreFiles",
    "StoreWriter",
    "decode",
    "encode",
    "is_sealed",
    "labels_of",
    "new_store",
    "only_writer",
    "open_sealed",
    "remove_store",
    "spec_of",
    "stored_attributes",
    "withdraw_seal",
    "write_store",
]
