from django.apps import AppConfig


class ClassifierConfig(AppConfig):
    name = "classifier"

    def ready(self) -> None:
        from classifier.services import CaseReading
        from patients import ports

        ports.register(CaseReading())
