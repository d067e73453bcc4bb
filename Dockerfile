# syntax=docker/dockerfile:1
# One image for web, worker, beat and migrate: what differs is the command.

FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /opt/venv
# requirements.txt makes the image of the worker that trains; every other does without TensorFlow.
ARG REQUIREMENTS=requirements-serve.txt
COPY requirements-serve.txt requirements.txt /build/
# Locked by hash, wheels alone: nothing is compiled and nothing unlisted comes in.
RUN /opt/venv/bin/pip install --require-hashes --only-binary :all: -r "/build/${REQUIREMENTS}"
COPY manage.py /srv/teleheme/
COPY telemed /srv/teleheme/telemed
COPY accounts /srv/teleheme/accounts
COPY audit /srv/teleheme/audit
COPY patients /srv/teleheme/patients
COPY classifier /srv/teleheme/classifier
COPY review /srv/teleheme/review
COPY datasets /srv/teleheme/datasets
COPY training /srv/teleheme/training
COPY adaptation /srv/teleheme/adaptation
COPY monitoring /srv/teleheme/monitoring
COPY ml /srv/teleheme/ml
COPY templates /srv/teleheme/templates
COPY static /srv/teleheme/static
WORKDIR /srv/teleheme
RUN TELEHEME_DATA_DIR=/tmp/build TELEHEME_STATIC_ROOT=/srv/teleheme/staticfiles \
    /opt/venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && rm -rf /tmp/build

FROM python:3.11-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TELEHEME_MODE=production \
    TELEHEME_DATA_DIR=/var/lib/teleheme \
    TELEHEME_STATIC_ROOT=/srv/teleheme/staticfiles \
    TELEHEME_WEB_WORKERS=2
# Reports as PDF: WeasyPrint draws with Pango, in DejaVu. No version is pinned: Debian's stable
# release keeps them, and its security updates are wanted.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /var/lib/teleheme --create-home --shell /usr/sbin/nologin teleheme
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/teleheme /srv/teleheme
COPY deploy/healthcheck.py /srv/teleheme/deploy/healthcheck.py
WORKDIR /srv/teleheme
USER 10001:10001
VOLUME /var/lib/teleheme
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=40s --retries=3 \
    CMD ["python", "/srv/teleheme/deploy/healthcheck.py"]
CMD ["gunicorn", "--config", "python:telemed.gunicorn_conf"]
