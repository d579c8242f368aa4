"""Learn a classifier head from a few labelled micrographs.

Writes the head, its scores and doubts.csv (labels to look at again) to --out. Then
`nanomorph export --head RUN --into embedded --out BUNDLE` puts it into a bundle, which batch and watch use.
"""

from collections.abc import Callable

from nanomorph_training.heads.options import HeadOptions as Options


def run(options: Options, report: Callable[[str], None] = print) -> int:
    """Fit, score on the held-out groups where there are any, save; 0 when done."""
    from nanomorph_training.heads.remarks import check_place, check_task

    # Before what takes seconds to import.
    check_task(options.task)
    check_place(options.out, options.task, options.level)
    from nanomorph_training.heads.run import fit_from_files

    head = fit_from_files(options)
    for name in ("out_of_fold", "test", "test_predicted"):
        scores = head.metrics.get(name)
        if scores:
            accuracy, mean_recall = scores["accuracy"], scores["balanced_accuracy"]
            report(f"{name}: n {scores['n']}, accuracy {accuracy:.3f}, balanced {mean_recall:.3f}")
    report(f"{head.task}: {', '.join(head.labels)}; the head is in {options.out}")
    return 0
