"""What a person sends to start a run."""

from typing import Any

from django import forms

from classifier.models import ModelVersion
from datasets.choices import SetState
from datasets.models import DataSet
from training.choices import Kind
from training.options import INPUT_SIZES, NETWORKS, OPTIONS, Option, chosen

NETWORK_NAMES = {
    "full": "InceptionV3, cut behind mixed8",
    "short": "Its first blocks alone, for a trial",
}


class StartForm(forms.Form):
    model_id = forms.SlugField(
        label="Name of the model",
        max_length=80,
        help_text="Letters, digits, dashes and underscores; it must be new.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    kind = forms.ChoiceField(
        label="What learns",
        choices=[
            (Kind.TRANSFER, "Transfer learning: a new last layer, the network stays as it is"),
            (Kind.FINE_TUNING, "Fine-tuning: the network learns too"),
        ],
    )
    data_sets = forms.ModelMultipleChoiceField(
        label="Data sets",
        queryset=DataSet.objects.none(),
        to_field_name="slug",
        error_messages={
            "required": "Choose at least one data set.",
            "invalid_choice": "That data set is not ready any more.",
        },
    )
    start = forms.ModelChoiceField(
        label="Goes on from",
        queryset=ModelVersion.objects.none(),
        to_field_name="model_id",
        required=False,
        empty_label="ImageNet's weights",
        help_text="A version's network, or the one that everybody begins with.",
    )
    network = forms.ChoiceField(
        label="Network",
        choices=[(name, NETWORK_NAMES[name]) for name in NETWORKS],
        help_text="Where it begins with ImageNet's weights; a version keeps its own.",
    )
    input_size = forms.TypedChoiceField(
        label="Input",
        coerce=int,
        choices=[(size, f"{size} x {size} pixels") for size in INPUT_SIZES],
        initial=192,
        help_text="As above.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sets: Any = self.fields["data_sets"]
        sets.queryset = DataSet.objects.filter(state=SetState.READY)
        start: Any = self.fields["start"]
        start.queryset = ModelVersion.objects.all()
        for option in OPTIONS:
            self.fields[option.name] = _field(option)

    @property
    def of_the_head(self) -> list[forms.BoundField]:
        return [self[option.name] for option in OPTIONS if len(option.kinds) > 1]

    @property
    def of_fine_tuning(self) -> list[forms.BoundField]:
        return [self[option.name] for option in OPTIONS if len(option.kinds) == 1]

    def options(self) -> dict[str, Any]:
        """Of a valid form."""
        return chosen(
            kind=self.cleaned_data["kind"],
            values=self.cleaned_data,
            network=self.cleaned_data["network"],
            input_size=self.cleaned_data["input_size"],
            goes_on=self.cleaned_data["start"] is not None,
        )


def _field(option: Option) -> forms.Field:
    make: Any = forms.IntegerField if option.whole else forms.FloatField
    field: forms.Field = make(
        label=option.label,
        help_text=option.help,
        initial=option.default,
        min_value=option.low,
        max_value=option.high,
    )
    field.widget.attrs["inputmode"] = "numeric" if option.whole else "decimal"
    if not option.whole:
        field.widget.attrs["step"] = "any"
    return field
