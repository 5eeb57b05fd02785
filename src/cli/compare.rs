//! `attnscope compare`: two models' attention to the same text.

use super::args::CompareArgs;
use super::export::check_same_text;
use super::failure::Failure;
use super::session::Session;
use super::settings::Settings;
use super::stdout;
use crate::attention::ablation::next_divergence;
use crate::attention::alignment::Granularity;
use crate::attention::shift::{HeadShift, check_shape, shifted_heads};
use crate::attention::{Capture, HeadEntry, escape_controls};
use crate::export::file::Destination;
use crate::export::report::{self, Reading, Report};
use crate::export::shift::{Shifted, write_json, write_table};
use crate::export::{Input, NOT_COMPARED, Recipe, Selection, Source};
use crate::model::Reference;

/// Says what two models differ in, or writes a page that shows it.
///
/// # Errors
/// If there are not two models, one cannot be loaded, cannot read the prompt or has no such view, or the page cannot
/// be written.
pub fn run(args: &CompareArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let models = settings.models_of(&args.models)?;
    let [left, right] = models.as_slice() else {
        return Err(Failure::Usage(
            "a comparison is of two models: name two with --model, or a pair with --pair".to_owned(),
        ));
    };
    if args.view.is_value_weighted() {
        return Err(Failure::Usage(NOT_COMPARED.to_owned()));
    }
    if args.heads {
        return compare_heads([left, right], args, settings, session);
    }
    let input = input(args, settings)?;
    session.listen();
    // Before a model is loaded for nothing.
    let page = args.report.as_deref().map(Destination::open).transpose()?;
    let mut read: Vec<Capture> = Vec::new();
    for reference in [left, right] {
        let model = session.load(reference)?;
        let mut capture = session.capture(&model, &input)?;
        capture.check(args.view)?;
        session.score(&model, &mut capture)?;
        read.push(capture);
    }
    check_same_text(&read)?;
    let reading = |capture| {
        let source = Source::new(capture, input.clone(), Selection::One(args.view));
        Reading { capture, source, heads: HeadEntry::all(capture) }
    };
    let granularity = if args.words { Granularity::Words } else { Granularity::Pieces };
    let report = Report::new([&read[0], &read[1]].map(reading), args.view, (granularity, args.rows))
        .map_err(|error| Failure::Failed(error.to_string()))?;
    if let Some(mut page) = page {
        report::write_page(&mut page, &report)?;
        return Ok(page.finish()?);
    }
    stdout::print(args.json, |out| report::write_json(out, &report), |out| report::write_text(out, &report))
}

/// What both models read.
fn input(args: &CompareArgs, settings: &Settings) -> Result<Input, Failure> {
    let text = settings.text(args.prompt.as_deref(), args.prompt_file.as_deref())?;
    Ok(settings.written(text, &args.chat))
}

/// Says how far the heads of two models of one shape are apart.
fn compare_heads(
    models: [&Reference; 2],
    args: &CompareArgs,
    settings: &Settings,
    session: &mut Session,
) -> Result<(), Failure> {
    let input = input(args, settings)?;
    let mut pass = |reference: &Reference| {
        let model = session.load(reference)?;
        session.capture(&model, &input)
    };
    let captures = [pass(models[0])?, pass(models[1])?];
    check_same_text(&captures)?;
    let [left, right] = &captures;
    check_shape(left, right).map_err(|why| {
        let names = [left, right].map(|capture| escape_controls(&capture.model.name));
        Failure::Failed(format!("{} and {}: {why}", names[0], names[1]))
    })?;
    let (mut heads, layers) = (Vec::new(), left.model.layers);
    for layer in 0..layers {
        session.cancel.check()?;
        session.reporter.progress(&format!("comparing layer {layer} of {layers}"));
        heads.extend(shifted_heads(left, right, layer).map_err(Failure::Failed)?);
    }
    session.reporter.clear();
    let mean = heads.iter().map(|head| head.divergence).sum::<f32>() / heads.len().max(1) as f32;
    HeadShift::sort(&mut heads);
    heads.truncate(args.top.unwrap_or(usize::MAX));
    let next = next_divergence(left, right);
    let recipe = |capture| Recipe::new(Source::new(capture, input.clone(), Selection::All), None);
    let recipes = [recipe(left), recipe(right)];
    let shifted = Shifted { recipes, heads, mean, next, captures };
    stdout::print(args.json, |out| write_json(out, &shifted), |out| write_table(out, &shifted))
}
