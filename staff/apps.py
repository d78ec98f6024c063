from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate


class StaffConfig(AppConfig):
    name = "staff"

    def ready(self) -> None:
        from staff.roles import make_roles

        post_migrate.connect(make_roles, dispatch_uid="staff.roles")


class StaffAdminConfig(AdminConfig):
    """Django's admin, with our site as `admin.site`."""

    default_site = "staff.site.StaffSite"
