"""Registers every page, for Django's autodiscovery. The pages of staff and their groups are here:
Django's own, except that nobody gives or takes away permissions that he does not hold himself.

On Django's pages, whoever may change accounts can make himself a superuser, or set a superuser's
password.
"""

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from staff import (  # noqa: F401
    credentials,
    erasures,
    log_entries,
    movespecs,
    organizations,
    sessions,
    usage_months,
    webhooks,
)
from staff.base import AsShownAdmin, AsShownForm
from staff.lists import StrictAdmin

admin.site.unregister([User, Group])


def permissions_of(one: User | Group) -> QuerySet[Permission]:
    """The permissions of a group; or those of an account, its own and its groups', once active."""
    if isinstance(one, Group):
        return one.permissions.all()
    return Permission.objects.filter(
        Q(pk__in=one.user_permissions.values("pk")) | Q(group__in=one.groups.all())
    )


def beyond(user: User) -> QuerySet[Permission]:
    return Permission.objects.exclude(pk__in=permissions_of(user).values("pk"))


class WithinOwnAdmin(AsShownAdmin, StrictAdmin):
    """A page of a holder of permissions. It is read-only to users who do not hold all of them."""

    show_facets = admin.ShowFacets.NEVER

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._is_within(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._is_within(request, obj)

    def _is_within(self, request: HttpRequest, one: User | Group | None) -> bool:
        user = _asker(request)
        if one is None or user.is_superuser:
            return True
        if isinstance(one, User) and one.is_superuser:
            return False
        return not beyond(user).filter(pk__in=permissions_of(one).values("pk")).exists()

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        if not _asker(request).is_superuser:
            lacked = beyond(_asker(request)).values("pk")
            kwargs["queryset"] = (
                Group.objects.exclude(permissions__in=lacked)
                if db_field.related_model is Group
                else Permission.objects.exclude(pk__in=lacked)
            )
        return super().formfield_for_manytomany(db_field, request, **kwargs)


def _asker(request: HttpRequest) -> User:
    return cast(User, request.user)


class AccountForm(AsShownForm, UserChangeForm):  # type: ignore[type-arg]
    pass


@admin.register(User)
class StaffUserAdmin(WithinOwnAdmin, UserAdmin):  # type: ignore[type-arg]
    form = AccountForm

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Without the password where it may not be set: Django shows its hash and a link."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        return [
            (name, {**options, "fields": [one for one in options["fields"] if one != "password"]})
            for name, options in fieldsets
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        own = super().get_readonly_fields(request, obj)
        return own if _asker(request).is_superuser else (*own, "is_superuser")


@admin.register(Group)
class StaffGroupAdmin(WithinOwnAdmin, GroupAdmin):
    list_display = ["name"]
