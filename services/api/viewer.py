"""The page ``/docs``: the viewer of the API's description. Whoever comes by a sign-in link calls from there as who they are."""

from pathlib import Path

from fastapi import Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

STATIC = "/docs/viewer"
"""Where the viewer's program and pictures lie, so that it needs no internet."""
_SIGN_IN = Path(__file__).with_name("viewer.js")
_PARAMETERS = {"validatorUrl": None}  # else the viewer asks a server on the internet for a badge


def show(request: Request) -> HTMLResponse:
    """The page."""
    root = request.scope.get("root_path", "")
    page = get_swagger_ui_html(
        openapi_url=f"{root}{request.app.openapi_url}",
        title=f"{request.app.title} - Swagger UI",
        swagger_js_url=f"{root}{STATIC}/swagger-ui-bundle.js",
        swagger_css_url=f"{root}{STATIC}/swagger-ui.css",
        swagger_favicon_url=f"{root}{STATIC}/favicon.png",
        swagger_ui_parameters=_PARAMETERS,
    )
    script = f"<body>\n<script>\n{_SIGN_IN.read_text(encoding='utf-8')}</script>"
    return HTMLResponse(bytes(page.body).decode().replace("<body>", script, 1))
