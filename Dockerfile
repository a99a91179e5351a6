# The image of the worker, and of every other command: docker build --tag wikiembed .
#
# EXTRAS: `local` for the model in process, `wiki` for `load`, `web` for `serve`, `metrics` and `otel` for
# Prometheus and traces of workers; empty for a worker with a server.
ARG PYTHON_IMAGE=python:3.12-slim

FROM ${PYTHON_IMAGE} AS build
ARG EXTRAS=local,wiki,web,metrics,otel
WORKDIR /src
RUN python3 -m venv /opt/wikiembed
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY migrations migrations
COPY wikiembed wikiembed
RUN /opt/wikiembed/bin/pip install --no-cache-dir --disable-pip-version-check \
      ".${EXTRAS:+[${EXTRAS}]}" --constraint constraints.txt \
 && /opt/wikiembed/bin/pip uninstall --yes pip

FROM ${PYTHON_IMAGE}
COPY --from=build /opt/wikiembed /opt/wikiembed
COPY docs/deploy/healthcheck.sh /usr/local/bin/healthcheck
ENV PATH=/opt/wikiembed/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    WIKIEMBED_ALIVE_FILE=/tmp/alive \
    WIKIEMBED_LOG_FORMAT=json
USER 1000:1000
WORKDIR /tmp
STOPSIGNAL SIGTERM
ENTRYPOINT ["wikiembed"]
CMD ["worker"]
