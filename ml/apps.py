from django.apps import AppConfig


class MlConfig(AppConfig):
    """Makes the training commands known to manage.py; imports nothing heavy."""

    name = "ml"
    verbose_name = "Training"
