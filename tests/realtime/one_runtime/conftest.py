from collections.abc import Iterator
from typing import Any

import pytest
from stage import staged_database


@pytest.fixture(scope="module")
def db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """One database for the tests of a module, and for the runtime that they share."""
    with staged_database(django_db_blocker):
        yield
