from django.urls import path

from monitoring import views

app_name = "monitoring"
urlpatterns = [
    path("monitoring/", views.monitoring, name="monitoring"),
    path("monitoring/<slug:name>.csv", views.download, name="download"),
    path("monitoring/alarms/", views.alarms, name="alarms"),
    path("monitoring/alarms/<uuid:public_id>/", views.alarm, name="alarm"),
    path("monitoring/alarms/<uuid:public_id>/acknowledge", views.acknowledge, name="acknowledge"),
    path("monitoring/streams/<uuid:public_id>/", views.stream, name="stream"),
]
