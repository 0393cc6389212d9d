"""People and programs: thin faces that parse, call node, and show."""
