"""Turns what was read of a file into what the store keeps of an image."""

from __future__ import annotations

import os

from engine.domain import ImageRecord, ImageStatus, NewImage
from engine.images.scan import FileFacts
from engine.language import tr


def new_image(facts: FileFacts, known: ImageRecord | None = None) -> NewImage:
    """Returns what the store keeps of a file. Where it could not be read, what was known of its content stays."""
    found, info = facts.found, facts.info
    place = os.fsencode(found.relative_path)
    has_failed = facts.status is not ImageStatus.READABLE
    if not facts.content_hash and has_failed and known is not None and known.content_hash:
        return _as_known(known, place, ImageStatus.UNREADABLE, facts.reason)
    return NewImage(
        relative_path=place,
        content_hash=facts.content_hash,
        size_bytes=found.size_bytes,
        mtime_ns=found.mtime_ns,
        width_px=info.width_px if info else 0,
        height_px=info.height_px if info else 0,
        orientation=info.orientation if info else 1,
        taken_at=info.taken_at if info else None,
        camera=info.camera if info else "",
        status=facts.status,
        reason=facts.reason,
    )


def set_aside(record: ImageRecord, facts: FileFacts) -> NewImage:
    """Returns an image as missing, at a place that no file has, beside the one that a file wants."""
    place = os.fsencode(f"{facts.found.relative_path} (replaced, image {record.id})")
    return _as_known(record, place, ImageStatus.MISSING, tr("Another image has taken its place."))


def _as_known(record: ImageRecord, place: bytes, status: ImageStatus, reason: str) -> NewImage:
    return NewImage(
        relative_path=place,
        content_hash=record.content_hash,
        size_bytes=record.size_bytes,
        mtime_ns=record.mtime_ns,
        width_px=record.width_px,
        height_px=record.height_px,
        orientation=record.orientation,
        taken_at=record.taken_at,
        camera=record.camera,
        status=status,
        reason=reason,
    )
