# One image for API and engine: `docker run IMAGE` serves and fires deadlines, `... sihu serve --engine only` only fires,
# `... sihu migrate` brings the database to this version.
FROM python:3.12-slim

WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY . .
# Editable, since migrations/ lies beside the package.
RUN pip install --no-cache-dir --no-deps --no-build-isolation -e . \
    && useradd --system sihu && install -d -o sihu /var/lib/sihu

USER sihu
ENV PYTHONUNBUFFERED=1 SIHU_DATA_DIR=/var/lib/sihu SIHU_HOST=0.0.0.0 SIHU_PORT=8000
VOLUME /var/lib/sihu
EXPOSE 8000
HEALTHCHECK --start-period=30s \
    CMD python -c "import httpx; httpx.get('http://127.0.0.1:$SIHU_PORT/healthz', timeout=3).raise_for_status()"
CMD ["sihu", "serve"]
