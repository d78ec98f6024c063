"""Staff and their groups: Django's pages, which take what they show like all others."""

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
