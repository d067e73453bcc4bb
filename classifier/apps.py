from django.apps import AppConfig


class ClassifierConfig(AppConfig):
    name = "classifier"

    def ready(self) -> None:
        from classifier.registry.files import MODELS, known_files
        from classifier.services import CaseReading
        from patients import ports
        from patients.services import orphans

        ports.register(CaseReading())
        orphans.register(MODELS, known_files)
