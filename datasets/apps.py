from django.apps import AppConfig


class DatasetsConfig(AppConfig):
    name = "datasets"
    verbose_name = "Data sets"

    def ready(self) -> None:
        from datasets import keeping
        from datasets.archives import UPLOADS
        from datasets.pictures import PICTURES, THUMBNAILS
        from patients.services import orphans

        orphans.register(PICTURES, keeping.known_pictures)
        orphans.register(THUMBNAILS, keeping.known_thumbnails)
        orphans.register(UPLOADS, keeping.known_uploads)
