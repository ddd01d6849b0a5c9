# The runner's image. Layers that change rarely come first; what is compiled or only needed to build stays behind.
# docker-requirements.txt pins every package by its hash: see docs/runbooks/docker_local_dev.md for how to renew it.
ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv /build \
    && /build/bin/pip install --quiet hatchling==1.27.0 \
    && python3 -m venv --without-pip /opt/holocron
WORKDIR /src
COPY docker-requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    /build/bin/pip --python /opt/holocron/bin/python install --quiet --only-binary :all: --require-hashes \
    --requirement docker-requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /build/bin/pip --python /opt/holocron/bin/python install --quiet --no-deps --no-index /wheels/*.whl

FROM ${PYTHON_IMAGE}
# Microsoft's SQL Server driver loads the first three, llama.cpp the last.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libltdl7 libkrb5-3 libgssapi-krb5-2 libgomp1 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && groupadd --gid 10001 holocron \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp holocron \
    # a named volume takes its owner from this folder
    && install --directory --owner holocron --group holocron /project /project/.holocron
COPY --from=build /opt/holocron /opt/holocron
ENV PATH=/opt/holocron/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
LABEL org.opencontainers.image.title="holocron-analytics" \
    org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.licenses="MIT"
WORKDIR /project
USER 10001:10001
# Healthy is a worker of this container that has spoken within two minutes.
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s --start-interval=2s --retries=3 \
    CMD ["sh", "-c", "holocron workers --json | python3 -c 'import json, socket, sys; sys.exit(not any(w[\"state\"] == \"alive\" and w[\"host\"].split()[0] == socket.gethostname() for w in json.load(sys.stdin)))'"]
CMD ["holocron", "worker"]
