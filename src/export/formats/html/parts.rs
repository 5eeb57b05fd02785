//! Parts of the page that only pages of some subjects have.

use crate::export::subject::Subject;

/// The page without what is said on pages of other subjects only: that stands between `<!--push:-->` and `<!--:push-->`.
pub fn parts_of(page: &str, subject: Subject) -> String {
    let (is_text, is_push) = (matches!(subject, Subject::Text(_)), subject.pushed().is_some());
    let mut page = page.to_owned();
    for (part, stays) in [("attention", !is_push), ("text", is_text && !is_push), ("push", is_push)] {
        let [begin, end] = [format!("<!--{part}:-->\n"), format!("<!--:{part}-->\n")];
        let mut rest = page.as_str();
        let mut kept = String::with_capacity(page.len());
        while let Some((before, after)) = rest.split_once(&begin) {
            let (inside, after) = after.split_once(&end).unwrap_or((after, ""));
            kept += before;
            kept += if stays { inside } else { "" };
            rest = after;
        }
        page = kept + rest;
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../../assets/export.html");

    /// A page says what can be done on it, and nothing of other pages.
    #[test]
    fn a_page_has_the_controls_and_texts_of_its_subject() {
        let of = |view: &str| parts_of(PAGE, view.parse().unwrap());
        for (view, has) in [
            ("mean", [true, false, false]),
            ("text:mean", [true, true, false]),
            ("looked-at:mean", [true, true, false]),
            ("pushed:mean", [false, false, true]),
        ] {
            let page = of(view);
            let says =
                ["id=\"rule\"", "id=\"colors\"", "Push: what heads add"].map(|says| page.contains(says));
            assert_eq!(says, has, "{view}");
            assert_eq!(page.contains("Rows are queries"), has[0], "{view}");
            assert_eq!(page.contains("to see what it looks at"), has[1], "{view}");
            let markup = page.split("<script>").next().unwrap();
            assert!(
                !markup.contains("<!--") && !markup.contains("-->"),
                "{view}: nothing is left of the marks"
            );
        }
    }
}
