"""The page's address as whoever asks sees it, behind a proxy too: links in answers begin with it."""

from typing import Any

from gradio.context import LocalContext
from gradio.route_utils import get_root_url

API_PATH = "/gradio_api/"  # below the page's address


def of_page() -> str:
    """Without a slash at its end; empty outside of a request."""
    asked = LocalContext.request.get(None)
    request = getattr(asked, "request", None)
    if request is None:
        return ""
    path = request.url.path
    root = request.app.root_path or request.scope.get("root_path")
    return get_root_url(request, path[path.find(API_PATH) :], root)


def linked(answer: Any) -> Any:
    """An answer whose links, told as fragments, are whole addresses."""
    if isinstance(answer, list):
        return [linked(one) for one in answer]
    if not isinstance(answer, dict):
        return answer
    return {name: f"{of_page()}/{value}" if name == "link" else linked(value) for name, value in answer.items()}
