from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):
    """Hashed names and compressed twins; imports between our small modules get hashed names too."""

    support_js_module_import_aggregation = True
