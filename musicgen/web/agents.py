"""What agents are offered and answered: Gradio's server of the Model Context Protocol, made exact.

Gradio answers with Python's `str` of a value, without a schema, and lets a validator speak where we have a sentence.
Here answers are JSON that keeps to a schema, and short: of a piece an agent gets the text, a handle and a link, and its
rows of notes from the tool `read`. All that is changed of Gradio is in `Tools`, and tests with a client guard it.
"""

import difflib
import json
from typing import Any

import gradio.mcp
from gradio import processing_utils
from gradio_client.utils import is_file_obj_with_meta
from mcp import types
from mcp.server import Server

WITH_NOTES = "/read"  # the endpoint that answers agents with all notes
NOTE_ROWS = "notes"
FILE_ANSWER = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "url": {"type": "string"}, "size": {"type": "integer"}},
    "required": ["name", "url", "size"],
}
INSTRUCTIONS = (
    "Nine networks continue, harmonise and repair music. Hand a piece on by its `handle` (for an hour) or its `link` "
    "(for ever), not by its notes, and give people the link: it opens the piece on the page, seen and heard. "
    "Music of your own goes in as typed `notes`, as ABC text, or as a MIDI or MusicXML file in base64."
)


def serve():
    """Let Gradio's server be this one, if it serves agents at all."""
    gradio.mcp.GradioMCPServer = Tools


class ExactServer(Server):
    """The protocol's server, which leaves it to the tools what is wrong with an argument."""

    def __init__(self, name: str, tools: "Tools"):
        super().__init__(name, instructions=INSTRUCTIONS)
        self.tools = tools

    def call_tool(self, **_):
        register = super().call_tool(validate_input=False)
        return lambda call: register(self.tools.answering(call))

    def list_tools(self):
        register = super().list_tools()
        return lambda offered: register(self.tools.offering(offered))


class Tools(gradio.mcp.GradioMCPServer):
    def create_mcp_server(self) -> Server:
        self.Server = lambda name: ExactServer(name, self)
        return super().create_mcp_server()

    def get_input_schema(self, tool_name: str, parameters: dict[str, str] | None = None):
        schema, positions = super().get_input_schema(tool_name, parameters)
        for argument in schema["properties"].values():
            argument.pop("additional_description", None)
        return {**schema, "additionalProperties": False}, positions

    def postprocess_output_data(self, data: Any, root_url: str) -> list:
        """What is to be seen of an answer, then the answer as JSON."""
        (answer,) = processing_utils.add_root_url(data, root_url, None)
        if not is_file_obj_with_meta(answer):
            return [_json(answer)]
        seen = [part for part in super().postprocess_output_data(data, root_url) if part.type == "image"]
        return [*seen, _json({"name": answer["orig_name"], "url": answer["url"], "size": answer["size"]})]

    def offering(self, offered):
        """Tools as Gradio offers them -> with the schemas of their answers."""

        async def offer() -> list[types.Tool]:
            return [tool.model_copy(update={"outputSchema": self._schema(tool.name)}) for tool in await offered()]

        return offer

    def answering(self, call):
        """A call as Gradio answers it -> with the answer as JSON that keeps to the schema."""

        async def answer(name: str, arguments: dict[str, Any]) -> types.CallToolResult:
            self._check(name, arguments)
            *seen, told = (await call(name, {n: _plain(value) for n, value in arguments.items()})).content
            value = json.loads(told.text)
            value = _table(value if self.tool_to_endpoint[name] == WITH_NOTES else _short(value))
            return types.CallToolResult(content=[*seen, _json(value)], structuredContent=value)

        return answer

    def _check(self, name: str, arguments: dict[str, Any]):
        """Raises `ValueError` with a sentence where a tool, or an argument of it, is unknown or missing."""
        if name not in self.tool_to_endpoint:
            raise ValueError(f"There is no tool {name[:60]}: choose one of {', '.join(self.tool_to_endpoint)}.")
        schema, _ = self.get_input_schema(name)
        known = list(schema["properties"])
        for argument in arguments:
            if argument not in known:
                near = difflib.get_close_matches(argument[:60], known, 1)
                instead = f"did you mean {near[0]}?" if near else f"choose from {', '.join(known) or 'none'}."
                raise ValueError(f"{argument[:60]}: {name} has no such argument: {instead}")
        for argument in schema.get("required", []):
            if argument not in arguments:
                raise ValueError(f"{argument}: {name} needs it: {schema['properties'][argument]['description']}.")

    def _schema(self, name: str) -> dict:
        """That of a tool's answer."""
        endpoint = self.tool_to_endpoint[name]
        schema = self.api_info["named_endpoints"][endpoint]["returns"][0]["type"]
        if "path" in schema.get("properties", {}):
            return FILE_ANSWER
        schema = schema if endpoint == WITH_NOTES else _short_schema(schema)
        if schema.get("type") == "object":
            return schema
        return {"type": "object", "properties": {"result": schema}, "required": ["result"]}


def _json(value: Any) -> types.TextContent:
    return types.TextContent(type="text", text=json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _plain(value: Any) -> Any:
    """Tables as JSON text: Gradio calls itself by its own client, which would send a file of this server that a table
    names.
    """
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return json.dumps(value) if isinstance(value, dict) else value


def _table(value: Any) -> dict:
    return value if isinstance(value, dict) else {"result": value}


def _short(value: Any) -> Any:
    """Without rows of notes."""
    if isinstance(value, list):
        return [_short(one) for one in value]
    return {n: _short(one) for n, one in value.items() if n != NOTE_ROWS} if isinstance(value, dict) else value


def _short_schema(schema: Any) -> Any:
    """The schema of what is left."""
    if isinstance(schema, list):
        return [_short_schema(one) for one in schema if one != NOTE_ROWS]
    if not isinstance(schema, dict):
        return schema
    return {name: _short_schema(part) for name, part in schema.items() if name != NOTE_ROWS}
