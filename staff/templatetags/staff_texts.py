"""The filters of the admin's templates for texts that have whole ids in them."""

from django import template

from staff.display import short_ids, shortened

register = template.Library()
register.filter(short_ids)
register.filter(shortened)
