from pages import document, drawn, fit, in_markdown, rows, said_and_tabled, sentences, tables, words
from prepared import trial

from hsig.analysis.remedies import judge_remedy, propose_remedies
from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment
from hsig.experiments.training import gather, run
from hsig.output.formats import as_markdown
from hsig.reports.explanation import explanation_page


def page_of(trials=None, *, missing=0, **flags):
    """The page of an experiment with these flags, after its remedies or these trials."""
    flags = {key: str(value) for key, value in flags.items()}
    chosen = load_experiment(flags=flags, command="explain")
    outcome = gather(chosen, run(chosen))
    summary = summarise(outcome)
    if trials is None:
        trials = [
            judge_remedy(remedy, summary.variants[0], _numbers(remedy.experiment))
            for remedy in propose_remedies(chosen)
        ]
    return explanation_page(outcome, summary, trials, missing=missing)


def _numbers(chosen):
    return summarise(gather(chosen, run(chosen))).variants[0]


def story(page):
    """What its JSON tells, paragraph by paragraph; on the screen it is the same."""
    told = document(page)["story"]
    blocks = sentences(page)
    assert blocks[2 : 2 + len(told)] == [[paragraph] for paragraph in told]
    return told


def conclusion(page):
    """What is concluded, the same on the screen and in JSON."""
    told = document(page)["conclusion"]
    shown = [sentence for block in sentences(page) for sentence in block]
    assert not told or shown[-len(told) :] == [*told[1:], told[0]]
    return told


def test_when_all_is_solved_there_is_nothing_to_explain():
    page = page_of([], activation="tanh", epochs=1000, seeds=2)
    assert story(page) == ["Every seed is solved: there is nothing to explain."]
    assert conclusion(page) == []
    assert [table.columns[0] for table in tables(page)] == ["epoch"]


def test_few_seeds_support_no_claim():
    page = page_of(activation="hard", epochs=3, seeds=5)
    assert conclusion(page)[0] == "5 seeds support no claim: use --seeds 100."
    assert not any(remedy["works"] for remedy in document(page)["remedies"])


def test_nothing_is_concluded_from_remedies_that_were_interrupted():
    page = page_of([trial(93, 100, works=True)], missing=2, activation="hard", epochs=3)
    assert conclusion(page) == ["Interrupted: 1 of 3 remedies were tried, so nothing is concluded."]
    made = document(page)
    assert (made["complete"], made["remedies_missing"]) == (False, 2)


def test_given_initial_weights_are_told_to_go_before_more_seeds_come():
    weights = "{hidden: [[1], [2], [3]], output: [[1], [2]]}"
    page = page_of(
        activation="hard", hidden=1, seeds=1, initial_weights=weights, epochs=2, loss="squared"
    )
    told = "1 seed supports no claim: use --initial-weights '' --seeds 100."
    assert conclusion(page)[0] == told


def test_the_conclusion_names_the_smallest_change_and_the_best_or_says_that_none_works():
    works = trial(93, 100, "learning rate 1", works=True)
    page = page_of([trial(3, 100), works], activation="hard", epochs=3)
    assert conclusion(page)[0] == (
        "What works: learning rate 1, solves 93 of 100 seeds (0 % to 100 %), where it was 0."
    )
    page = page_of([trial(3, 100)], activation="hard", epochs=3)
    assert conclusion(page)[0] == "None of the 1 remedies works here."


def test_the_timeline_has_a_column_for_each_piece_and_counts_every_seed():
    (timeline,) = tables(page_of([], activation="hard", epochs=50, report_every=5, seeds=7))
    assert timeline.columns == (
        "epoch", "cost", "seeds", "diverged", "solved", "dead", "saturated", "affine",
        "x below -2.5", "x from -2.5 to 2.5", "x above 2.5", "alive", "hidden", "output",
    )  # fmt: skip
    assert [row[0] for row in timeline.rows] == ["0", "10", "20", "30", "40", "50"]
    (timeline,) = tables(page_of([], activation="sigmoid", epochs=5, seeds=1))
    assert len(timeline.columns) == 11


def test_an_explanation_as_a_whole():
    page = page_of(
        [trial(3, 100, "learning rate 1"), trial(93, 100, "sigmoid output", works=True)],
        activation="hard_binary",
        loss="squared",
        epochs=100,
        report_every=50,
        seeds=20,
        engine="reference",
    )
    assert drawn(page, 84) == [
        "hard_binary on xor: 2-3-1 network, loss squared, learning rate 0.1, 100 epochs",
        "(online)",
        "initial weights from [0, 1), seeds 0 to 19; engine reference",
        "",
        "hard_binary: solved 0 of 20 seeds (0 %; 95 % Wilson interval 0 % to 16 %)",
        "",
        "Of 20 seeds: frozen 19, unstable 1.",
        "",
        "It is frozen. In 19 of 20 failed seeds, after one epoch more, all weights are what",
        "they were, bit for bit, and so they stay for ever. The output is flat on every wrong",
        "sample in 19 of them. Their hidden units are 0 % on x below -1 (slope 0), 63 % on x",
        "from -1 to 1 (slope 0.5), 37 % on x above 1 (slope 0).",
        "",
        "Of the 20 failed seeds, whatever their verdict: a hidden layer without any slope: 0,",
        "an output that is flat on every wrong sample: 19, an output within 0.01 of affine:",
        "6, a weight that is not finite: 0. The gradient's median size is 0 in the hidden",
        "layer and 0 in the output, over 20 where it is finite; in the hidden layer it is",
        "exactly 0 for 19.",
        "",
        "Where they ended, on the surface of the mean loss in all 13 weights: of 20 failed",
        "seeds, flat 14, kink 5, slope 1 (flat: a stationary point within 1, where the cost",
        "bends down in no direction, and in some not at all; kink: a stationary point within",
        "1, but at a kink, where the surface has an edge; slope: no stationary point found",
        "within 1). Seed 8, the median of them by cost, ended with a gradient of size 0 and",
        "eigenvalues of the Hessian from 0 to 0; that is a stationary point (flat) of cost",
        "0.500000 with eigenvalues from 0 to 0, 13 of the 13 being 0. At the end of 6 of them",
        "a pre-activation is within 0.02 of a kink: gradient and Hessian there are those of",
        "one side.",
        "",
        "on the way, over 20 seeds: median cost; how many are █ solved, ░ affine, o",
        "saturated, · dead, ! diverged, ▓ none of these, at least one mark each; where the",
        "hidden units are; how many of them have a slope; size of the gradient in both layers",
        "epoch    cost  seeds       diverged  solved  dead  saturated  affine  x below -1",
        "    0  0.5000  ▓ooooooooo         0       0     0         19       0         0 %",
        "   50  0.5000  ▓ooooooooo         0       0     0         19       0         0 %",
        "  100  0.5000  ▓ooooooooo         0       0     0         19       0         0 %",
        "",
        "epoch  x from -1 to 1  x above 1  alive  hidden  output",
        "    0            61 %       39 %  100 %       0       0",
        "   50            61 %       39 %   98 %       0       0",
        "  100            61 %       39 %   98 %       0       0",
        "",
        "remedies tried, from the same seeds, each alone",
        "remedy           layers     solved  95 % interval  works  verdicts",
        "as it was                  0 of 20    0 % to 16 %         frozen 19, unstable 1",
        "learning rate 1           3 of 100   0 % to 100 %     no",
        "sigmoid output           93 of 100   0 % to 100 %    yes",
        "",
        "A remedy works when more than half of the seeds are solved and its interval lies",
        "wholly above the one as it was, on at least 100 seeds: a rule on intervals and no",
        "test, not corrected for the number of remedies, 2. They stand in order, from the",
        "smallest change to the largest.",
        "",
        "What works: sigmoid output, solves 93 of 100 seeds (0 % to 100 %), where it was 0.",
    ]
    assert drawn(page, 84, full=False) == [
        "hard_binary on xor: 2-3-1 network, loss squared, learning rate 0.1, 100 epochs",
        "(online)",
        "initial weights from [0, 1), seeds 0 to 19; engine reference",
        "",
        "hard_binary: solved 0 of 20 seeds (0 %; 95 % Wilson interval 0 % to 16 %)",
        "",
        "Of 20 seeds: frozen 19, unstable 1.",
        "",
        "It is frozen. In 19 of 20 failed seeds, after one epoch more, all weights are what",
        "they were, bit for bit, and so they stay for ever. The output is flat on every wrong",
        "sample in 19 of them. Their hidden units are 0 % on x below -1 (slope 0), 63 % on x",
        "from -1 to 1 (slope 0.5), 37 % on x above 1 (slope 0).",
        "",
        "remedies tried, from the same seeds, each alone",
        "remedy           layers     solved  95 % interval  works  verdicts",
        "as it was                  0 of 20    0 % to 16 %         frozen 19, unstable 1",
        "learning rate 1           3 of 100   0 % to 100 %     no",
        "sigmoid output           93 of 100   0 % to 100 %    yes",
        "",
        "--full tells what was seen on the way, where the seeds ended, and when a remedy",
        "works",
        "",
        "What works: sigmoid output, solves 93 of 100 seeds (0 % to 100 %), where it was 0.",
    ]


def test_an_explanation_for_machines():
    page = page_of(activation="hard", epochs=3, seeds=4, loss="squared")
    made = document(page)
    assert made["format"] == 1
    assert made["story"] == story(page)
    assert len(made["remedies"]) == 17
    assert made["remedies"][0]["name"] == "learning rate 1"
    assert made["remedies"][0]["experiment"]["learning_rate"] == 1.0
    assert made["cheapest"] is made["smallest"] is made["best"] is None
    first, *others = rows(page)
    assert list(first)[:6] == ["remedy", "layers", "works", "solved", "seeds", "solved_rate"]
    assert list(first.values())[:6] == ["learning rate 1", "", "no", "0", "4", "0.0"]
    assert len(others) == 16
    assert in_markdown(page) == said_and_tabled(page)
    assert "| leak 0.05 | hidden | 0 of 4 |" in as_markdown(page)
    assert "**hard: solved 0 of 4 seeds" in as_markdown(page)


def test_an_explanation_is_told_at_any_width():
    page = page_of(activation="hard", epochs=3, seeds=4, loss="squared")
    for width in (40, 80, 200):
        lines = drawn(page, width)
        assert fit(lines, width)
        for block in sentences(page):
            assert words(block) in words(lines)


def test_in_brief_it_is_the_result_the_reason_and_what_is_concluded():
    page = page_of(activation="hard", epochs=3, seeds=4, loss="squared")
    assert drawn(page, 2000, brief=True) == [
        sentences(page)[1][0],
        story(page)[1],
        conclusion(page)[0],
    ]
