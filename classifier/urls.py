from django.urls import path

from classifier import api, model_views, operations_views, views

app_name = "classifier"
urlpatterns = [
    path("cases/<uuid:public_id>/cells", views.cells, name="cells"),
    path("cells/<uuid:public_id>/retry", views.retry, name="retry"),
    path("quick-look/", views.quick_look, name="quick-look"),
    path("operations/", operations_views.operations, name="operations"),
    path("models/", model_views.models, name="models"),
    path("models/<str:model_id>/", model_views.model, name="model"),
    path("models/<str:model_id>/figures/<str:name>", model_views.figure, name="figure"),
    path("api/v1/cases/<uuid:public_id>/cells", api.CaseCells.as_view(), name="api-cells"),
    path("api/v1/quick-look", api.QuickLook.as_view(), name="api-quick-look"),
]
