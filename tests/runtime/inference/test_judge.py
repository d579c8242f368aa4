"""Verdicts from heads whose weights are known."""

from dataclasses import replace

import numpy as np
import pytest

from nanomorph.bundle import load_bundle
from nanomorph.inference.judge import Head, Judge, decide, judge_field, judge_fields, judge_rows


@pytest.fixture(scope="module")
def judge(tiny_bundle):
    return Judge(load_bundle(tiny_bundle))


def domains(*rows):
    columns = np.array(rows).reshape(-1, 3).T
    return {"domain": columns[0].astype(int), "touches_edge": columns[1].astype(bool), "aspect_ratio": columns[2]}


EMBEDDING = np.zeros(2, np.float32)


def test_a_field_is_labelled_by_its_descriptor(judge):
    (density, _), _ = judge(EMBEDDING, {"foreground_fraction": 0.6}, domains())
    assert density.label == "full"
    # Two classes, logits -1 and 1.
    assert density.confidence == pytest.approx(1 / (1 + np.exp(-2)), rel=1e-5)
    assert density.probabilities["sparse"] == pytest.approx(1 / (1 + np.exp(2)), rel=1e-5)
    assert density.decision == "accepted"


def test_what_is_like_the_class_other_is_no_answer(judge):
    density = judge.heads[0]
    with_other = Head(replace(density.spec, labels=("sparse", "other")), density.session)
    none_of_them, sparse = judge_fields(
        with_other, np.stack([EMBEDDING] * 2), [{"foreground_fraction": 0.6}, {"foreground_fraction": 0.1}]
    )
    assert (none_of_them.label, none_of_them.decision) == ("other", "unknown")
    assert (sparse.label, sparse.decision) == ("sparse", "accepted")
    assert none_of_them.probabilities["other"] > 0.5


def test_domains_are_labelled_each_and_the_majority_names_the_micrograph(judge):
    (_, shape), table = judge(
        EMBEDDING, {"foreground_fraction": 0.1}, domains((1, False, 5.0), (2, False, 4.0), (3, False, 1.0))
    )
    assert list(table["shape"]) == ["rod", "rod", "disc"]
    assert (table["shape_confidence"] > 0.99).all()
    assert shape.label == "rod"
    assert shape.probabilities == {"disc": pytest.approx(1 / 3), "rod": pytest.approx(2 / 3)}
    assert shape.confidence == pytest.approx(3 / 5)


def test_a_lone_domain_is_no_certainty_however_sure_it_is(judge):
    one = judge(EMBEDDING, {"foreground_fraction": 0.1}, domains((1, False, 5.0)))[0][1]
    nine = judge(EMBEDDING, {"foreground_fraction": 0.1}, domains(*((n, False, 5.0) for n in range(1, 10))))[0][1]
    assert one.probabilities == nine.probabilities == {"disc": 0, "rod": 1}
    assert (one.confidence, nine.confidence) == (pytest.approx(2 / 3), pytest.approx(10 / 11))


def test_domains_cut_by_the_edge_have_no_vote_while_others_do(judge):
    _, shape = judge(EMBEDDING, {"foreground_fraction": 0.1}, domains((1, True, 5.0), (2, True, 4.0), (3, False, 1.0)))[
        0
    ]
    assert shape.label == "disc"
    _, shape = judge(EMBEDDING, {"foreground_fraction": 0.1}, domains((1, True, 5.0)))[0]
    assert shape.label == "rod"


def test_what_is_unlike_everything_is_unknown_and_has_no_vote_while_others_do(judge):
    class Wary:
        """The tiny bundle's head of shapes, to which everything beyond an aspect ratio of 10 is new."""

        spec = judge.heads[1].spec

        def __call__(self, features):
            return judge.heads[1](features)[0], features[:, 0] / 10

    def judged(*aspect_ratios):
        rows = np.array(aspect_ratios, np.float32)[:, None]
        ((verdict, labels, _),) = judge_rows(Wary(), EMBEDDING[None], [rows], [np.zeros(len(rows), bool)])
        return verdict, labels.tolist()

    verdict, labels = judged(30, 40, 1)
    assert labels == ["unknown", "unknown", "disc"]
    assert (verdict.label, verdict.decision) == ("disc", "unknown")  # the typical domain is unlike everything
    assert verdict.probabilities == {"disc": 1, "rod": 0}
    verdict, labels = judged(30, 5, 1, 1)
    assert labels == ["unknown", "rod", "disc", "disc"]
    assert (verdict.label, verdict.decision) == ("disc", "accepted")
    assert verdict.probabilities == {"disc": pytest.approx(2 / 3), "rod": pytest.approx(1 / 3)}
    verdict, labels = judged(30, 40)
    assert labels == ["unknown", "unknown"]
    assert (verdict.label, verdict.decision) == ("rod", "unknown")


def test_a_domain_like_the_class_other_is_unknown_and_has_no_vote(judge):
    shape = judge.heads[1]
    with_other = Head(replace(shape.spec, labels=("disc", "other")), shape.session)

    def judged(*aspect_ratios):
        rows = np.array(aspect_ratios, np.float32)[:, None]
        ((verdict, labels, confidences),) = judge_rows(with_other, EMBEDDING[None], [rows], [np.zeros(len(rows), bool)])
        assert (confidences > 0.9).all()
        return verdict, labels.tolist()

    verdict, labels = judged(5, 4, 1, 1)
    assert labels == ["unknown", "unknown", "disc", "disc"]
    assert (verdict.label, verdict.decision) == ("disc", "accepted")
    assert verdict.probabilities == {"disc": 1, "other": 0}
    assert verdict.confidence == pytest.approx(3 / 4)
    verdict, labels = judged(5, 4, 5, 1, 1)
    assert (verdict.label, verdict.decision) == ("disc", "unknown")  # most of it is none of them
    verdict, labels = judged(5, 4)
    assert labels == ["unknown", "unknown"]
    assert (verdict.label, verdict.decision) == ("other", "unknown")
    assert verdict.probabilities == {"disc": 0, "other": 1}


def test_without_domains_nothing_is_claimed(judge):
    (_, shape), table = judge(EMBEDDING, {"foreground_fraction": 0.0}, domains())
    assert shape.label == ""
    assert shape.decision == "unknown"
    assert list(table)[-2:] == ["shape", "shape_confidence"]
    assert not len(table["shape"])


def test_many_micrographs_at_once_are_judged_to_the_bits_of_one_by_one():
    field_head, domain_head = Judge(load_bundle()).heads
    random = np.random.default_rng(0)
    embeddings = random.normal(size=(70, 512)).astype(np.float32)
    fields = [dict(zip(field_head.spec.descriptors, random.normal(size=25).tolist(), strict=True)) for _ in embeddings]
    fields[3]["relative_width"] = float("nan")
    alone = [judge_field(field_head, *one) for one in zip(embeddings, fields, strict=True)]
    assert judge_fields(field_head, embeddings, fields) == alone

    # 0, 1, 2, ... 6 domains, some of them at the edge, some unmeasured in part.
    rows = [random.normal(size=(n % 7, 29)).astype(np.float32) for n in range(70)]
    rows[5][2, 7] = np.nan
    edges = [random.random(len(one)) < 0.5 for one in rows]
    together = judge_rows(domain_head, embeddings, rows, edges)
    for n, (verdict, labels, confidences) in enumerate(together):
        ((verdict_alone, *cells_alone),) = judge_rows(domain_head, embeddings[n : n + 1], [rows[n]], [edges[n]])
        assert str(verdict) == str(verdict_alone)  # NaN, where there is no domain, equals no NaN
        assert [labels.tolist(), confidences.tolist()] == [one.tolist() for one in cells_alone]


@pytest.mark.parametrize(
    ("confidence", "novelty", "decision"),
    [(0.9, 0.5, "accepted"), (0.5, 0.5, "uncertain"), (0.9, 1.5, "unknown"), (0.5, 1.5, "unknown")],
)
def test_decisions(confidence, novelty, decision):
    assert decide(confidence, novelty, 0.6) == decision


def test_what_is_no_number_is_never_accepted():
    nan = float("nan")
    assert [decide(nan, 0.1, 0.5), decide(0.9, nan, 0.5), decide(nan, nan, 0.5)] == ["uncertain", "unknown", "unknown"]
