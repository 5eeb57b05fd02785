//! `attnscope effect`: what hiding spans of a prompt does to the next token.

use super::args::EffectArgs;
use super::asked::Asked;
use super::failure::Failure;
use super::file::AskedFile;
use super::flags::{check_spans, next_token};
use super::segments::cut;
use super::session::Session;
use super::settings::Settings;
use super::stdout;
use crate::attention::segments::Cut;
use crate::export::effect::{write_csv, write_json, write_table};
use crate::export::{Found, FoundSubject, HiddenBy, Source, Subject};
use crate::vocabulary::SegmentRule;

/// Runs every model, and runs it again with each span hidden.
///
/// # Errors
/// If a model cannot be loaded or cannot read the prompt, there is no such span, token or head, the prompt can't be cut, or
/// the file cannot be written.
pub fn run(args: &EffectArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let file = AskedFile::of(&args.file, settings)?;
    // Before a model is loaded for nothing.
    let cut = match &args.by {
        Some(by) => cut(by)?,
        None if args.sentences => Cut::Rule(SegmentRule::Sentences),
        None => Cut::Rule(SegmentRule::Auto),
    };
    let by = match &cut {
        _ if args.words => HiddenBy::Words,
        _ if !args.spans.is_empty() => HiddenBy::Spans,
        Cut::Rule(rule) => HiddenBy::Segments(*rule),
        Cut::Named(_) => HiddenBy::Segments(SegmentRule::Auto),
    };
    let asked = settings.passes(&args.models, &args.input)?;
    let subject = Subject::Found(FoundSubject::Effect(by, None));
    let file = file.map(|file| file.open(asked.len())).transpose()?;
    let mut passes = Vec::new();
    for asked in asked {
        let model = session.load_asked(&asked)?;
        let Asked { input, without, .. } = asked;
        model.check_output_head()?;
        let token = next_token("--token", args.token.as_ref(), &model)?;
        let capture = session.capture_without(&model, &input, &without)?;
        check_spans("--span", &args.spans, capture.tokens.len())?;
        let source = Source::new(&capture, input, subject).cut_by(&cut);
        let source = Source { spans: args.spans.clone(), ..source };
        passes.push(session.effect(&model, (capture, source), by, token)?);
    }
    if let Some(file) = file {
        return file.write_found(&Found::Effect(passes), session);
    }
    if args.csv {
        return stdout::print(false, |_| Ok(()), |out| write_csv(out, &passes));
    }
    stdout::print(args.json, |out| write_json(out, &passes), |out| write_table(out, &passes))
}
