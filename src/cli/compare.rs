//! `attnscope compare`: two models' attention to the same text, or one model's to two.

use serde_json::json;

use super::args::CompareArgs;
use super::asked::Asked;
use super::batch::{Batch, Found, Heading};
use super::ending::check_name;
use super::failure::Failure;
use super::flags::check_view;
use super::session::Session;
use super::settings::Settings;
use super::stdout;
use crate::attention::ablation::next_divergence;
use crate::attention::alignment::Granularity;
use crate::attention::shift::{check_shape, shifted_heads};
use crate::attention::{Capture, HeadEntry, MeasuredComparison, Texts};
use crate::export::file::Destination;
use crate::export::report::{self, Reading, Report};
use crate::export::shift::{write_json, write_table};
use crate::export::{Input, NOT_COMPARED, Selection, Source};
use crate::model::Model;
use crate::vocabulary::ExportFormat;

/// Says what two models differ in, or writes a page that shows it.
///
/// # Errors
/// If there are not two models, one cannot be loaded, cannot read the prompt or has no such view, or the page cannot
/// be written.
pub fn run(args: &CompareArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let passes = match args.batch.prompts.is_some() {
        true => settings.passes_over(Input::Ids(vec![]), &args.models, &args.input)?,
        false => settings.passes_over_several(&args.models, &args.input)?,
    };
    let [left, right] = passes.as_slice() else {
        return Err(Failure::Usage(
            "a comparison is of two models: name two with --model, or a pair with --pair; or one with --prompt twice, or with \
             --without twice"
                .to_owned(),
        ));
    };
    if args.view.is_value_weighted() {
        return Err(Failure::Usage(NOT_COMPARED.to_owned()));
    }
    if args.batch.prompts.is_some() {
        return compare_many(&passes, args, settings, session);
    }
    if args.heads {
        return compare_heads([left, right], args, session);
    }
    if let Some(page) = &args.report {
        check_name("--report", page, ExportFormat::Html)?;
    }
    session.listen();
    // Before a model is loaded for nothing.
    let page = args.report.as_deref().map(Destination::open).transpose()?;
    let mut read: Vec<Capture> = Vec::new();
    for asked in [left, right] {
        let model = session.load_asked(asked)?;
        check_view(args.view, Some(args.view), model.info())?;
        let mut capture = session.capture_without(&model, &asked.input, &asked.without)?;
        session.score(&model, &mut capture)?;
        read.push(capture);
    }
    let reading = |(capture, asked): (_, &Asked)| {
        let source = Source::new(capture, asked.input.clone(), Selection::One(args.view));
        Reading { capture, source, heads: HeadEntry::all(capture) }
    };
    let granularity = if args.words { Granularity::Words } else { Granularity::Pieces };
    let report =
        Report::new([(&read[0], left), (&read[1], right)].map(reading), args.view, (granularity, args.rows))
            .map_err(|error| Failure::Failed(error.to_string()))?;
    if let Some(mut page) = page {
        report::write_page(&mut page, &report)?;
        return Ok(page.finish()?);
    }
    stdout::print(args.json, |out| report::write_json(out, &report), |out| report::write_text(out, &report))
}

/// Says how far two models are apart on average over many prompts: as a whole, or head by head.
fn compare_many(
    passes: &[Asked],
    args: &CompareArgs,
    settings: &Settings,
    session: &mut Session,
) -> Result<(), Failure> {
    let granularity = if args.words { Granularity::Words } else { Granularity::Pieces };
    let (row, number) = match args.heads {
        true => ("head", "JS divergence of its rows (nats)".to_owned()),
        false => ("number", format!("{} (nats)", args.view.title())),
    };
    let find = |session: &mut Session, passes: &[(&Model, &Asked)]| {
        let capture = |session: &mut Session, (model, asked): &(&Model, &Asked)| {
            check_view(args.view, Some(args.view), model.info())?;
            session.capture_without(model, &asked.input, &asked.without)
        };
        let [left, right] = passes else { return Ok(Found::default()) };
        let captures = [capture(session, left)?, capture(session, right)?];
        let [left, right] = &captures;
        let texts = Texts::same_if(left.reads_the_text_of(right));
        let mut found = Found::default();
        let next = next_divergence(left, right).map(|value| ("next token, KL".to_owned(), value));
        if args.heads {
            check_shape(left, right).map_err(|why| Failure::Failed(why.to_owned()))?;
            for layer in 0..left.model.layers {
                for head in shifted_heads(left, right, layer).map_err(Failure::Failed)? {
                    found.numbers.push((format!("{}.{}", head.layer, head.head), f64::from(head.divergence)));
                }
            }
        } else {
            let compared = MeasuredComparison::of_views([left, right], [args.view; 2], granularity, texts)
                .map_err(|error| Failure::Failed(error.to_string()))?;
            let divergence = f64::from(compared.comparison.mean_divergence());
            found.numbers.push(("attention, JS".to_owned(), divergence));
            found.numbers.extend(next);
            found.details.insert("pieces".to_owned(), compared.comparison.pieces().len().into());
        }
        let tokens = captures.iter().map(|capture| capture.tokens.len());
        found.details.insert("tokens".to_owned(), tokens.collect::<Vec<_>>().into());
        Ok(found)
    };
    let batch = Batch {
        asked: json!({
            "command": "compare", "view": args.view.to_string(), "heads": args.heads, "words": args.words,
            "chat": settings.chat(&args.input.chat),
        }),
        heading: Heading { row, number },
        top: args.top.unwrap_or(usize::MAX),
        json: args.json,
        find: Box::new(find),
    };
    batch.run(&args.batch, &[passes], session, |text| settings.written(text, &args.input.chat))
}

/// Says how far the heads of two models of one shape are apart.
fn compare_heads(passes: [&Asked; 2], args: &CompareArgs, session: &mut Session) -> Result<(), Failure> {
    let mut pass = |asked: &Asked| {
        let model = session.load_asked(asked)?;
        let capture = session.capture_without(&model, &asked.input, &asked.without)?;
        let source = Source::new(&capture, asked.input.clone(), Selection::All);
        Ok::<_, Failure>((capture, source))
    };
    let passes = [pass(passes[0])?, pass(passes[1])?];
    let mut shifted = session.shift(passes)?;
    shifted.heads.truncate(args.top.unwrap_or(usize::MAX));
    stdout::print(args.json, |out| write_json(out, &shifted), |out| write_table(out, &shifted))
}
