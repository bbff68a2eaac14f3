"""``python -m ictops``."""

from ictops.cli.app import main

if __name__ == "__main__":
    main()
