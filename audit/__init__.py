"""Append-only, hash-chained record of every sign-in, view, change, download and denial."""
