"""``python -m explaind`` is the command line; the workflow's rules call it this way."""

from explaind.cli import main

if __name__ == "__main__":
    main()
