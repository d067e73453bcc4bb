import classifier  # noqa: F401  - it keeps OpenVINO and NNCF from reporting to their makers
