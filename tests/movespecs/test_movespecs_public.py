"""Public and not delisted: the condition, its SQL and the property say the same of every row."""

from itertools import product

import pytest
from django.db.models.expressions import RawSQL
from django.utils import timezone

from movespecs.models import MoveSpec, Visibility, public_sql


@pytest.mark.parametrize(
    ("visibility", "is_delisted", "is_archived"),
    product(Visibility.values, (False, True), (False, True)),
)
def test_it_is_public(owner, visibility, is_delisted, is_archived):
    now = timezone.now()
    movespec = MoveSpec.objects.create(
        project=owner.project,
        name="Squat",
        visibility=visibility,
        delisted_at=now if is_delisted else None,
        archived_at=now if is_archived else None,
    )
    is_public = visibility == "public" and not is_delisted
    in_sql = RawSQL(public_sql("movespecs_movespec"), ())  # noqa: S611
    (told,) = MoveSpec.objects.values_list(in_sql, flat=True)
    assert (movespec.is_public, MoveSpec.objects.public().exists(), told) == (is_public,) * 3
