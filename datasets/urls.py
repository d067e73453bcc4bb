from django.urls import path

from datasets.views import browsing, consent, labelling, receiving, sets

app_name = "datasets"
urlpatterns = [
    path("datasets/", sets.data_sets, name="sets"),
    path("datasets/import", receiving.upload, name="import"),
    path("datasets/signed", sets.from_signed, name="from-signed"),
    path("datasets/<slug:slug>/", sets.data_set, name="set"),
    path("datasets/<slug:slug>/progress", sets.progress, name="progress"),
    path("datasets/<slug:slug>/export", sets.export, name="export"),
    path("datasets/<slug:slug>/remove", sets.remove, name="remove"),
    path("datasets/<slug:slug>/pictures", browsing.pictures, name="pictures"),
    path("datasets/<slug:slug>/repeats", browsing.repeats, name="repeats"),
    path("datasets/pictures/<uuid:item_id>/small", browsing.thumbnail, name="thumbnail"),
    path("datasets/pictures/<uuid:item_id>/whole", browsing.picture, name="picture"),
    path("organisations/<uuid:public_id>/consent", consent.consent, name="consent"),
    path("labelling/disagreements", labelling.disagreements, name="disagreements"),
    path("labelling/next", labelling.worth_reading, name="next"),
    path("labelling/next/<uuid:cell_id>", labelling.cell_picture, name="next-picture"),
]
