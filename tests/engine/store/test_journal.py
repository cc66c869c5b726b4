"""The journal file by itself: lines that prove themselves, and an end that is found without reading everything."""

from __future__ import annotations

import json
import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.store.journal import Journal, last_seq, read_lines, sealed, unsealed


def line(seq: int, **fields: object) -> str:
    return json.dumps({"seq": seq, "kind": "test", **fields}, separators=(",", ":"))


def filled(file: Path, num_lines: int, size: int = 10) -> Journal:
    journal = Journal(file)
    journal.append([(seq, line(seq, filler="x" * size)) for seq in range(1, num_lines + 1)])
    journal.sync()
    return journal


@given(st.text(), st.integers(0, 10**9))
def test_a_sealed_line_is_json_and_says_what_it_said(text: str, seq: int) -> None:
    raw = sealed(line(seq, text=text))
    assert json.loads(raw)["text"] == text
    found = unsealed(raw)
    assert found is not None
    assert (found.seq, found.fields["text"], found.text) == (seq, text, line(seq, text=text))


def test_any_altered_byte_is_noticed() -> None:
    rng = random.Random(0)
    raw = sealed(line(5, text="rust"))
    for place in range(len(raw) - 1):
        altered = bytearray(raw)
        altered[place] ^= 1 << rng.randrange(8)
        assert unsealed(bytes(altered)) is None


def test_the_end_is_found_behind_long_and_torn_lines(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    journal = filled(file, 3, size=300_000)
    journal.close()
    assert last_seq(file) == 3
    with open(file, "ab") as torn:
        torn.write(sealed(line(4, filler="y" * 200_000))[:100_000])
    assert last_seq(file) == 3
    journal = Journal(file)
    assert journal.last_seq == 3
    journal.append([(4, line(4))])
    journal.close()
    assert [found.seq for found in read_lines(file)] == [1, 2, 3, 4]
    assert last_seq(file) == 4


def test_an_empty_journal_and_one_of_noise_end_at_zero(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    Journal(file).close()
    assert last_seq(file) == 0
    file.write_bytes(random.Random(1).randbytes(200_000))
    assert last_seq(file) == 0
    assert list(read_lines(file)) == []


def test_lines_after_a_number_come_once_and_in_order(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    journal = filled(file, 4)
    journal.append([(4, line(4)), (5, line(5))])  # as after a crash between writing and noting it
    journal.close()
    assert [found.seq for found in read_lines(file, after=2)] == [3, 4, 5]
