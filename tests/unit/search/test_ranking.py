"""What moves a hit up and down: each signal alone, on candidates that differ in nothing else. No test knows a constant's value."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from cocosearch.lexicon.file_kinds import FileKind
from cocosearch.lexicon.terms import query_stems
from cocosearch.search.query import Query, TermWeights, analyse
from cocosearch.search.ranking import WEIGHTS, Ranked, Weights, rank
from cocosearch.search.types import Arm, Candidate

# Without the signals that look at more than one chunk.
ALONE = replace(WEIGHTS, coherence=0.0, saturation=1.0)


def candidate(
    chunk_id: int, path: str = "", symbols: Sequence[str] = (), bm25: float = 1.0, cosine: float | None = 0.5, project_id: int = 1
) -> Candidate:
    """Each in a file of its own unless a path is given."""
    return Candidate(chunk_id, project_id, path or f"src/f{chunk_id}.py", tuple(symbols), bm25, cosine, (Arm.LEXICAL,))


def terms_for(text: str) -> TermWeights:
    return TermWeights(dict.fromkeys(query_stems(text), 2.0))


def ranked(text: str, *candidates: Candidate, weights: Weights = ALONE) -> list[Ranked]:
    return rank(analyse(text), terms_for(text), candidates, weights)


def order(text: str, *candidates: Candidate, weights: Weights = ALONE) -> list[int]:
    return [found.candidate.chunk_id for found in ranked(text, *candidates, weights=weights)]


SENTENCE = "how are requests retried"


def test_more_of_the_query_s_words_stand_before_less() -> None:
    assert order(SENTENCE, candidate(1, bm25=1.0), candidate(2, bm25=2.0)) == [2, 1]


def test_a_nearer_meaning_stands_before_a_farther_one() -> None:
    assert order(SENTENCE, candidate(1, cosine=0.3), candidate(2, cosine=0.6)) == [2, 1]


def test_for_a_name_words_count_more_than_for_a_question() -> None:
    """The better words, and the nearer meaning by as much as the share of words that is missing."""
    text = "retry_policy"
    best = terms_for(text).best_possible
    worded, meant = candidate(1, bm25=0.8 * best, cosine=0.2), candidate(2, bm25=0.2 * best, cosine=0.8)
    assert order(text, meant, worded) == [1, 2]
    question = "where do the requests retry"
    best = terms_for(question).best_possible
    worded, meant = replace(worded, bm25=0.8 * best), replace(meant, bm25=0.2 * best)
    mixed = {found.candidate.chunk_id: found.signals.mixed for found in ranked(question, worded, meant)}
    of_name = {found.candidate.chunk_id: found.signals.mixed for found in ranked(text, worded, meant)}
    assert mixed[1] / mixed[2] < of_name[1] / of_name[2]


def test_a_chunk_without_a_vector_counts_as_the_median_of_the_others() -> None:
    known = [candidate(number, cosine=cosine) for number, cosine in enumerate((0.1, 0.2, 0.4, 0.8, 0.9))]
    signals = {found.candidate.chunk_id: found.signals for found in ranked(SENTENCE, *known, candidate(9, cosine=None))}
    assert signals[9].mixed == pytest.approx(signals[2].mixed)
    assert signals[9].cosine is None
    assert signals[1].mixed < signals[9].mixed < signals[3].mixed


def test_without_any_vector_the_words_decide_alone() -> None:
    candidates = [candidate(number, bm25=float(number), cosine=None) for number in range(1, 5)]
    assert order(SENTENCE, *candidates) == [4, 3, 2, 1]
    assert [found.signals.mixed for found in ranked(SENTENCE, *candidates)] == pytest.approx([1.0, 0.75, 0.5, 0.25])


def test_a_vector_that_points_away_is_no_worse_than_one_that_says_nothing() -> None:
    first, second = ranked(SENTENCE, candidate(1, cosine=-0.9), candidate(2, cosine=0.0), candidate(3))[1:]
    assert first.signals.mixed == second.signals.mixed


@pytest.mark.parametrize(
    ("text", "plain", "better", "signal"),
    [
        ("ReceiveBuffer", candidate(1), candidate(2, symbols=["other", "ReceiveBuffer"]), "quoted_definition"),
        ("Http::ReceiveBuffer", candidate(1), candidate(2, symbols=["receivebuffer"]), "quoted_definition"),
        ("where is ReceiveBuffer filled", candidate(1), candidate(2, symbols=["ReceiveBuffer"]), "quoted_definition"),
        ("receive into a buffer", candidate(1, symbols=["write_all"]), candidate(2, symbols=["ReceiveBuffer"]), "definition"),
        ("receive into a buffer", candidate(1, symbols=["receive_big_http_thing"]), candidate(2, symbols=["receive_buffer"]), "definition"),
        ("ReceiveBuffer", candidate(1), candidate(2, path="src/ReceiveBuffer.java"), "quoted_file"),
        ("receive into a buffer", candidate(1), candidate(2, path="src/receive_buffer.py"), "file_name"),
        ("receive into a buffer", candidate(1), candidate(2, path="src/recv_buffers.py"), "file_name"),
        ("configuration", candidate(1), candidate(2, path="src/config.py"), "file_name"),
    ],
)
def test_names_of_definitions_and_files_move_a_hit_up(text: str, plain: Candidate, better: Candidate, signal: str) -> None:
    first, second = ranked(text, plain, better)
    assert (first.candidate.chunk_id, second.candidate.chunk_id) == (2, 1)
    assert getattr(first.signals, signal) > getattr(second.signals, signal)
    off = replace(ALONE, quoted_definition=0.0, definition=0.0, quoted_file=0.0, file_name=0.0)
    assert order(text, plain, better, weights=off) == [1, 2]


def test_a_name_that_shares_no_word_adds_nothing() -> None:
    signals = ranked("receive into a buffer", candidate(1, path="src/writers.py", symbols=["send_all"]))[0].signals
    assert (signals.quoted_definition, signals.definition, signals.quoted_file, signals.file_name) == (0, 0, 0, 0)


NOISY = {
    FileKind.TEST: ("tests/test_a.py", "how are retries tested"),
    FileKind.EXAMPLE: ("examples/a.py", "an example of retries"),
    FileKind.DOCUMENT: ("docs/a.md", "documentation of retries"),
    FileKind.GENERATED: ("vendor/a.go", "vendored retries"),
    FileKind.DATA: ("data/a.csv", "data file of retries"),
}


@pytest.mark.parametrize("noise", FileKind)
def test_noise_stands_behind_unless_it_is_asked_for(noise: FileKind) -> None:
    path, asking = NOISY[noise]
    noisy, plain = candidate(1, path=path), candidate(2)
    assert order("how are requests retried", noisy, plain) == [2, 1]
    weights = replace(ALONE, file_name=0.0)
    assert order(asking, noisy, plain, weights=weights) == [1, 2]
    assert ranked(asking, noisy)[0].signals.noise == 1.0
    assert 0 < ranked(SENTENCE, noisy)[0].signals.noise < 1


def test_several_kinds_of_noise_stand_farther_behind_than_one() -> None:
    assert order(SENTENCE, candidate(1, path="docs/examples/a.py"), candidate(2, path="examples/a.py")) == [2, 1]


def test_noise_without_a_weight_would_be_a_mistake() -> None:
    assert set(WEIGHTS.noise) == set(FileKind)


def test_one_file_does_not_fill_the_page() -> None:
    same = [candidate(number, path="src/a.py", cosine=0.6) for number in range(1, 5)]
    other = candidate(9, cosine=0.55)
    assert order(SENTENCE, *same, other)[-1] == 9
    weights = replace(ALONE, saturation=0.5)
    assert order(SENTENCE, *same, other, weights=weights)[:2] == [1, 9]
    assert [found.signals.saturation for found in ranked(SENTENCE, *same, weights=weights)] == [1.0, 0.5, 0.25, 0.125]


def test_the_same_path_in_another_project_is_another_file() -> None:
    weights = replace(ALONE, saturation=0.5)
    candidates = [candidate(1, path="a.py"), candidate(2, path="a.py", project_id=2), candidate(3, path="a.py")]
    saturations = {found.candidate.chunk_id: found.signals.saturation for found in ranked(SENTENCE, *candidates, weights=weights)}
    assert saturations == {1: 1.0, 2: 1.0, 3: 0.5}


def test_a_file_with_more_candidates_stands_before_one_with_a_single_one() -> None:
    single, first, second = candidate(1), candidate(2, path="src/a.py"), candidate(3, path="src/a.py")
    weights = replace(ALONE, saturation=0.5)
    assert order(SENTENCE, single, first, second, weights=weights) == [1, 2, 3]
    assert order(SENTENCE, single, first, second, weights=replace(weights, coherence=0.1)) == [2, 1, 3]
    coherence = [found.signals.coherence for found in ranked(SENTENCE, single, first, second, weights=replace(weights, coherence=0.1))]
    assert coherence == [pytest.approx(0.1), pytest.approx(0.05), 0.0]


def test_only_so_many_chunks_make_a_file_coherent() -> None:
    many = [candidate(number, path="src/many.py") for number in range(50)]
    few = [candidate(100 + number, path="src/few.py") for number in range(2)]
    weights = replace(WEIGHTS, coherent_chunks=2)
    coherence = {found.candidate.path: found.signals.coherence for found in reversed(ranked(SENTENCE, *many, *few, weights=weights))}
    assert coherence["src/many.py"] == pytest.approx(coherence["src/few.py"])


def test_the_score_is_what_the_signals_say() -> None:
    for found in ranked("ReceiveBuffer in tests", *_random_candidates(50), weights=WEIGHTS):
        signals = found.signals
        added = signals.quoted_definition + signals.definition + signals.quoted_file + signals.file_name + signals.coherence
        assert signals.score == pytest.approx((signals.mixed + added) * signals.noise * signals.saturation)


@pytest.mark.parametrize("text", ["ReceiveBuffer", SENTENCE, "?!", "tests of the receive_buffer", "src/a.py"])
@pytest.mark.parametrize("weights", [WEIGHTS, ALONE])
def test_no_candidate_is_lost_and_the_order_depends_on_nothing_else(text: str, weights: Weights) -> None:
    candidates = _random_candidates(300)
    found = ranked(text, *candidates, weights=weights)
    assert sorted(entry.candidate.chunk_id for entry in found) == list(range(300))
    scores = [entry.signals.score for entry in found]
    assert scores == sorted(scores, reverse=True)
    shuffled = random.Random(1).sample(candidates, len(candidates))  # noqa: S311 - data, not secrets
    assert ranked(text, *shuffled, weights=weights) == found


def test_equal_candidates_come_in_the_order_of_their_ids() -> None:
    assert order(SENTENCE, *(candidate(number) for number in (5, 3, 4))) == [3, 4, 5]


def test_nothing_found_is_nothing_ranked() -> None:
    assert ranked(SENTENCE) == []
    assert (
        rank(Query("", (), frozenset(), False, frozenset()), TermWeights({}), [candidate(1, bm25=0.0, cosine=None)])[0].signals.score == 0
    )


def _random_candidates(count: int) -> list[Candidate]:
    generator = random.Random(4711)  # noqa: S311 - data, not secrets
    names = ["ReceiveBuffer", "receive_data", "test_buffer", "main", "größe"]
    directories = ["src", "tests", "docs", "examples", "vendor/lib"]
    return [
        candidate(
            number,
            path=f"{generator.choice(directories)}/{generator.choice(names)}{generator.randrange(9)}.py",
            symbols=generator.sample(names, generator.randrange(3)),
            bm25=generator.uniform(0, 8),
            cosine=generator.choice([None, generator.uniform(-0.2, 0.9)]),
            project_id=generator.randrange(2),
        )
        for number in range(count)
    ]


def test_data_stands_behind_code_unless_its_name_is_asked_for() -> None:
    data, code = candidate(1, path="src/table.c", symbols=["crc_table"]), candidate(2, path="src/crc.c")
    data = replace(data, is_data=True)
    assert order("how are requests retried", data, code) == [2, 1]
    assert order("crc_table", data, code) == [1, 2]


def test_what_a_program_wrote_and_is_data_is_noise_once() -> None:
    by_path = candidate(1, path="yarn.lock")
    assert replace(by_path, is_data=True).noise == by_path.noise == {FileKind.GENERATED}
