"""The interface for programs, and for the upload script of the case page."""
