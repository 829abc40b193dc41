"""`python -m cachy`."""

from cachy.cli import main

if __name__ == "__main__":
    main()
