"""Addresses of signing, reports and verifying them; part of ``review.urls``."""

from django.urls import path

from review.views import report, report_files, sign, text_blocks, verify

urlpatterns = [
    path("cases/<uuid:case_id>/sign", sign.sign, name="sign"),
    path("cases/<uuid:case_id>/report-draft", sign.draft, name="report-draft"),
    path("cases/<uuid:case_id>/amend", sign.amend, name="amend"),
    path("cases/<uuid:case_id>/amend/stop", sign.amend_stop, name="amend-stop"),
    path("reports/<uuid:report_id>/", report.report, name="report"),
    path("reports/<uuid:report_id>/cosign", report.cosign, name="report-cosign"),
    path("reports/<uuid:report_id>/return", report.give_back, name="report-return"),
    path("reports/<uuid:report_id>/pdf", report_files.pdf, name="report-pdf"),
    path("reports/<uuid:report_id>/json", report_files.json, name="report-json"),
    path("reports/<uuid:report_id>/fhir", report_files.fhir, name="report-fhir"),
    path("reports/<uuid:report_id>/cells/<int:number>", report_files.cell, name="report-cell"),
    path("text-blocks/", text_blocks.text_blocks, name="text-blocks"),
    path("text-blocks/<uuid:block_id>", text_blocks.text_block, name="text-block"),
    path("text-blocks/<uuid:block_id>/delete", text_blocks.delete, name="text-block-delete"),
    path("verify/", verify.verify, name="verify"),
]
