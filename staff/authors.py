"""Who did something, by name: a member of staff, a credential as a link to its page, or the
platform."""

from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Subquery
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kynaplatform.api.names import visible
from projects.models import Credential
from staff.display import short_id
from staff.links import OF_KIND, link_to, may_view

PLATFORM = "the platform"


def with_author(rows: Any, column: str, user: Any) -> Any:
    """`rows` with the name and kind of the credential in `column`, and whether `user` may see it.

    Read with the rows: a list of fifty takes no more statements than one of none.
    """
    author = Credential.objects.filter(pk=OuterRef(column))
    seen = [kind for kind, model in OF_KIND.items() if may_view(user, model)]
    return rows.annotate(
        author_name=Subquery(author.values("name")[:1]),
        author_kind=Subquery(author.filter(kind__in=seen).values("kind")[:1]),
    )


def author_of(row: Any, credential_id: UUID | None) -> SafeString | str:
    """The author of a row of `with_author`, which `credential_id` is."""
    if credential_id is None:
        return PLATFORM
    if row.author_name is None:  # of a database that was made by hand
        return format_html("a credential {}", short_id(credential_id))
    name = visible(row.author_name)
    if row.author_kind is None:
        return name
    return link_to(OF_KIND[row.author_kind](pk=credential_id, kind=row.author_kind), name)


def author_of_release(release: Any) -> SafeString | str:
    """The same of a release, which staff may have made."""
    if release.released_by_staff is not None:
        return str(release.released_by_staff.get_username())
    return author_of(release, release.released_by_credential)
