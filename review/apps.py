from django.apps import AppConfig


class ReviewConfig(AppConfig):
    name = "review"

    def ready(self) -> None:
        from classifier import hiding, invariants, shadow_figures
        from patients import ports
        from patients.services import orphans
        from review.blinding import model_hidden
        from review.invariants import signed
        from review.notices.events import CaseNotices
        from review.notices.invariants import told_once
        from review.reports.keeping import SignedPictures, known_files
        from review.services.rendering import REPORTS
        from review.signed_cells import signed_cells

        ports.register(SignedPictures())
        ports.follow(CaseNotices())
        invariants.register(signed)
        invariants.register(told_once)
        orphans.register(REPORTS, known_files)
        hiding.register(model_hidden)
        shadow_figures.register(signed_cells)
