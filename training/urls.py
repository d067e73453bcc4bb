from django.urls import path

from training import views

app_name = "training"
urlpatterns = [
    path("training/", views.runs, name="runs"),
    path("training/new", views.new, name="new"),
    path("training/<uuid:public_id>/", views.run, name="run"),
    path("training/<uuid:public_id>/stop", views.stop, name="stop"),
    path("training/<uuid:public_id>/resume", views.resume, name="resume"),
]
