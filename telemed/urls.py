from django.contrib import admin
from django.urls import include, path

from telemed import views

urlpatterns = [
    path("", views.home, name="home"),
    path("health/live", views.live, name="health-live"),
    path("health/ready", views.ready, name="health-ready"),
    path("account/", include("accounts.entrance")),
    path("admin/", admin.site.urls),
    path("", include("accounts.urls")),
    path("", include("patients.urls")),
    path("", include("classifier.urls")),
    path("", include("review.urls")),
    path("", include("datasets.urls")),
    path("", include("training.urls")),
    path("", include("adaptation.urls")),
    path("", include("monitoring.urls")),
]

handler400 = views.bad_request
handler403 = views.forbidden
handler404 = views.not_found
handler500 = views.server_error
