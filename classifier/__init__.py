import sys

# OpenVINO reports each import, conversion and quantisation to its makers, from a hospital's worker
# too, where this package is installed. Where it cannot be imported OpenVINO and NNCF use a stub of
# their own; this runs before any module of ours imports them.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
