"""The forms of rows that several people may have open at once."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest, QueryDict
from django.utils.functional import cached_property

from kynaplatform.api.names import visible

DEFAULT = "default"


class AsShownForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form that writes what was changed on its page, and nothing else.

    Hidden fields keep what the page showed. What a colleague has changed since stays; what both
    have changed is an error.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A page of the release before sends none: it is compared with the row.
        sent = not self.is_bound or any(one.startswith("initial-") for one in self.data)
        # Nothing of a row that is being made was there before.
        sent = sent and not self.instance._state.adding
        if sent and self.is_bound:
            # What was shown empty sends nothing. Without a value Django shows a page that has an
            # error with what was just typed as what was shown.
            data = cast(QueryDict, self.data).copy()
            for name in self.fields:
                data.setlistdefault(self.add_initial_prefix(name), [])
            self.data = data
        for name, field in self.fields.items():
            # A browser sends a line break, which names had before, as another one.
            is_one_line = {"\n", "\r"}.isdisjoint(str(self.get_initial_for_field(field, name)))
            field.show_hidden_initial = sent and is_one_line and not field.disabled

    @cached_property
    def changed_data(self) -> list[str]:
        return [name for name in super().changed_data if self._differs(name, self[name].data)]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        for name, field in self.fields.items():
            if name not in self.changed_data:
                given.pop(name, None)
            elif field.show_hidden_initial and self._differs(name, self._shown(name)):
                now = _told(self[name].initial)
                self.add_error(name, f"It was changed meanwhile to {now}: open this page anew.")
        return given

    def _shown(self, name: str) -> Any:
        widget = self.fields[name].hidden_widget()
        return widget.value_from_datadict(self.data, self.files, self[name].html_initial_name)

    def _differs(self, name: str, data: Any) -> bool:
        """Whether `data`, as a page sends it, is another value than the row has now."""
        return self.fields[name].has_changed(self[name].initial, data)


class AsShownAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A page with such a form."""

    form = AsShownForm

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        # Only what was written: a colleague's suspension of this moment must not be undone.
        columns = {column.name for column in obj._meta.concrete_fields}
        obj.save(update_fields=columns.intersection(form.changed_data) if change else None)


def changes_of(form: "forms.BaseModelForm[Any]") -> str:
    """The fields that a form changed, each with its value and the one before."""
    return ", ".join(
        f"{name} {limit_told(form.cleaned_data[name])} "
        f"(was {visible(str(limit_told(form.initial[name])))})"
        for name in form.changed_data
    )


def limit_told(limit: Any) -> Any:
    return DEFAULT if limit is None else limit


def _told(value: Any) -> str:
    text = ", ".join(sorted(map(str, value))) if isinstance(value, list) else str(value)
    return "nothing" if value is None else text or "nothing"
