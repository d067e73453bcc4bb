from django.urls import path

from classifier import (
    api,
    compare_views,
    model_views,
    operations_views,
    promotion_views,
    registry_api,
    registry_views,
    shadow_views,
    views,
)

app_name = "classifier"
urlpatterns = [
    path("cases/<uuid:public_id>/cells", views.cells, name="cells"),
    path("cells/<uuid:public_id>/retry", views.retry, name="retry"),
    path("quick-look/", views.quick_look, name="quick-look"),
    path("operations/", operations_views.operations, name="operations"),
    path("models/", model_views.models, name="models"),
    path("models/upload", registry_views.upload, name="model-upload"),
    path("models/compare", compare_views.compare, name="compare"),
    path("models/<str:model_id>/", model_views.model, name="model"),
    path("models/<str:model_id>/register", registry_views.register, name="register"),
    path("models/<str:model_id>/retire", registry_views.retire, name="retire"),
    path("models/<str:model_id>/alias", registry_views.alias_set, name="alias-set"),
    path("models/<str:model_id>/alias/remove", registry_views.alias_remove, name="alias-remove"),
    path("models/<str:model_id>/shadow", shadow_views.shadow, name="shadow"),
    path("models/<str:model_id>/shadow/start", shadow_views.start, name="shadow-start"),
    path("models/<str:model_id>/shadow/end", shadow_views.end, name="shadow-end"),
    path("models/rollback", promotion_views.rollback, name="rollback"),
    path("models/<str:model_id>/promote", promotion_views.promote, name="promote"),
    path("models/<str:model_id>/promote/try", promotion_views.try_gate, name="try-gate"),
    path("promotions/<uuid:public_id>/", promotion_views.promotion, name="promotion"),
    path("promotions/<uuid:public_id>/decide", promotion_views.decide, name="promotion-decide"),
    path("models/<str:model_id>/figures/<str:name>", model_views.figure, name="figure"),
    path("models/<str:model_id>/files/<path:name>", model_views.model_file, name="model-file"),
    path("api/v1/cases/<uuid:public_id>/cells", api.CaseCells.as_view(), name="api-cells"),
    path("api/v1/models", registry_api.Models.as_view(), name="api-models"),
    path("api/v1/quick-look", api.QuickLook.as_view(), name="api-quick-look"),
]
