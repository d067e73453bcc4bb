from django.apps import AppConfig


class ReviewConfig(AppConfig):
    name = "review"

    def ready(self) -> None:
        from classifier import hiding
        from patients import ports
        from review.blinding import model_hidden
        from review.notices.events import CaseNotices

        ports.follow(CaseNotices())
        hiding.register(model_hidden)
