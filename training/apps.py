from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "training"

    def ready(self) -> None:
        from classifier import measured
        from training import worker
        from training.baselines import said_by

        measured.register(said_by)
        worker.listen()
