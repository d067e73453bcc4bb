"""What the shared components in templates/components need from Python."""

from django import forms, template
from django.forms.boundfield import BoundField
from django.utils.safestring import SafeString

from review.choices import LETTERS, Label

register = template.Library()


@register.filter
def letter(label: str) -> str:
    """The class's letter; ? for unidentified, which goes with a hue everywhere."""
    return LETTERS.get(label, "?")


@register.filter
def hue(label: str) -> str:
    """The CSS class that carries the class's hue."""
    return f"hue-{letter(label).replace('?', 'u').lower()}"


@register.filter
def label_name(label: str) -> str:
    """What people call the class; empty for no label."""
    return str(Label(label).label) if label in Label.values else ""


@register.filter
def control(field: BoundField) -> SafeString:
    """The form control with the Bootstrap class of its kind; the widget's own classes stay."""
    widget = field.field.widget
    if isinstance(widget, forms.CheckboxInput):
        kind = "form-check-input"
    elif isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        return field.as_widget()
    elif isinstance(widget, forms.Select):
        kind = "form-select"
    else:
        kind = "form-control"
    classes = [kind, str(widget.attrs.get("class", ""))]
    if field.errors:
        classes.append("is-invalid")
    return field.as_widget(attrs={"class": " ".join(filter(None, classes))})


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, forms.CheckboxInput)
