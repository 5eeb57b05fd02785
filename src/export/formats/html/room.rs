//! How many matrices a page has room for, and what is said of the others.

use crate::attention::Capture;
use crate::export::selection::Selection;

/// Bytes of matrices that a page may hold: more opens slowly, and is not for sharing.
const LARGEST: usize = 32 << 20;

/// How many matrices of each side the page has room for; the mean is always there. A side that needs less than its
/// part leaves the rest to the other.
pub fn kept(sides: &[(Selection, &Capture)]) -> Vec<usize> {
    let wanted = |(selection, capture): &(Selection, &Capture)| match selection {
        Selection::One(_) => 1,
        Selection::All => 1 + capture.model.layers + capture.model.layers * capture.model.heads,
    };
    // Four bytes become more than five letters.
    let bytes = |(_, capture): &(Selection, &Capture)| {
        let size = capture.mean.size();
        size * (size + 3) / 2 * 4 * 4 / 3
    };
    let mut order: Vec<usize> = (0..sides.len()).collect();
    order.sort_by_key(|side| wanted(&sides[*side]) * bytes(&sides[*side]));
    let (mut kept, mut room) = (vec![1; sides.len()], LARGEST);
    for (at, side) in order.into_iter().enumerate() {
        let part = room / (sides.len() - at);
        let bytes = bytes(&sides[side]).max(1);
        kept[side] = (part / bytes).clamp(1, wanted(&sides[side]));
        room = room.saturating_sub(kept[side] * bytes);
    }
    kept
}

/// Says which matrices of a model are left out after the first `kept`, and how to see one of them.
pub fn left_out(capture: &Capture, kept: usize) -> Option<String> {
    let (layers, heads) = (capture.model.layers, capture.model.heads);
    let name = |head: usize| format!("{}.{}", head / heads, head % heads);
    let (all, last) = (layers * heads, name(layers * heads - 1));
    let what = match kept.checked_sub(1 + layers) {
        Some(heads_kept) if heads_kept == all => return None,
        Some(heads_kept) if heads_kept + 1 == all => format!("head {last} is left out"),
        Some(first) => format!("heads {} to {last} are left out ({} of {all})", name(first), all - first),
        None if kept == layers => format!("the mean of layer {} and all heads are left out", layers - 1),
        None => format!("the means of layers {} to {} and all heads are left out", kept - 1, layers - 1),
    };
    let room = LARGEST >> 20;
    Some(format!(
        "{what}: a page has room for {room} MB; --view head:{last} alone fits, and so does a shorter prompt"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::CausalMatrix;
    use crate::export::example;
    use crate::vocabulary::View;

    #[test]
    fn what_a_page_has_no_room_for_is_named() {
        let capture = example::capture();
        let all = 1 + 2 + 2 * 2;
        assert_eq!(kept(&[(Selection::All, &capture)]), [all]);
        assert_eq!(left_out(&capture, all), None);
        for (kept, words) in [
            (all - 1, "head 1.1 is left out: a page"),
            (4, "heads 0.1 to 1.1 are left out (3 of 4): a page"),
            (3, "heads 0.0 to 1.1 are left out (4 of 4): a page"),
            (2, "the mean of layer 1 and all heads are left out: a page"),
            (1, "the means of layers 0 to 1 and all heads are left out: a page"),
        ] {
            let reported = left_out(&capture, kept).unwrap();
            assert!(reported.starts_with(words), "{reported}");
        }
    }

    #[test]
    fn two_models_share_the_room_of_a_page() {
        let long = |size| {
            let mut capture = example::capture();
            capture.mean = CausalMatrix::zeros(size, 1, true);
            capture
        };
        let (left, right) = (long(2048), long(1024));
        let of = |first, second| kept(&[(Selection::All, first), (Selection::All, second)]);
        // A matrix of 2048 takes 11.2 MB of 33.6, one of 1024 2.8.
        assert_eq!(of(&left, &right), [1, 5]);
        assert_eq!(of(&right, &left), [5, 1]);
        assert_eq!(of(&left, &left), [1, 1]);
        assert_eq!(kept(&[(Selection::All, &right), (Selection::One(View::Mean), &left)]), [7, 1]);
    }
}
