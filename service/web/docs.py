"""/docs, which works without the internet: Swagger UI from an installed package, and the list of problems."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from service.rules.errors import NotFound
from service.rules.sentences import Sentence
from service.web import problem_page
from service.web.languages import language_of

_TITLE = "四呼 sihu · 接口文档 API documentation"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
}
_FOLDER = Path(str(resources.files("fastapi_swagger.resources")))
"""The files of Swagger UI 5, as published; nothing else of the package is used. The package swagger-ui-bundle carries
version 4, which cannot show OpenAPI 3.1."""
_FILES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
_PAGE = f"""<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_TITLE}</title>
<link rel="icon" type="image/png" href="docs/static/favicon-32x32.png">
<link rel="stylesheet" href="docs/static/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/static/swagger-ui-bundle.js"></script>
<script src="docs/static/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "list",
  displayRequestDuration: true,
  validatorUrl: null,
});
"""
_WEEK = {"Cache-Control": "public, max-age=604800"}


def install(app: FastAPI) -> None:
    """Add /docs, /docs/problems and /docs/static to an app that was made with `docs_url=None, redoc_url=None`."""
    app.add_api_route("/docs", _docs, include_in_schema=False)
    app.add_api_route("/docs/problems", _problems, include_in_schema=False)
    app.add_api_route("/docs/static/{name}", _static, include_in_schema=False)


async def _docs() -> Response:
    return HTMLResponse(_PAGE, headers=_HEADERS)


async def _static(request: Request) -> Response:
    name: str = request.path_params["name"]
    if name == "start.js":
        return Response(_START, media_type="text/javascript", headers=_HEADERS)
    if name == "problems.css":
        return Response(problem_page.STYLE, media_type="text/css", headers=_HEADERS)
    if name not in _FILES:
        raise NotFound(Sentence("There is no {path} here. /docs lists what there is.", path=f"/docs/static/{name}"))
    return FileResponse(_FOLDER / name, media_type=_FILES[name], headers={**_HEADERS, **_WEEK})


async def _problems(request: Request) -> Response:
    return HTMLResponse(problem_page.page(language_of(request.scope)), headers=_HEADERS)
