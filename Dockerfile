# The production image. It runs the API by default; `command:` chooses pages, realtime, worker, beat
# or a one-shot command.
# The first stage builds the script of /try and fetches the landmarker for its camera.
FROM node:20-slim AS web
WORKDIR /app/clients
COPY clients/package.json clients/package-lock.json ./
COPY clients/web/package.json web/
COPY clients/try/package.json try/
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY clients ./
COPY docs/openapi.yaml /app/docs/openapi.yaml
RUN npm run build

# This stage has a C compiler; the final image has none.
FROM python:3.12 AS build
WORKDIR /app
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
COPY requirements.txt requirements-mypyc.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements.txt
RUN pip install --no-cache-dir --disable-pip-version-check --target /mypyc -r requirements-mypyc.txt
COPY detection detection
COPY dev/tools/compile_engine.py dev/tools/
RUN PYTHONPATH=/mypyc python -m dev.tools.compile_engine && rm -r dev
COPY manage.py ./
COPY common common
COPY kynaplatform kynaplatform
COPY projects projects
COPY movespecs movespecs
COPY sessions_app sessions_app
COPY webhooks webhooks
COPY usage usage
COPY erasure erasure
COPY realtime realtime
COPY dev/__init__.py dev/
COPY dev/replay dev/replay
COPY clients/__init__.py clients/
COPY clients/python clients/python
COPY staff staff
COPY guides guides
COPY tryout tryout
COPY --from=web /app/tryout/static tryout/static
COPY templates templates
COPY dev/poses dev/poses
COPY examples examples
COPY docs docs
# The servers that `status` asks.
COPY deploy/targets-compose.yml deploy/targets.yml
COPY clients/web/README.md clients/web/README.md
COPY README.md CHANGELOG.md ./
# collectstatic reads the settings, which need a secret key; this one is for this line only.
RUN SECRET_KEY=throwaway python manage.py collectstatic --no-input
# compose.yaml mounts a volume here, from which nginx serves the static files.
RUN mkdir -m 1777 served

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home kynaplatform
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    WEB_PROCESSES=2 \
    PORT=8000 \
    PAGES_PORT=8003 \
    REALTIME_PORT=8001 \
    WORKER_METRICS_PORT=8002 \
    DATA_DIR=/tmp/kynaplatform \
    PROMETHEUS_MULTIPROC_DIR=/tmp/metrics
COPY --from=build /venv /venv
COPY --from=build /app /app
# Fails if the compiled engine can't be loaded in this image.
RUN python -c "import detection, sys; sys.exit(detection.ENGINE_BUILD.reason or 0)"
# A revision, such as a commit, that the metrics show beside the version.
ARG BUILD_REVISION=
ENV BUILD_REVISION=$BUILD_REVISION
USER kynaplatform
EXPOSE 8000 8001 8002 8003 9000 9003
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:%d/healthz' % (int(os.environ['PORT']) + 1000), timeout=4)"]
# The processes share their metrics in a folder that must be empty at the start.
CMD ["sh", "-c", "rm -rf \"$PROMETHEUS_MULTIPROC_DIR\" && mkdir -p \"$PROMETHEUS_MULTIPROC_DIR\" && exec python -m kynaplatform api --host 0.0.0.0"]
