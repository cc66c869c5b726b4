"""The description of the server's addresses that other programs read (OpenAPI 3.1)."""

from __future__ import annotations

from typing import Any

from engine import VERSION
from engine.server.limits import ServerLimits


def openapi_document(limits: ServerLimits) -> dict[str, Any]:
    """Returns what GET /openapi.json answers."""
    refusals = {
        "400": "The request is damaged, cut off, or in none of the forms.",
        "401": "The token is missing or wrong.",
        "408": "The request did not arrive in time.",
        "413": "The request or a picture is too large, or there are too many.",
        "415": "The body is of another type.",
        "422": "The only picture of the request cannot be read.",
        "503": "Too many requests at once; Retry-After says when to try again.",
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Graft prediction server",
            "version": VERSION,
            "description": "Classifies pictures on this computer. Send the token as `Authorization: Bearer TOKEN`.",
        },
        "paths": {
            "/health": {
                "get": {
                    "summary": "Whether the server is ready",
                    "security": [],
                    "responses": {"200": _json("It is.", _object({"status": {"type": "string"}}))},
                }
            },
            "/model": {
                "get": {
                    "summary": "What the model knows",
                    "responses": {
                        "200": _json("Classes and thresholds.", _ref("Model")),
                        "401": _refusal(refusals["401"]),
                    },
                }
            },
            "/predict": {
                "post": {
                    "summary": "The classes of pictures",
                    "description": (
                        f"One picture as the body, a form with files, or JSON; at most {limits.images} pictures, "
                        f"{limits.body_bytes >> 20} MB together, {limits.image_bytes >> 20} MB and "
                        f"{limits.pixels // 1_000_000} million pixels each. Pictures are named by ids: paths and "
                        "addresses are never read."
                    ),
                    "requestBody": {
                        "required": True,
                        "content": {
                            "image/*": {"schema": {"type": "string", "format": "binary"}},
                            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
                            "multipart/form-data": {
                                "schema": {
                                    "type": "object",
                                    "properties": {
                                        "image": {"type": "array", "items": {"type": "string", "format": "binary"}}
                                    },
                                }
                            },
                            "application/json": {"schema": _ref("Upload")},
                        },
                    },
                    "responses": {
                        "200": _json("One entry for each picture, in their order.", _ref("Answer")),
                        **{status: _refusal(text) for status, text in refusals.items()},
                    },
                }
            },
        },
        "security": [{"token": []}],
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
    }


def _schemas() -> dict[str, Any]:
    share = {"type": "number", "minimum": 0, "maximum": 1}
    text = {"type": "string"}
    return {
        "Upload": _object(
            {"images": _list(_object({"id": text, "data": text | {"contentEncoding": "base64"}}, ["data"]))}, ["images"]
        ),
        "Answer": _object(
            {"predictions": _list(_ref("Prediction")), "failed": _list(_object({"image": text, "reason": text}))}
        ),
        "Prediction": _object(
            {
                "image": text | {"description": "The id or file name that it was sent with, else its number."},
                "class": {"type": ["string", "null"], "description": "The likeliest, also of an unknown picture."},
                "classes": _list(text) | {"description": "Where pictures may have several classes."},
                "confidence": share,
                "unknown": {"type": "boolean", "description": "It looks like none of the classes."},
                "unknown_score": {"type": ["number", "null"]},
                "probabilities": {"type": "object", "additionalProperties": share},
            },
            ["image", "class", "confidence", "unknown", "unknown_score", "probabilities"],
        ),
        "Model": _object(
            {
                "program": text,
                "version": text,
                "model": text,
                "classes": _list(text),
                "mode": {"enum": ["one", "several"]},
                "thresholds": {"type": ["array", "null"], "items": share},
                "unknown_threshold": share,
            }
        ),
        "Error": _object({"error": _object({"code": text, "message": text})}),
    }


def _object(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required or list(properties)}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _refusal(description: str) -> dict[str, Any]:
    return _json(description, _ref("Error"))
