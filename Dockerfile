# One image for every Airflow process of docker-compose.yaml; the command says which one it is.
#
# Based on python:3.12-slim and not on apache/airflow: that image brings some eighty providers under its own
# constraints, which the lock would have to fight. Here exactly what requirements-production.txt names is
# installed, the same that the tests run on. scripts/replay_image does what these lines do without a container engine.

# Build with the digest that you have checked, for a tag may be moved:
#   docker compose build --build-arg PYTHON_IMAGE=python:3.12-slim-bookworm@sha256:...
ARG PYTHON_IMAGE=python:3.12-slim-bookworm
FROM $PYTHON_IMAGE AS build
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /build
RUN python -m venv /opt/venv \
    && python -m venv /build/uv \
    && /build/uv/bin/pip install --quiet --disable-pip-version-check --no-cache-dir uv==0.13.9
# Without the embedded Postgres (73 MB) of `make run`: here Postgres is a service of its own.
COPY requirements-production.txt ./
# Without compiled bytecode each first import would cost 8-10 s.
RUN /build/uv/bin/uv pip install --quiet --no-cache --compile-bytecode --require-hashes \
        --python /opt/venv/bin/python -r requirements-production.txt \
    && /build/uv/bin/uv pip check --quiet --python /opt/venv/bin/python

FROM $PYTHON_IMAGE
# Fixed numbers, so that volumes keep their owner from one image to the next. Code and environment belong to
# root: the processes can write under /opt/airflow only.
RUN groupadd --gid 50000 airflow \
    && useradd --uid 50000 --gid airflow --home-dir /opt/airflow --no-create-home --shell /usr/sbin/nologin airflow \
    && install --directory --owner airflow --group airflow \
        /opt/airflow /opt/airflow/logs /opt/airflow/artifacts \
    && touch /opt/airflow/airflow.cfg  # or Airflow writes one, with every secret of its environment in it
COPY --from=build /opt/venv /opt/venv
# .dockerignore lets through dags, include and plugins.
COPY . /opt/segmentation/
RUN /opt/venv/bin/python -m compileall -q /opt/segmentation/dags /opt/segmentation/include
ENV AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/segmentation/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/segmentation/plugins \
    PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/segmentation/include \
    PYTHONUNBUFFERED=1
# Last, for it changes with every build: the commit that each run writes into segments.runs.
ARG SEGMENTATION_CODE_VERSION=unknown
ENV SEGMENTATION_CODE_VERSION=$SEGMENTATION_CODE_VERSION
WORKDIR /opt/airflow
USER 50000:50000
# No HEALTHCHECK: what healthy means differs from service to service, and docker-compose.yaml says it.
CMD ["airflow", "version"]
