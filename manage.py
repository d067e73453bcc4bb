#!/usr/bin/env python
"""Command line of TeleHeme."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemed.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Django is not installed here. Run `make run` once; it builds .venv.")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
