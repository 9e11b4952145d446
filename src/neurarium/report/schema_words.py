"""What examples look like, in words."""

from neurarium.record.schema import Field, Schema

_FEW = 5
_NAMED_UP_TO = 50  # categories that are all named
_FIRST = 10  # categories that are named where there are more


def inputs_in_words(schema: Schema) -> str:
    """What a net looks at, as a plural.

    Example:
        >>> from neurarium.record.schema import image_schema
        >>> inputs_in_words(image_schema()), inputs_in_words(image_schema((4,)))
        ('images', 'vectors')
        >>> inputs_in_words(Schema({"series": Field((None, 12), axis="time")}))
        'series'
    """
    fields = schema.inputs
    for field in fields.values():
        if field.points_to and not field.is_ragged:
            return field.points_to
    related = next((field.points_to for field in fields.values() if field.points_to), "")
    if related:
        return f"graphs of {related}"
    if schema.is_dense:
        return "images" if schema.input.is_image else "vectors"
    return listed(tuple(fields))


def targets_in_words(schema: Schema) -> str:
    """What a net predicts: the names of the numbers of its only target, where they have some, else its targets.

    Example:
        >>> targets_in_words(Schema({}, {"sizes": Field((2,), names=("height", "width"))}))
        'height and width'
        >>> targets_in_words(Schema({}, {"energy": Field(()), "forces": Field((None, 3), axis="atoms")}))
        'energy and forces'
    """
    names = tuple(schema.targets)
    if len(names) == 1 and schema.target.names and not schema.target.categories:
        names = schema.target.names
    return listed(names if len(names) <= _FEW else (*names[:_FEW], f"{len(names) - _FEW} more"))


def listed(words: list[str] | tuple[str, ...]) -> str:
    """Words as a sentence has them.

    Example:
        >>> listed(("a", "b", "c"))
        'a, b and c'
    """
    *first, last = words or ("",)
    return f"{', '.join(first)} and {last}" if first else last


def categories_in_words(field: Field) -> str:
    """The categories of a field, of many the first ones; those that a reader could not tell from the commas are quoted.

    Example:
        >>> categories_in_words(Field((), categories=("cat", " ", ",")))
        "cat, ' ', ','"
    """
    shown = field.categories if len(field.categories) <= _NAMED_UP_TO else field.categories[:_FIRST]
    words = (repr(name) if "," in name or name != name.strip() else name for name in shown)
    return ", ".join(words) + (", …" if len(shown) < len(field.categories) else "")
