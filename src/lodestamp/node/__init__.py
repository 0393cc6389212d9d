"""Life: resources and their lifetimes (databases, keys on disk, clocks, the log's writer).

Nothing here decides what is true; it moves bytes to core and effects out of it.
"""
