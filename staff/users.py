"""The pages of staff and their groups: Django's own, with strict query strings."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User

from staff.query_parameters import StrictAdmin

admin.site.unregister([User, Group])


@admin.register(User)
class StaffUserAdmin(StrictAdmin, UserAdmin):  # type: ignore[type-arg]
    show_facets = admin.ShowFacets.NEVER


@admin.register(Group)
class StaffGroupAdmin(StrictAdmin, GroupAdmin):
    list_display = ["name"]
    show_facets = admin.ShowFacets.NEVER
