"""One module per rule of the kernel: reads config and paths, calls the library, writes a store."""
