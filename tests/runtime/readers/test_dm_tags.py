"""Tags of DM files that would keep rosettasciio busy for ever (found by fuzzing) are refused before it sees them."""

import struct
from pathlib import Path

import pytest

from micrograph_files import dm3, dm3_of, dm3_tag, rod_image
from nanomorph.micrograph import ReadError
from nanomorph.readers.dm_tags import MOST_FIELDS, MOST_VALUES, _Tags, check_tags

FORMATS = Path(__file__).parents[3].parent / "shared" / "data" / "formats"

STRUCT, STRING, ARRAY, LONG = 15, 18, 20, 3
ABSURD = {
    "two billion empty structures": (dm3_tag("a", [ARRAY, STRUCT, 0, 0, 2**31 - 1]), "values"),
    "two billion empty texts": (dm3_tag("a", [ARRAY, STRING, 0, 2**31 - 1]), "values"),
    "a long text": (dm3_tag("a", [STRING, 10**6]), "a text of 1000000 characters"),
    "many fields": (
        dm3_tag("a", [STRUCT, 0, MOST_FIELDS + 1, *[0, LONG] * (MOST_FIELDS + 1)]),
        "a structure of 1001 fields",
    ),
}


@pytest.mark.parametrize("kind", ABSURD)
def test_absurd_counts_are_refused(kind: str) -> None:
    tag, words = ABSURD[kind]
    with pytest.raises(ReadError, match=words) as refused:
        check_tags("a.dm3", dm3_of([tag]))
    assert refused.value.reason == "unreadable"


def test_pixels_of_negative_size_are_refused() -> None:
    # rosettasciio would go back to the tag that it has just read, two billion times.
    group = bytes([20, 0, 9]) + b"ImageData" + bytes(2) + (1).to_bytes(4, "big")
    with pytest.raises(ReadError, match="-6 pixels"):
        check_tags("a.dm3", dm3_of([group + dm3_tag("Data", [ARRAY, LONG, -6])]))


def test_values_that_are_not_there_do_not_count() -> None:
    check_tags("a.dm3", dm3_of([dm3_tag("a", [ARRAY, LONG, 2 * MOST_VALUES])]))


def test_pixels_that_reach_beyond_every_file_are_not_followed() -> None:
    tag = struct.pack(">Bh4sQ4s4q", 21, 4, b"Data", 0, b"%%%%", 3, ARRAY, LONG, 2**62)
    group = struct.pack(">Bh9sQBBq", 20, 9, b"ImageData", 0, 0, 0, 2) + tag
    check_tags("a.dm4", struct.pack(">IQI", 4, 0, 1) + struct.pack(">BBq", 0, 0, 1) + group)


def test_it_goes_through_all_tags_of_real_files() -> None:
    files = sorted(FORMATS.glob("*.dm[34]"))
    if not files:
        pytest.skip("needs ../shared/data/formats")
    for path in files:
        data = path.read_bytes()
        tags = _Tags(path.name, data)
        tags.walk()  # raises struct.error where it loses its way
        assert len(data) - tags._at < 64  # behind the last tag are zeros


def test_a_sound_file_and_its_every_beginning_pass() -> None:
    whole = dm3(rod_image(1, 40))
    for end in range(0, len(whole), 7):
        check_tags("a.dm3", whole[:end])
