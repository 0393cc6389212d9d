"""The legs of a proof that this version can check, one module each (transparency spec §9.1)."""
