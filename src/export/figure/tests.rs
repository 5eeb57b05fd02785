//! Figures as a whole.

use super::*;
use crate::attention::Capture;
use crate::attention::sinks::Sinks;
use crate::export::sinks::SinkPass;
use crate::export::{FigureStyle, Found, Recipe, Selection, Source, Subject, example};
use crate::vocabulary::{Background, ColorMap, ColorRange, ExportFormat, Granularity, Normalisation, View};

const TEXTS: [&str; 3] = ["write", " a", " story"];

fn source(capture: &Capture, selection: Selection) -> Source {
    example::source(capture, selection)
}

fn figure(
    captures: &[&Capture],
    selection: Selection,
    normalisation: Normalisation,
    style: FigureStyle,
) -> Figure {
    let mut sources = captures.iter().map(|capture| source(capture, selection));
    let sides = (sources.next().unwrap(), sources.next());
    Figure::new(captures, &Recipe::of_figure(sides, ExportFormat::Svg, normalisation, style)).unwrap()
}

fn mean(captures: &[&Capture], style: FigureStyle) -> Figure {
    figure(captures, Selection::One(View::Mean), Normalisation::Raw, style)
}

/// The texts of an SVG, in order.
fn texts(svg: &str) -> Vec<&str> {
    let texts = svg.split("<text ").skip(1);
    texts.map(|text| text.split_once('>').unwrap().1.split_once("</text>").unwrap().0).collect()
}

#[test]
fn two_models_share_a_bar() {
    let (left, right) = (example::reading(&TEXTS, false), example::reading(&TEXTS, true));
    let figure = mean(&[&left, &right], FigureStyle { colors: ColorMap::Blues, ..FigureStyle::default() });
    insta::assert_snapshot!(figure.svg());
    assert_eq!(figure.panels[0].scale, figure.panels[1].scale);
    let own = mean(&[&left, &right], FigureStyle { range: ColorRange::Own, ..FigureStyle::default() });
    assert_eq!(
        own.svg().matches("url(#").count(),
        2 - usize::from(own.panels[0].scale == own.panels[1].scale)
    );
}

#[test]
fn titles_say_which_heads_are_off_and_what_was_pinned() {
    let capture = example::reading(&TEXTS, false);
    let source = |heads: &str, is_pinned| {
        let ablation = if heads.is_empty() { Default::default() } else { heads.parse().unwrap() };
        Source { ablation, is_pinned, ..source(&capture, Selection::One(View::Mean)) }
    };
    let titles = |left: Source, right: Source, difference| {
        let style = FigureStyle { difference, ..FigureStyle::default() };
        let recipe = Recipe::of_figure((left, Some(right)), ExportFormat::Svg, Normalisation::Raw, style);
        let svg = Figure::new(&[&capture, &capture], &recipe).unwrap().svg();
        texts(&svg)
            .into_iter()
            .filter(|text| text.starts_with("example"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let both = titles(source("0.1", false), source("", true), None);
    assert_eq!(both[..2], ["example without 0.1", "example (pinned)"]);
    assert!(
        both[2].starts_with("example (f32, cpu) without head 0.1 and example (f32, cpu), pinned."),
        "{both:?}"
    );
    let many = titles(source("0.0,0.1,1.0,1.1,2.0,2.1,3.0,3.1", true), source("", false), None);
    assert_eq!(many[0], "example without 0.0, 0.1, 1.0, 1.1, 2.0, 2.1 and 2 more heads (pinned)");
    let difference = titles(source("0.1", false), source("", true), Some(Granularity::Pieces));
    assert_eq!(difference[0], "example without 0.1 − example (pinned)");
}

/// Panels stand in a row, in a column, or two by two: whatever is nearest to the shape of a page.
#[test]
fn panels_stand_in_the_shape_of_a_page() {
    let words = ["one", " two", " three", " four", " five", " six"];
    let of = |tokens: usize, panels: usize| {
        let mut figure = mean(&[&example::reading(&words[..tokens], true)], FigureStyle::default());
        figure.panels = vec![figure.panels[0].clone(); panels];
        let layout = layout::Layout::new(&figure, &text::Ruler::new());
        let (first, last) = (&layout.panels[0], &layout.panels[panels - 1]);
        assert!(layout.panels.iter().all(|place| place.content.x + place.content.width < layout.width));
        assert!(last.axis_y() < layout.height);
        assert_eq!(layout.panels.iter().filter(|place| place.bar.is_some()).count(), 1);
        let columns = layout.panels.iter().filter(|place| place.y == first.y).count();
        (columns, layout.width / layout.height)
    };
    assert_eq!([1, 2, 3, 4].map(|panels| of(6, panels).0), [1, 2, 3, 2]);
    for (tokens, panels) in [(1, 2), (3, 2), (6, 2), (2, 4), (6, 4)] {
        let (_, shape) = of(tokens, panels);
        assert!((0.6..2.6).contains(&shape), "{tokens} tokens in {panels} panels: {shape}");
    }
}

/// A name that is longer than a figure is wide is cut, and both of its ends stay.
#[test]
fn long_names_are_cut_and_the_figure_stays_as_wide() {
    let mut capture = example::reading(&TEXTS, true);
    let name = format!("/begin/{}/the-model", "folder/".repeat(600));
    std::sync::Arc::make_mut(&mut capture.model).name = name.clone();
    let source = Source { model: name, ..source(&capture, Selection::One(View::Mean)) };
    let recipe =
        Recipe::of_figure((source, None), ExportFormat::Svg, Normalisation::Raw, FigureStyle::default());
    let figure = Figure::new(&[&capture], &recipe).unwrap();
    let layout = layout::Layout::new(&figure, &text::Ruler::new());
    assert!(layout.width < 720.0, "{}", layout.width);
    let [title, _] = &layout.panels[0].titles;
    assert!(
        title.starts_with("/begin/folder/") && title.ends_with("/the-model") && title.contains('…'),
        "{title}"
    );
}

/// A cross for each head that is off wherever a panel has a place for each head, and the caption says what it is.
#[test]
fn heads_that_are_off_are_marked() {
    let ablation: crate::attention::Ablation = "0.1,1.0".parse().unwrap();
    let on = example::capture();
    let off = Capture { ablation, ..example::capture() };
    let crosses = |capture: &Capture, view: &str| {
        let source = example::source(capture, view.parse::<Subject>().unwrap());
        let recipe =
            Recipe::of_figure((source, None), ExportFormat::Svg, Normalisation::Raw, FigureStyle::default());
        let svg = match view {
            "sinks" => {
                let sinks = std::sync::Arc::new(Sinks::new(capture, &|| false).unwrap());
                let capture = std::sync::Arc::new(capture.clone());
                let pass =
                    SinkPass { capture, sinks, activations: Default::default(), recipe: recipe.clone() };
                Figure::of_found(&Found::Sinks(vec![pass]), &recipe).unwrap().svg()
            }
            _ => Figure::new(&[capture], &recipe).unwrap().svg(),
        };
        let is_told = texts(&svg).join(" ").contains("×: a head that is off");
        let count = svg.matches("stroke-width=\"1.4\"").count();
        assert_eq!(is_told, count > 0, "{view}");
        count
    };
    // The sinks of a model that has some are two maps: of the first token, and of learned sinks.
    for (view, count) in [("map:sink", 2), ("all", 2), ("sinks", 4), ("mean", 0)] {
        assert_eq!([crosses(&on, view), crosses(&off, view)], [0, count], "{view}");
    }
}

#[test]
fn a_difference_in_the_dark() {
    let (left, right) = (example::reading(&TEXTS, false), example::reading(&TEXTS, true));
    let style = FigureStyle {
        difference: Some(Granularity::Words),
        theme: Background::Dark,
        caption: false,
        ..FigureStyle::default()
    };
    insta::assert_snapshot!(mean(&[&left, &right], style).svg());
    let recipe = Recipe::of_figure(
        (source(&left, Selection::One(View::Mean)), None),
        ExportFormat::Svg,
        Normalisation::Raw,
        style,
    );
    assert!(Figure::new(&[&left], &recipe).is_err());
}

#[test]
fn all_heads_are_one_image() {
    let capture = example::capture();
    let figure = figure(&[&capture], Selection::All, Normalisation::Raw, FigureStyle::default());
    let svg = figure.svg();
    assert_eq!(svg.matches("<image").count(), 1);
    let texts = texts(&svg);
    assert_eq!(texts[..6], ["example", "2 layers × 2 heads · raw", "0", "1", "0", "1"]);
    assert!(texts.iter().any(|text| text.contains("Sinks are not shown")), "{texts:?}");
}

#[test]
fn any_text_is_shown_and_none_is_markup() {
    let capture = example::reading(&["日本", " <b>&", "\u{1b}", " שלום", "🙂", "\u{fffe}"], true);
    let svg = mean(&[&capture], FigureStyle::default()).svg();
    let texts = texts(&svg);
    let rows = texts.iter().position(|text| *text == "日本").unwrap();
    assert_eq!(texts[rows..][..6], ["日本", "&lt;b&gt;&amp;", "\\u{1b}", "שלום", "🙂", "\\u{fffe}"]);
    assert!(!svg.contains('\u{1b}') && !svg.contains('\u{fffe}'));
}

#[test]
fn a_cell_that_is_left_out_has_no_colour_and_the_future_no_cell() {
    let capture = example::reading(&TEXTS, true);
    let figure =
        figure(&[&capture], Selection::One(View::Mean), Normalisation::WithoutFirst, FigureStyle::default());
    let svg = figure.svg();
    // Paper, three cells, the bar.
    assert_eq!(svg.matches("<rect").count(), 1 + 3 + 1);
    assert_eq!(texts(&svg).iter().filter(|text| **text == "–").count(), 3);
}

#[test]
fn a_long_prompt_is_pooled_and_says_so() {
    let words: Vec<String> = (0..600).map(|at| format!(" {at}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let capture = example::reading(&words, true);
    let figure = mean(&[&capture], FigureStyle::default());
    let Content::Square(square) = &figure.panels[0].content else { panic!() };
    assert_eq!((square.rows.len(), square.bin), (200, 3));
    let svg = figure.svg();
    assert!(texts(&svg).join(" ").contains("A pixel is the largest of 3 × 3 tokens"));
    assert_eq!(svg.matches("<image").count(), 2, "cells and sinks");
    assert!(svg.len() < 60_000, "{} bytes", svg.len());
    let labels = texts(&svg).iter().filter(|text| text.starts_with("15 15")).count();
    assert_eq!(labels, 1, "rows every fifth, columns every sixth");
}

#[test]
fn pixels_of_folded_cells_are_named_by_their_first_token() {
    let mut capture = example::reading(&TEXTS, true);
    capture.mean = crate::attention::CausalMatrix::zeros(3000, 3, true);
    let figure = mean(&[&capture], FigureStyle::default());
    let Content::Square(square) = &figure.panels[0].content else { panic!() };
    assert_eq!((square.bin, &square.row_labels[..3]), (4, ["0", "12", "24"].map(str::to_owned).as_slice()));
    assert!(figure.caption[1].contains("4 × 4 cells of 3 tokens (keys summed, queries averaged)"));
}

#[test]
fn the_recipe_is_in_the_file_whether_it_is_written_under_it_or_not() {
    let capture = example::reading(&TEXTS, true);
    for caption in [true, false] {
        let svg = mean(&[&capture], FigureStyle { caption, ..FigureStyle::default() }).svg();
        let metadata = svg.split_once("<metadata>").unwrap().1.split_once("</metadata>").unwrap().0;
        let recipe: serde_json::Value = serde_json::from_str(metadata).unwrap();
        assert_eq!((&recipe["format"], &recipe["figure"]["caption"]), (&"svg".into(), &caption.into()));
        assert_eq!(texts(&svg).iter().any(|text| text.contains("Prompt:")), caption);
    }
}

fn pixels(png: &[u8]) -> (usize, usize, Vec<u8>, Vec<png::text_metadata::ITXtChunk>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut image = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut image).unwrap();
    reader.finish().unwrap();
    (frame.width as usize, frame.height as usize, image, reader.info().utf8_text.clone())
}

#[test]
fn a_bitmap_has_the_colours_of_its_cells_and_the_recipe() {
    let capture = example::reading(&TEXTS, true);
    let figure = mean(&[&capture], FigureStyle { colors: ColorMap::Blues, ..FigureStyle::default() });
    let layout = layout::Layout::new(&figure, &text::Ruler::new());
    for scale in [1.0, 2.5] {
        let bitmap = figure.png(scale).unwrap();
        let (width, height, image, chunks) = pixels(&bitmap.png);
        let side = |length: f32| (length * scale).round() as usize;
        assert_eq!((width, height), (side(layout.width), side(layout.height)));
        let at = |x: f32, y: f32| {
            let [r, g, b] = image[3 * (side(y) * width + side(x))..][..3] else { panic!() };
            crate::theme::Rgb(r, g, b)
        };
        let place = &layout.panels[0];
        let corner = |row: f32, key: f32| {
            let cell = place.step;
            at(place.content.x + key * cell + 4.0, place.content.y + row * cell + 4.0)
        };
        let color = |value: f32| figure.ramp.color(figure.panels[0].scale.level(value));
        assert_eq!([corner(0.0, 0.0), corner(2.0, 0.0), corner(2.0, 1.0)], [0.5, 0.125, 0.25].map(color));
        assert_eq!(corner(0.0, 1.0), crate::theme::Rgb(255, 255, 255), "the future is paper");
        assert_eq!(
            (chunks[0].keyword.as_str(), chunks[0].get_text().unwrap()),
            ("recipe", figure.metadata.clone())
        );
        assert!(bitmap.missing.is_empty());
        assert_eq!(figure.png(scale).unwrap(), bitmap, "the same bytes each time");
    }
}

#[test]
fn what_no_font_has_is_said() {
    let capture = example::reading(&["a", "\u{f8ff0}", "\u{fe0f}\u{f8ff1}"], true);
    let bitmap =
        mean(&[&capture], FigureStyle { caption: false, ..FigureStyle::default() }).png(1.0).unwrap();
    assert_eq!(
        bitmap.missing.to_string(),
        "no font here has \u{f8ff0} (U+F8FF0), \u{f8ff1} (U+F8FF1): boxes stand for them; install one that has, or \
         write svg"
    );
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(48))]

    /// Whatever tokens are, a figure is an SVG that can be read and drawn.
    #[test]
    fn any_text_can_be_drawn(texts in proptest::collection::vec("\\PC{1,8}|.{1,8}", 1..6)) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let capture = example::reading(&texts, true);
        proptest::prop_assert!(mean(&[&capture], FigureStyle::default()).png(0.25).is_ok());
    }

    /// Whatever tokens are, labels and cells stay on the paper.
    #[test]
    fn nothing_is_off_the_paper(texts in proptest::collection::vec(".{1,12}", 1..40), sinks: bool) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let capture = example::reading(&texts, sinks);
        let figure = mean(&[&capture, &capture], FigureStyle::default());
        let layout = layout::Layout::new(&figure, &text::Ruler::new());
        for place in &layout.panels {
            let right = place.content.x + place.content.width;
            proptest::prop_assert!(place.left() > place.x && right < layout.width);
            proptest::prop_assert!(place.axis_y() < layout.height);
        }
        let bars = layout.panels.iter().filter_map(|place| place.bar);
        proptest::prop_assert_eq!(bars.count(), 1);
    }
}
