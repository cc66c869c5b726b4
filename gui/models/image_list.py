"""The images on show, as one array of row indices, and as an item model for views and assistive technology."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from engine.domain import NO_CLASS, ImageClass, ImageColumns, ImageStatus, class_ids_of
from engine.language import tr
from gui.columns import has_open_suggestion, is_refused, suggested_ids_at
from gui.models.image_filter import ImageFilter, Order, Rows, Show, matches, ordered_rows
from gui.models.image_index import ImageIndex
from gui.models.image_states import codes_of, has_several_classes, words_of

AnyIndex = QModelIndex | QPersistentModelIndex
BLOCK = 16_384
LATE_ORDERS = (Order.NAME, Order.DATE)


class ImageListModel(QAbstractListModel):
    """Item i of the model is row `rows[i]` of the columns.

    The list is stable: a label changes what an item shows, never which items there are, so that nothing moves under
    the user's eyes. `refresh()` applies the filter again.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns: ImageColumns | None = None
        self.filter = ImageFilter()
        self.order = Order.FILED
        self.image_index = ImageIndex()
        self.rows: Rows = np.zeros(0, np.int64)
        self.note_of: Callable[[int], str] = lambda _row: ""
        """What else there is to say of a row of the columns."""
        self._class_names: dict[int, str] = {}
        self._class_places: NDArray[np.uint16] = np.zeros(0, np.uint16)
        self._positions: NDArray[np.int64] | None = None
        self._still_matches: NDArray[np.bool_] | None = None

    # ------------------------------------------------------------------------------------------------ what is shown

    def set_columns(self, columns: ImageColumns | None, index: ImageIndex | None = None) -> None:
        """Shows another project, or the same one with other images."""
        self.columns = columns
        self.image_index = index or ImageIndex(columns)
        self.refresh()

    def set_classes(self, classes: Sequence[ImageClass]) -> None:
        """Takes over the names of the classes and their order in the palette."""
        self._class_names = {each.id: each.name for each in classes}
        self._class_places = np.full(max(self._class_names, default=0) + 1, 32_767, np.uint16)
        for place, each in enumerate(classes):
            self._class_places[each.id] = place

    def set_filter(self, wanted: ImageFilter, order: Order | None = None) -> None:
        """Shows other images, or the same in another order."""
        self.filter = wanted
        self.order = order if order is not None else self.order
        self.refresh()

    def refresh(self) -> None:
        """Applies filter and order to the columns as they are now."""
        self.beginResetModel()
        if self.columns is None:
            self.rows = np.zeros(0, np.int64)
        else:
            self.rows = ordered_rows(self.columns, self.filter, self.order, self.image_index, self._class_places)
        self._positions = None
        self._still_matches = None
        self.endResetModel()

    def note_changes(self, rows: Rows) -> None:
        """Takes over that labels or suggestions of these rows changed; costs only those rows."""
        if self._still_matches is None or self.columns is None or not self.filter.is_active:
            return
        positions = self.positions_of_rows(rows)
        kept = positions >= 0
        self._still_matches[positions[kept]] = matches(self.columns, self.filter, self.image_index, rows[kept])

    def num_gone(self) -> int:
        """Returns how many images of the list no longer pass the filter."""
        return len(self.rows) - int(np.count_nonzero(self.still_matches()))

    # --------------------------------------------------------------------------------------------------- positions

    def image_ids(self, positions: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Returns the image ids at these positions, or all of them."""
        if self.columns is None:
            return np.zeros(0, np.int64)
        rows = self.rows if positions is None else self.rows[positions]
        return self.columns.image_ids[rows]

    def image_id(self, position: int) -> int | None:
        """Returns the image at a position, or None outside the list."""
        if self.columns is None or not 0 <= position < len(self.rows):
            return None
        return int(self.columns.image_ids[self.rows[position]])

    def position_of_row(self, row: int) -> int:
        """Returns where a row of the columns is in the list, or -1."""
        positions = self._all_positions()
        return int(positions[row]) if 0 <= row < len(positions) else -1

    def positions_of_rows(self, rows: Rows) -> NDArray[np.int64]:
        """Returns where rows of the columns are in the list, -1 for those that are not."""
        return self._all_positions()[rows]

    def _all_positions(self) -> NDArray[np.int64]:
        if self._positions is None:
            size = len(self.columns) if self.columns is not None else 0
            self._positions = np.full(size, -1, np.int64)
            self._positions[self.rows] = np.arange(len(self.rows))
        return self._positions

    def still_matches(self) -> NDArray[np.bool_]:
        """Returns per position whether its image passes the filter as it is now."""
        if self._still_matches is None:
            if self.columns is None:
                return np.zeros(0, np.bool_)
            if not self.filter.is_active:
                self._still_matches = np.ones(len(self.rows), np.bool_)
            else:
                self._still_matches = matches(self.columns, self.filter, self.image_index, self.rows)
        return self._still_matches

    def next_position(self, after: int) -> int:
        """Returns the first position behind `after` that still passes the filter, going round once, or -1."""
        mask = self.still_matches()
        return self._first(after, lambda start, stop: mask[start:stop])

    def next_unlabelled(self, after: int) -> int:
        """Returns the next position whose image is still to be labelled, going round once, or -1."""
        columns = self.columns
        if columns is None:
            return -1
        wanted = ImageFilter(Show.UNLABELLED)
        return self._first(after, lambda start, stop: matches(columns, wanted, self.image_index, self.rows[start:stop]))

    def _first(self, after: int, mask_of: Callable[[int, int], NDArray[np.bool_]]) -> int:
        """Looks block by block, because the next one is nearly always near."""
        size = len(self.rows)
        for first, last in ((after + 1, size), (0, max(0, after))):
            for start in range(first, last, BLOCK):
                mask = mask_of(start, min(last, start + BLOCK))
                if mask.any():
                    return start + int(np.argmax(mask))
        return -1

    # -------------------------------------------------------------------------------------------------- item model

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 (Qt's signature)
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self.columns is None or not 0 <= index.row() < len(self.rows):
            return None
        row = int(self.rows[index.row()])
        if role == Qt.ItemDataRole.DisplayRole:
            return self.columns.names[row]
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{self.columns.names[row]}\n{self.describe(row)}"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{self.columns.names[row]}, {self.describe(row)}"
        return None

    def describe(self, row: int) -> str:
        """Returns in words what an image's card shows."""
        if self.columns is None:
            return ""
        words = [self._describe_class(row), *words_of(int(codes_of(self.columns, np.array([row]))[0]))]
        if self.columns.statuses[row] != ImageStatus.READABLE:
            is_missing = self.columns.statuses[row] == ImageStatus.MISSING
            words.append(tr("file missing") if is_missing else tr("cannot be read"))
        note = self.note_of(row)
        return ", ".join([*words, note] if note else words)

    def class_ids_at(self, row: int) -> list[int]:
        """Returns the classes of a row of the columns, in the order of the palette."""
        columns = self.columns
        if columns is None:
            return []
        if not has_several_classes(columns):
            class_id = int(columns.class_ids[row])
            return [class_id] if class_id != NO_CLASS else []
        return self._in_palette_order(class_ids_of(columns.class_bits[row].tolist()))

    def suggested_ids_at(self, row: int) -> list[int]:
        """Returns the classes that wait to be accepted besides those that a row of the columns has, in palette order.

        Where images have several classes.
        """
        return self._in_palette_order(suggested_ids_at(self.columns, row)) if self.columns is not None else []

    def _in_palette_order(self, class_ids: list[int]) -> list[int]:
        places = self._class_places
        return sorted(class_ids, key=lambda each: int(places[each]) if each < len(places) else each)

    def _describe_class(self, row: int) -> str:
        columns = self.columns
        assert columns is not None
        class_ids = self.class_ids_at(row)
        if class_ids:
            return self._joined(class_ids)
        if columns.look_unknown(np.array([row]))[0]:
            return tr("looks like none of the classes")
        predicted_id = int(columns.predicted_ids[row])
        if has_several_classes(columns) and has_open_suggestion(columns, np.array([row]))[0]:
            names = self._joined(self._in_palette_order(suggested_ids_at(columns, row)))
            if not names:
                return tr("suggested none of the classes {percent:.0f}%", percent=100 * columns.confidences[row])
        elif predicted_id == NO_CLASS or is_refused(columns, np.array([row]))[0]:
            return tr("unlabelled")
        else:
            names = self._class_names.get(predicted_id, "")
        return tr("suggested {classes} {percent:.0f}%", classes=names, percent=100 * columns.confidences[row])

    def _joined(self, class_ids: list[int]) -> str:
        """Returns the names of classes, e.g. "rust and dust", "" for none."""
        return tr(" and ").join(self._class_names.get(each, tr("deleted class")) for each in class_ids)
