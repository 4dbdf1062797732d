"""A bare ``async`` hello in a FastAPI application of its own: what a request costs at least.

Served with the service's own settings: ``python -m benchmarks.workload.hello PORT``.
"""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI

from serving.server import configure

app = FastAPI()


@app.get("/hello")
async def hello() -> dict[str, str]:
    """The answer."""
    return {"hello": "world"}


if __name__ == "__main__":
    uvicorn.Server(configure(app, host="127.0.0.1", port=int(sys.argv[1]))).run()
