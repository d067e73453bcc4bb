from django.urls import path

from patients.api.cases import CaseApi, CaseListApi
from patients.api.images import CaseImages
from patients.views import case, cases, images, patients

app_name = "patients"
urlpatterns = [
    path("cases/", cases.cases, name="cases"),
    path("cases/new", cases.case_new, name="case-new"),
    path("cases/<uuid:case_id>/", case.case_page, name="case"),
    path("cases/<uuid:case_id>/header", case.case_header, name="case-header"),
    path("cases/<uuid:case_id>/pictures", case.case_pictures, name="case-pictures"),
    path("cases/<uuid:case_id>/timeline", case.case_timeline, name="case-timeline"),
    path("cases/<uuid:case_id>/thread", case.case_thread, name="case-thread"),
    path("cases/<uuid:case_id>/details", case.case_details, name="case-details"),
    path("cases/<uuid:case_id>/submit", case.case_submit, name="case-submit"),
    path("cases/<uuid:case_id>/withdraw", case.case_withdraw, name="case-withdraw"),
    path("patients/", patients.patients, name="patients"),
    path("patients/search", cases.patient_search, name="patient-search"),
    path("patients/<uuid:patient_id>/", patients.patient_page, name="patient"),
    path("patients/<uuid:patient_id>/edit", patients.patient_edit_page, name="patient-edit"),
    path("images/<uuid:image_id>/picture", images.picture, name="picture"),
    path("images/<uuid:image_id>/thumbnail", images.thumbnail, name="thumbnail"),
    path("images/<uuid:image_id>/remove", images.remove, name="image-remove"),
    path("images/<uuid:image_id>/blank", images.blank, name="image-blank"),
    path("api/v1/cases", CaseListApi.as_view(), name="api-cases"),
    path("api/v1/cases/<uuid:case_id>", CaseApi.as_view(), name="api-case"),
    path("api/v1/cases/<uuid:case_id>/images", CaseImages.as_view(), name="api-images"),
]
