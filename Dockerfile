# syntax=docker/dockerfile:1
FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/databourse
WORKDIR /src
COPY requirements.lock ./
RUN /opt/databourse/bin/python -m pip install --require-hashes -r requirements.lock
COPY . .
RUN /opt/databourse/bin/python -m pip install --no-deps --no-build-isolation .

FROM python:3.12-slim
ENV PATH=/opt/databourse/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATABOURSE_DATA_DIR=/var/lib/databourse
RUN groupadd --gid 10001 databourse \
 && useradd --uid 10001 --gid databourse --no-create-home --home-dir /var/lib/databourse --shell /usr/sbin/nologin databourse \
 && install -d -o databourse -g databourse -m 0700 /var/lib/databourse
COPY --from=build /opt/databourse /opt/databourse
USER 10001:10001
WORKDIR /var/lib/databourse
VOLUME /var/lib/databourse
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health', timeout=4)"]
CMD ["databourse", "serve", "--host", "0.0.0.0", "--port", "8000"]
