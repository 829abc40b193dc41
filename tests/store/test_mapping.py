"""A mapping as a store."""

from __future__ import annotations

from typing import Any

import pytest
from store_contract import KEY, NEIGHBOUR, SECOND, Reports, StoreContract, frame

from cachy.store.base import Store
from cachy.store.mapping import MappingStore


class TestMapping(StoreContract):
    """The contract."""

    @pytest.fixture
    def store(self) -> Store:
        return MappingStore({})


def test_a_dict_holds_frames() -> None:
    mapping: dict[str, bytes] = {}
    MappingStore(mapping).put(KEY, frame(), SECOND)
    assert mapping == {KEY: frame()}
    assert repr(MappingStore(mapping)) == "<dict>"


@pytest.mark.parametrize(
    "value", [b"", b"junk", "text", 7, [], {}, frame(key=NEIGHBOUR), frame()[:-1]], ids=repr
)
def test_whatever_a_mapping_holds_is_passed_over(value: Any) -> None:
    reports = Reports()
    assert MappingStore({KEY: value}).get(KEY, reports) is None
    assert [where for where, _ in reports] == [KEY]
