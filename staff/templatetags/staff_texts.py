"""The filters of the admin's templates for texts and numbers that pages show."""

from django import template

from staff.display import short_ids, shortened, written

register = template.Library()
register.filter(short_ids)
register.filter(shortened)
register.filter(written)
