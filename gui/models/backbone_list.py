"""The backbones that the dialog lists: those on this machine, the rest of the catalogue, and what a search finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from engine.backbones import CATALOGUE, STARTER_KEY, TIMM_PREFIX, BackboneSpec, LicenceKind, find_timm, spec
from engine.language import tr, trc
from gui import wording

SPEC_ROLE = Qt.ItemDataRole.UserRole
STATE_ROLE = Qt.ItemDataRole.UserRole + 1
RECOMMENDED_ROLE = Qt.ItemDataRole.UserRole + 2
RECOMMENDED = tr("Recommended")
MOST_FOUND = 60

IN_USE, HERE, TO_GET, GONE = tr("in use"), tr("on this machine"), trc("state", "download"), tr("not part of this copy")
_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Row:
    """One backbone, or the heading above some when `spec` is None."""

    spec: BackboneSpec | None
    text: str
    state: str = ""
    is_recommended: bool = False


def rows_for(
    text: str, others: Sequence[BackboneSpec], available: frozenset[str], in_use: str, recommended: str = ""
) -> list[Row]:
    """Returns what the list shows for a search; an empty one means the whole catalogue.

    Args:
        text: what is looked for in names, word by word.
        others: backbones on this machine that are not in the catalogue.
        available: keys whose weights are here.
        in_use: key of the backbone that the project uses.
        recommended: key of the one to take on this machine, the first of those to download; "" while nobody knows.
    """
    words = text.lower().replace("_", " ").split()
    listed = [each for each in (*others, *CATALOGUE.values()) if _has_words(each, words)]
    here = [each for each in listed if each.key in available or each.key == STARTER_KEY]
    to_get = [each for each in listed if each not in here and each.url]
    known = {each.key for each in listed}
    found = [TIMM_PREFIX + name for name in find_timm(text, MOST_FOUND)]
    more = [spec(key) for key in found if key not in known]
    rows: list[Row] = []
    for heading, specs in ((tr("On this machine"), here), (tr("To download"), to_get), (tr("More networks"), more)):
        if specs:
            rows.append(Row(None, heading))
            ordered = (
                sorted(specs, key=lambda each: (each.key != in_use, each.size_bytes))
                if specs is here
                else sorted(specs, key=lambda each: each.key != recommended)
            )
            rows += [
                Row(each, each.display_name, _state_of(each, available, in_use), each.key == recommended)
                for each in ordered
            ]
    if len(found) == MOST_FOUND:
        rows.append(Row(None, tr("There are more: type more of the name")))
    return rows


def _has_words(record: BackboneSpec, words: Sequence[str]) -> bool:
    name = f"{record.display_name} {record.model_name} {record.key}".lower().replace("_", " ")
    return all(word in name for word in words)


def _state_of(record: BackboneSpec, available: frozenset[str], in_use: str) -> str:
    if record.key == in_use:
        return IN_USE
    if record.key in available:
        return HERE
    return GONE if record.key == STARTER_KEY else TO_GET


def licence_words(record: BackboneSpec) -> str:
    """Returns what the licence means where it is not free for every use, else ""."""
    return {
        LicenceKind.FREE: "",
        LicenceKind.NON_COMMERCIAL: tr("not for commercial use"),
        LicenceKind.OWN_TERMS: tr("own terms of use"),
    }[record.licence_kind]


class BackboneListModel(QAbstractListModel):
    """The rows, with what assistive technology reads of them."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []

    def set_rows(self, rows: list[Row]) -> None:
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def row_of(self, key: str) -> int:
        """Returns the place of a backbone, -1 when it is not listed."""
        return next((place for place, row in enumerate(self._rows) if row.spec is not None and row.spec.key == key), -1)

    def first_row(self) -> int:
        """Returns the place of the first backbone, -1 when there is none."""
        return next((place for place, row in enumerate(self._rows) if row.spec is not None), -1)

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == SPEC_ROLE:
            return row.spec
        if role == STATE_ROLE:
            return row.state
        if role == RECOMMENDED_ROLE:
            return row.is_recommended
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return row.text
        if role == Qt.ItemDataRole.AccessibleDescriptionRole and row.spec is not None:
            size = wording.size(row.spec.size_bytes)
            marked = RECOMMENDED if row.is_recommended else ""
            parts = (
                marked,
                row.state,
                size,
                wording.speed(row.spec.speed_class),
                row.spec.licence,
                licence_words(row.spec),
            )
            return ", ".join(part for part in parts if part)
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        if index.isValid() and self._rows[index.row()].spec is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
