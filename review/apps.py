from django.apps import AppConfig


class ReviewConfig(AppConfig):
    name = "review"

    def ready(self) -> None:
        from patients import ports
        from review.notices.events import CaseNotices

        ports.follow(CaseNotices())
