# The page and its API, on processors alone. docs/integrations.md says how to build and run it.

FROM python:3.12-slim AS packages

RUN pip install --no-cache-dir "uv>=0.7,<1"
WORKDIR /build
COPY constraints.txt space/requirements.txt ./
# The tested versions; torch for processors alone, without gigabytes of CUDA libraries.
RUN uv venv /opt/argan \
    && uv pip install --python /opt/argan --no-cache --compile-bytecode --torch-backend=cpu \
        -c constraints.txt -r requirements.txt gradio

FROM python:3.12-slim

RUN useradd --create-home --uid 1000 argan
COPY --from=packages /opt/argan /opt/argan
WORKDIR /app
# With the weights of the default network; nothing is loaded when it runs.
COPY argan_hf argan_hf
COPY space space
ENV GRADIO_ANALYTICS_ENABLED=False \
    GRADIO_SERVER_NAME=0.0.0.0 \
    HF_HUB_OFFLINE=1 \
    PATH=/opt/argan/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1
# By number, so that others can tell that it is not root.
USER 1000
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/', timeout=8)"]
CMD ["python", "space/app.py"]
