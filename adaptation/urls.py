from django.urls import path

from adaptation import views

app_name = "adaptation"
urlpatterns = [
    path("adaptation/", views.overview, name="overview"),
    path("adaptation/<uuid:public_id>/", views.trial, name="trial"),
]
