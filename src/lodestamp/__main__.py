"""``python -m lodestamp`` is the program ``lodestamp``."""

from lodestamp.faces.cli import main

if __name__ == "__main__":
    main()
