"""What `nanomorph fit-head` is asked for."""

from dataclasses import dataclass
from pathlib import Path

from nanomorph.cli.options import option
from nanomorph.errors import ConfigurationError
from nanomorph_training.ranges import ANY, require_ranges


@dataclass(frozen=True)
class HeadOptions:
    data: list[Path] = option("a folder per class, or CSV lists (file,label[,group])", type=Path, many=True)
    encoder: Path = option(
        "a bundle (`embedded` is the installed one; torch is not needed), or a run of fit-segmenter or pretrain",
        type=Path,
    )
    task: str = option("a name for what is judged, as it will stand in labels.csv, such as nanowire-morphology")
    out: Path = option("folder for the head", type=Path)
    level: str = option("label the whole field, or every domain", default="field", choices=("field", "domain"))
    features: str = option(
        "embedding, descriptors or both (default: both for field, descriptors for domain)",
        default="auto",
        choices=("auto", "embedding", "descriptors", "both"),
    )
    descriptors: list[str] | None = option(
        "measured columns that the head sees, by name (default: all that need no pixel size)",
        default=None,
        type=str,
        many=True,
    )
    labels: list[str] | None = option(
        "classes to learn, in this order (default: all); `other` holds what is none of them",
        default=None,
        type=str,
        many=True,
    )
    other: list[Path] | None = option(
        "micrographs that show none of the classes, whatever labels they have, nor does any domain on them: what looks "
        "like them will be `unknown`",
        default=None,
        type=Path,
        many=True,
    )
    masks: str = option(
        "domain level: learn from given masks, predicted ones, or both",
        default="given",
        choices=("given", "predicted", "both"),
    )
    threshold: float | None = option(
        "foreground probability of the predicted masks (default: the segmenter's own)", default=None, type=float
    )
    embedding_weight: float = option("weight of the embedding beside the descriptors", default=1.0, type=float)
    false_alarms: float = option("share of known material that may be called unknown", default=0.05, type=float)
    accepted_accuracy: float = option("share of accepted answers that should be right", default=0.9, type=float)
    seed: int = option("random seed of the cross-validation", default=0, type=int)
    threads: int = option("CPU threads", default=2, type=int)
    cache: Path | None = option("folder of cached features (default: the user's cache)", default=None, type=Path)
    journal: Path | None = option(
        "results of an earlier batch or watch with this bundle: what is there is not computed again",
        default=None,
        type=Path,
        metavar="DIR",
    )
    train_on_all: bool = option(
        "use the held-out quarter of the groups too (then nothing is tested)", default=False, type=bool
    )

    def __post_init__(self) -> None:
        require_ranges(
            self,
            ("threshold", 0.0, 1.0),
            ("embedding_weight", 0.0, ANY),
            ("false_alarms", 0.0, 1.0),
            ("accepted_accuracy", 0.0, 1.0),
            ("seed", 0, 2**32 - 1),
            ("threads", 1, ANY),
        )
        if self.threshold is not None and self.journal is not None:
            raise ConfigurationError("--journal was measured at the bundle's threshold: leave out --threshold")
        if self.features == "embedding" and self.descriptors:
            raise ConfigurationError("--features embedding uses no --descriptors: leave out one of them")
        if self.uses_embedding and self.level == "domain" and self.masks != "predicted":
            raise ConfigurationError("a domain head uses the embedding only with --masks predicted")

    @property
    def uses_embedding(self) -> bool:
        """Whether the head looks at it; given instances have none."""
        return self.features in {"embedding", "both"} or (self.features == "auto" and self.level == "field")

    @property
    def kinds(self) -> list[str]:
        """The kinds of rows to learn from; the last is that of those which the head will judge."""
        if self.level == "field":
            return ["field"]
        return ["given", "predicted"] if self.masks == "both" else [self.masks]
