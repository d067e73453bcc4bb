#!/usr/bin/env python
"""Command line of TeleHeme."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemed.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line

        from telemed.environment import adopt_data_dir
    except ImportError as error:
        sys.exit(f"{error}. Run `make run` once: it builds .venv; then use .venv/bin/python.")
    adopt_data_dir(sys.argv[1:])
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as refusal:
        sys.exit(str(refusal))


if __name__ == "__main__":
    main()
