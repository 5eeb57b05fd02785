//! What was found about passes, as panels: the bars of push and of effects, the map of patching.

use super::bars::{BarColumn, Bars};
use super::panel::{Content, Panel, Square, source_title};
use super::ticks::short;
use super::words::Words;
use crate::attention::knockout::{Agreement, HiddenSpan, SpanEffect};
use crate::attention::push::{MEANS, Part, Push};
use crate::attention::{Extent, NextToken, Scale, escape_controls};
use crate::export::effect::EffectPass;
use crate::export::found::Found;
use crate::export::found_subject::{FoundSubject, HiddenBy};
use crate::export::patch::PatchedPass;
use crate::export::push::{PushPass, pushed_logit};
use crate::export::recipe::{Recipe, Source};
use crate::export::subject::Subject;
use crate::vocabulary::{ColorScale, Patched, signed, with_minus};

/// Parts of a push that have a bar each; the others have one together.
const PARTS: usize = 24;
/// Spans that have bars; of more, those with the largest effects.
const SPANS: usize = 48;

impl Found {
    /// A panel for each model.
    pub(super) fn panels(&self, recipe: &Recipe) -> Vec<Panel> {
        let sources = || recipe.sources();
        match self {
            Self::Push(passes) => passes.iter().zip(sources()).map(|(pass, of)| push(pass, of)).collect(),
            Self::Effect(passes) => passes.iter().zip(sources()).map(|(pass, of)| effect(pass, of)).collect(),
            Self::Shift(shifted) => vec![Panel::shift(shifted)],
            Self::Patch(pass) => vec![patching(pass, sources().last().unwrap_or(&recipe.source))],
            Self::Sinks(passes) => {
                passes.iter().zip(sources()).flat_map(|(pass, of)| Panel::sinks(&pass.capture, of)).collect()
            }
        }
    }
}

/// The parts that push most, and all others together, so that the bars add up to the logit.
fn push(pass: &PushPass, source: &Source) -> Panel {
    let (capture, push): (_, &Push) = (&pass.capture, &pass.push);
    let parts = push.parts();
    let (shown, rest) = parts.split_at(if parts.len() > PARTS + 1 { PARTS } else { parts.len() });
    let name = |part: &Part| match part {
        Part::Head { layer, head } if capture.ablation.contains(*layer, *head) => format!("head {part}, off"),
        Part::Head { .. } => format!("head {part}"),
        Part::Means => MEANS.to_owned(),
        _ => part.to_string(),
    };
    let mut names: Vec<String> = shown.iter().map(|(part, _)| name(part)).collect();
    let mut values: Vec<Option<f64>> = shown.iter().map(|(_, push)| Some(*push)).collect();
    if !rest.is_empty() {
        names.push(format!("{} other parts", rest.len()));
        values.push(Some(rest.iter().map(|(_, push)| push).sum()));
    }
    let residual = match push.residual().abs() as f32 {
        0.0 => "0".to_owned(),
        size => with_minus(&format!("{}{}", if push.residual() < 0.0 { "-" } else { "" }, short(size))),
    };
    let note = format!("sum {}, residual {residual}", signed(push.sum(), 4));
    let logit = signed(push.logit, 4);
    let about = pushed_logit(capture, push);
    let panel = of_bars(
        source,
        Bars { names, columns: vec![BarColumn { heading: "push (logits)", note, values, is_signed: true }] },
        "Tokens are counted from 0. A bar is what a part of the pass adds to this logit, in logits (direct logit \
         attribution). Direct effects only: later heads may undo them. Residual: what all parts add up to, less the \
         logit",
    );
    let words = Words { about: Some(about.clone()), ..panel.words };
    Panel { subtitle: format!("{about}: {logit}"), words, ..panel }
}

/// What spans are given, beside what hiding them does.
fn effect(pass: &EffectPass, source: &Source) -> Panel {
    // What has no tokens behind it can't be hidden from any.
    let change = |effect: &SpanEffect| (effect.later > 0).then_some(effect.change);
    let mut shown: Vec<&SpanEffect> = pass.effects.iter().collect();
    let count = shown.len();
    if count > SPANS {
        let size = |effect: &SpanEffect| change(effect).unwrap_or(0.0).abs();
        shown.sort_by(|a, b| size(b).total_cmp(&size(a)));
        shown.truncate(SPANS);
        shown.sort_by_key(|effect| effect.span.tokens.start);
    }
    let of = Agreement::of(&pass.effects);
    let rho = |rho: Option<f64>| {
        let rho = rho.map_or_else(|| "–".to_owned(), |rho| signed(rho, 2));
        format!("ρ {rho}")
    };
    let column = |heading, note: String, is_signed, value: fn(&SpanEffect) -> Option<f64>| BarColumn {
        heading,
        note,
        values: shown.iter().map(|effect| value(effect)).collect(),
        is_signed,
    };
    let columns = vec![
        column("share", rho(of.share), false, |effect| Some(f64::from(effect.share))),
        column("value-weighted", rho(of.weighted), false, |effect| Some(f64::from(effect.weighted))),
        column("push", rho(of.push), true, |effect| Some(f64::from(effect.push))),
        column("effect: Δ ln p", "where it is hidden".to_owned(), true, change),
    ];
    // Segments have names of their own, which begin with a number; places, as --span names them, tell words apart.
    let is_of_segments =
        matches!(source.subject, Subject::Found(FoundSubject::Effect(HiddenBy::Segments(_), _)));
    let is_single =
        |span: &HiddenSpan| pass.effects.iter().filter(|effect| effect.span.name == span.name).count() == 1;
    let name = |span: &HiddenSpan| match is_of_segments && is_single(span) {
        true => span.name.clone(),
        false => format!("{}:{} {}", span.tokens.start, span.tokens.end, span.name),
    };
    let names = shown.iter().map(|effect| name(&effect.span)).collect();
    let spans = match count {
        _ if pass.effects.iter().all(|effect| effect.later == 0) => {
            "no span has tokens behind it that it could be hidden from".to_owned()
        }
        1 => "1 span".to_owned(),
        _ if count > SPANS => format!("the {SPANS} spans of {count} with the largest effects"),
        _ => format!("{count} spans"),
    };
    let p = pass.target.probability;
    Panel {
        subtitle: format!("share against effect · {spans} · next token {} ({p:.3})", text(&pass.target)),
        ..of_bars(
            source,
            Bars { names, columns },
            "Share, value-weighted share and push: what the last token gives a span, by attention, by ‖α · v W_O‖, and to \
             the logit of the next token. Effect: how much ln p of the next token changes where the span is hidden from \
             all behind it; none where nothing is. ρ: Spearman's, with |Δ ln p|. Each column has its own scale",
        )
    }
}

fn of_bars(source: &Source, bars: Bars, values: &str) -> Panel {
    Panel {
        title: source_title(&source.model, source),
        subtitle: String::new(),
        content: Content::Bars(bars),
        words: Words::of_cells(["", ""], String::new(), values.to_owned()),
        extent: Extent::NONE,
        scale: Scale::new(ColorScale::default(), Extent::NONE),
        off: vec![],
    }
}

/// The effect of each place: layers, and heads or tokens.
fn patching(pass: &PatchedPass, source: &Source) -> Panel {
    let (found, [from, to]) = (&pass.found, &pass.captures);
    let columns = found.effects.first().map_or(0, Vec::len);
    let label = |at: usize| match found.what {
        Patched::Heads => at.to_string(),
        Patched::Residual => {
            let [a, b] = [from, to].map(|capture| capture.tokens[at].label());
            if a == b { a } else { format!("{a} for {b}") }
        }
    };
    let square = Square {
        row_labels: (0..found.effects.len()).map(|layer| layer.to_string()).collect(),
        column_labels: (0..columns).map(label).collect(),
        sink: None,
        rows: found.effects.clone(),
        bin: 1,
    };
    let extent = Extent::of(found.effects.iter().flatten().flatten().map(|effect| effect.abs()));
    let (logits, column) = (&found.logits, found.what.column());
    let [first, second] = logits.differences.map(|it| signed(it, 3));
    Panel {
        title: source_title(&source.model, source),
        subtitle: format!(
            "{} · logit of {} less {}: first {first}, second {second}",
            found.what.title(),
            text(&logits.token),
            text(&logits.versus)
        ),
        content: Content::Square(square),
        words: Words::of_cells(
            ["layer", column],
            "effect".to_owned(),
            "Each cell is a part of the pass over the first prompt, put alone into the pass over the second. Effect: \
             (patched − second) / (first − second), each the difference of both logits: 0 changes nothing, 1 brings all \
             of it"
                .to_owned(),
        ),
        extent,
        scale: Scale::new(ColorScale::default(), extent),
        off: vec![],
    }
}

fn text(next: &NextToken) -> String {
    format!("“{}”", escape_controls(&next.token.text))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::attention::Token;
    use crate::attention::push::PushedLogit;
    use crate::export::figure::Figure;
    use crate::export::{FigureStyle, LogitTokens, Selection, example};
    use crate::vocabulary::{ExportFormat, SegmentRule};

    fn recipe(subject: FoundSubject) -> Recipe {
        let source = example::source(&example::capture(), Selection::All);
        Recipe::new(Source { subject: Subject::Found(subject), ..source }, None)
    }

    fn next() -> NextToken {
        NextToken { token: Token::from_id(7), probability: 0.5 }
    }

    fn bars(found: &Found) -> Bars {
        let recipe = found.recipe(ExportFormat::Svg, FigureStyle::default()).unwrap();
        let figure = Figure::of_found(found, &recipe).unwrap();
        assert!(!figure.svg().contains("NaN"));
        match &figure.panels[0].content {
            Content::Bars(bars) => bars.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// Of 32 parts the smallest eight have one bar, and all bars sum to the logit: 0.5 + 0.25 + 1 − 2 + 3 − … − 30 = −14.25.
    #[test]
    fn what_has_no_bar_of_its_own_is_not_left_out() {
        let mlps: Vec<f64> =
            (1..=30).map(|at| if at % 2 == 0 { -f64::from(at) } else { f64::from(at) }).collect();
        let logit = mlps.iter().sum::<f64>() + 0.75;
        let rest = PushedLogit { logit, embedding: 0.5, biases: 0.25, means: None, mlps };
        let push = Arc::new(Push::new(1, (next(), None, vec![next()]), vec![], rest));
        let recipe = recipe(FoundSubject::Push(LogitTokens::default(), None));
        let pass = PushPass { capture: Arc::new(example::capture()), push, recipe };
        let bars = bars(&Found::Push(vec![pass]));
        assert_eq!(
            (bars.names.len(), bars.names[0].as_str(), bars.names[24].as_str()),
            (25, "MLP 29", "8 other parts")
        );
        let values = &bars.columns[0].values;
        assert!((values.iter().flatten().sum::<f64>() - logit).abs() < 1e-9, "{values:?}");
        assert!(bars.columns[0].note.starts_with("sum −14.2500, residual "), "{}", bars.columns[0].note);
    }

    /// The bars of so many spans, each with its name.
    fn effects(by: HiddenBy, count: usize, name: impl Fn(usize) -> String) -> Bars {
        let span = |at: usize| SpanEffect {
            span: HiddenSpan { name: name(at), tokens: at..at + 1 },
            later: count - 1 - at,
            share: 0.01,
            weighted: 0.02,
            push: -0.5,
            change: -(at as f64),
            divergence: 0.0,
            next: vec![],
        };
        let effects = (0..count).map(span).collect();
        let recipe = recipe(FoundSubject::Effect(by, None));
        let pass = EffectPass { capture: Arc::new(example::capture()), target: next(), effects, recipe };
        bars(&Found::Effect(vec![pass]))
    }

    /// A sentence has its number and its first words; where a name comes twice, places tell them apart.
    #[test]
    fn segments_are_called_by_their_names() {
        let by = HiddenBy::Segments(SegmentRule::Auto);
        let names = ["1 Once upon a time", "template", "3 The end", "template", "last"];
        let bars = effects(by, names.len(), |at| names[at].to_owned());
        assert_eq!(bars.names, ["1 Once upon a time", "1:2 template", "3 The end", "3:4 template", "last"]);
        let changes: Vec<bool> = bars.columns[3].values.iter().map(Option::is_some).collect();
        assert_eq!(changes, [true, true, true, true, false], "nothing is behind the last");
    }

    /// Of 60 spans those with the largest effects stay, in the order of the text; one with nothing behind it has none.
    #[test]
    fn spans_with_the_largest_effects_have_bars() {
        let bars = effects(HiddenBy::Words, 60, |at| format!("s{at}"));
        let expected: Vec<String> = (11..59).map(|at| format!("{at}:{} s{at}", at + 1)).collect();
        assert_eq!(bars.names, expected);
        assert_eq!(
            bars.columns.iter().map(|column| column.is_signed).collect::<Vec<_>>(),
            [false, false, true, true]
        );
        assert_eq!(bars.columns[3].largest(), 58.0);
    }
}
