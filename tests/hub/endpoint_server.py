"""A server that treats requests and answers as that of inference endpoints does.

The rules are those of `webservice_starlette.py`, `serialization` and `handler.py` of huggingface-inference-toolkit:
bodies of pictures are decoded to RGB, JSON is passed on, results are encoded by the header Accept, and whatever is
raised becomes a sentence with status 400.
"""

import base64
import importlib.util
import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@contextmanager
def running_endpoint(repository: Path) -> Iterator[str]:
    """Serve the handler of a repository.

    Returns:
        The address.
    """
    spec = importlib.util.spec_from_file_location("custom_handler", repository / "handler.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler = module.EndpointHandler(str(repository))

    async def predict(request: Request) -> Response:
        try:
            body = _deserialized(request.headers["content-type"], await request.body())
            if request.query_params and "parameters" not in body:
                body["parameters"] = {name: _typed(value) for name, value in request.query_params.items()}
            result = await run_in_threadpool(handler, body)
            accept = request.headers.get("accept", "*/*")
            accept = "application/json" if accept == "*/*" else accept
            return Response(_serialized(accept, result), media_type=accept)
        except Exception as error:
            return Response(json.dumps({"error": str(error)}), 400, media_type="application/json")

    app = Starlette(routes=[Route("/", predict, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def _deserialized(kind: str, body: bytes) -> dict[str, Any]:
    if kind == "application/json":
        parsed: dict[str, Any] = json.loads(body)
        return parsed
    if kind.startswith("image/"):
        return {"inputs": Image.open(io.BytesIO(body)).convert("RGB")}
    raise ValueError(f'Content type "{kind}" not supported.')


def _typed(value: str) -> Any:
    return int(value) if value.isnumeric() else {"true": True, "false": False}.get(value, value)


def _serialized(accept: str, result: Any) -> bytes:
    if accept == "application/json":
        return json.dumps(result, default=lambda image: base64.b64encode(_encoded(image, "PNG")).decode()).encode()
    return _encoded(result, accept.split("/")[-1].upper())


def _encoded(image: Image.Image, name: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=name)
    return buffer.getvalue()
