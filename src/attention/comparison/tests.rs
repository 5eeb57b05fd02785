use super::*;
use crate::attention::tokens;

/// `ab c` read as a, b, c and as ab, c: on the pieces left is \[1\], \[.5 .5\], right \[.25|.75\], \[.5 0|.5\].
fn example() -> Comparison {
    let (left, right) = (tokens(&["a", "b", " c"]), tokens(&["ab", " c"]));
    let a = CausalMatrix::from_cells(3, vec![1.0, 0.5, 0.5, 0.25, 0.25, 0.5], None);
    let b = CausalMatrix::from_cells(2, vec![0.25, 0.5, 0.0], Some(vec![0.75, 0.5]));
    Comparison::new([(&left, &a), (&right, &b)], Granularity::Pieces, Texts::Same).unwrap()
}

#[test]
fn a_difference_has_a_column_for_the_sink_if_a_side_has() {
    let comparison = example();
    assert!(comparison.shape().sinks().is_some());
    let row = |rule, query| comparison.difference(rule, query);
    let first = DifferenceRow { sink: Some(-0.75), keys: vec![Some(0.75)] };
    assert_eq!(row(Normalisation::Raw, 0), first);
    assert_eq!(row(Normalisation::Raw, 1).keys, [Some(0.0), Some(0.5)]);
    assert_eq!(row(Normalisation::Raw, 1).sink, Some(-0.5));
    let second = DifferenceRow { sink: None, keys: vec![Some(-0.5), Some(0.5)] };
    assert_eq!(row(Normalisation::Renormalised, 1), second);
    assert_eq!(row(Normalisation::WithoutFirst, 1).keys, [None, None], "the right row has nothing left");
    let extent = comparison.extent(Normalisation::Raw);
    assert_eq!(extent, Extent { bottom: 0.5, top: 0.5 }, "the first row is left aside");
}

/// Row 0: (1, 0) and (¼, ¾), m = (⅝, ⅜). Row 1: (½, ½, 0) and (½, 0, ½), m = (½, ¼, ¼).
#[test]
fn divergence_by_hand() {
    let comparison = example();
    let first = 0.5 * (8.0f32 / 5.0).ln() + 0.5 * (0.25 * (0.4f32).ln() + 0.75 * 2.0f32.ln());
    assert!((comparison.divergence(0) - first).abs() < 1e-6);
    assert!((comparison.divergence(1) - 0.5 * 2.0f32.ln()).abs() < 1e-6);
    assert_eq!(comparison.most_different(), [0, 1]);
    assert_eq!([0, 1].map(|row| comparison.most_different_key(row)), [0, 1]);
    let mean = (first + 0.5 * 2.0f32.ln()) / 2.0;
    assert!((comparison.mean_divergence() - mean).abs() < 1e-6);
}

#[test]
fn the_largest_difference_in_words() {
    let comparison = example();
    let names = short_names(["org/a", "demo:b"]);
    assert_eq!(
        comparison.sentence(&names, 0, RowReading::Reading),
        "a gives 'ab' 1.00 of 'ab', b 0.25; b's sink takes 0.75"
    );
    let fewer = [
        "a gives 'ab' 1.00 of 'ab', b 0.25; b's sink 0.75",
        "'ab' of 'ab': 1.00, 0.25; b's sink 0.75",
        "'ab' of 'ab': 1.00, 0.25",
    ];
    assert_eq!(comparison.sentences(&names, 0, RowReading::Reading)[1..], fewer);
    assert_eq!(short_names(["x/m", "/y/m/"]), ["m (left)", "m (right)"]);
}

#[test]
fn the_same_on_both_sides_does_not_differ_and_disjoint_rows_differ_by_ln_2() {
    let same = [0.25, 0.75];
    assert_eq!(divergence(same.into_iter(), same.into_iter()), 0.0);
    let apart = divergence([1.0, 0.0].into_iter(), [0.0, 1.0].into_iter());
    assert!((apart - std::f32::consts::LN_2).abs() < 1e-6);
}

#[test]
fn a_folded_prompt_is_not_compared() {
    let tokens = tokens(&["a", " b", " c"]);
    let binned = CausalMatrix::zeros(3, 2, false);
    let compared = Comparison::new([(&tokens, &binned); 2], Granularity::Pieces, Texts::Same);
    assert_eq!(compared, Err(NotCompared::Long));
}

/// `x b c` and `b y c`. Left, b is \[¼ ½ · |¼\] and c \[½ ¼ ¼|0\] over x, b, c; right, b is \[1\] and c \[½ ½ 0\] over b, y, c.
#[test]
fn what_goes_to_words_that_one_side_has_alone_is_kept_apart() {
    let (left, right) = (tokens(&["x", " b", " c"]), tokens(&["b", " y", " c"]));
    let sinks = Some(vec![0.0, 0.25, 0.0]);
    let a = CausalMatrix::from_cells(3, vec![1.0, 0.25, 0.5, 0.5, 0.25, 0.25], sinks);
    let b = CausalMatrix::from_cells(3, vec![1.0, 0.5, 0.5, 0.5, 0.5, 0.0], None);
    let compared = |texts| Comparison::new([(&left, &a), (&right, &b)], Granularity::Pieces, texts).unwrap();
    let comparison = compared(Texts::Different);
    assert_eq!(
        comparison.sides().each_ref().map(|side| side.cells().to_vec()),
        [vec![0.5, 0.25, 0.25], vec![1.0, 0.5, 0.0]]
    );
    let left_out = |row| [0, 1].map(|side| comparison.left_out(side, row).unwrap());
    assert_eq!([left_out(0), left_out(1)], [[0.25, 0.0], [0.5, 0.5]]);
    let difference = comparison.difference(Normalisation::Raw, 1);
    assert_eq!((difference.keys, difference.sink), (vec![Some(-0.25), Some(0.25)], Some(0.0)));
    let names = ["l".to_owned(), "r".to_owned()];
    assert_eq!(
        comparison.left_over_sentence(&names).unwrap(),
        "only l: 'x' (1 token); only r: 'y' (1 token)"
    );
    let fewer = comparison.left_over_sentences(&names).unwrap();
    assert_eq!(
        [&fewer[1], fewer.last().unwrap()],
        ["only l: 'x'; only r: 'y'", "only l: 1 token; only r: 1 token"]
    );
    let sentences = comparison.sentences(&names, 1, RowReading::Reading);
    assert!(sentences[0].ends_with("0.50 and 0.50 go to words that only one has"));
    assert!(sentences[1..].iter().all(|fewer| fewer.ends_with("; left out 0.50, 0.50")), "{sentences:?}");
    // Row c: (¼, ¼, 0, ½) and (½, 0, 0, ½): what is left out is an outcome.
    let row = 0.5 * (0.25 * (2.0f32 / 3.0).ln() + 0.25 * 2.0f32.ln() + 0.5 * (4.0f32 / 3.0).ln());
    assert!((comparison.divergence(1) - row).abs() < 1e-6, "{} {row}", comparison.divergence(1));
    let other = tokens(&["z"]);
    let one = CausalMatrix::from_cells(1, vec![1.0], None);
    let none = Comparison::new([(&left, &a), (&other, &one)], Granularity::Pieces, Texts::Different);
    assert_eq!(none, Err(NotCompared::NothingShared));
}

/// Without column 0, a is (.5, 0, .5) and b (.5, .5, 0): cosine ½ / (½ √2)² = ½.
#[test]
fn alike_by_the_cosine_without_the_first_column() {
    let a = CausalMatrix::from_cells(3, vec![1.0, 0.5, 0.5, 0.5, 0.0, 0.5], None);
    let b = CausalMatrix::from_cells(3, vec![0.1, 0.1, 0.5, 0.1, 0.5, 0.0], Some(vec![0.9, 0.4, 0.4]));
    assert!((similarity(&a, &b) - 0.5).abs() < 1e-6);
    assert!((similarity(&a, &a) - 1.0).abs() < 1e-6);
    let first = CausalMatrix::from_cells(3, vec![1.0, 1.0, 0.0, 1.0, 0.0, 0.0], None);
    assert_eq!(similarity(&a, &first), 0.0);
}
