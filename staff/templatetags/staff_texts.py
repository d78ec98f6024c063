"""The filters of the admin's templates for ids in texts."""

from django import template

from staff.display import short_ids, shortened

register = template.Library()
register.filter(short_ids)
register.filter(shortened)
