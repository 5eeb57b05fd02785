//! `attnscope patch`: how far parts of the pass over one prompt bring another prompt to its next token.

use super::args::PatchArgs;
use super::asked::{Asked, title};
use super::failure::Failure;
use super::file::AskedFile;
use super::flags::{check_heads, logit_tokens};
use super::map::{self, Map};
use super::session::Session;
use super::settings::Settings;
use super::stdout;
use crate::export::patch::{PatchedPass, write_csv, write_json, write_table};
use crate::export::{Found, FoundSubject, Input, LogitTokens, Source, Subject};

/// Places that a table lists.
const TOP: usize = 20;

/// Runs every model over both prompts, and over the second one with each place taken from the first.
///
/// # Errors
/// If there are not two prompts of one length, a model cannot be loaded, predicts nothing or hasn't got the tokens, both
/// prompts speak for the same token, or the file cannot be written.
pub fn run(args: &PatchArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let file = AskedFile::of(&args.file, settings)?;
    let pairs = pairs(args, settings)?;
    if args.file.out.is_some() && pairs.len() > 1 {
        let message = "a file of patching is of one model: name it with --model";
        return Err(Failure::Usage(message.to_owned()));
    }
    let subject = Subject::Found(FoundSubject::Patch(args.what, LogitTokens::default()));
    let file = file.map(|file| file.open(pairs.len())).transpose()?;
    let mut passes = Vec::new();
    for [from, to] in pairs {
        let model = session.load_asked(&from)?;
        check_heads("--without", &to.without, model.info())?;
        model.check_output_head()?;
        // First, so that a token that isn't there is told before anything takes long.
        let tokens = logit_tokens([args.token.as_ref(), args.versus.as_ref()], &model)?;
        let mut read = |Asked { input, without, .. }: Asked| {
            let capture = session.capture_without(&model, &input, &without)?;
            let source = Source::new(&capture, input, subject);
            Ok::<_, Failure>((capture, source))
        };
        let read = [read(from)?, read(to)?];
        passes.push(session.patch(&model, read, args.what, tokens)?);
    }
    if let (Some(file), Some(pass)) = (file, passes.first()) {
        return file.write_found(&Found::Patch(Box::new(pass.clone())), session);
    }
    if args.map {
        let map = |PatchedPass { captures, found, .. }: &PatchedPass| Map {
            title: format!(
                "{}: effect of {}",
                title(&captures[1].model.name, &captures[1].ablation),
                found.what.title()
            ),
            values: found.effects.clone(),
            off: vec![],
        };
        let maps: Vec<Map> = passes.iter().map(map).collect();
        return map::print_signed(&maps, settings);
    }
    let all = args.top.unwrap_or(usize::MAX);
    if args.csv {
        return stdout::print(false, |_| Ok(()), |out| write_csv(out, &passes, all));
    }
    let table = args.top.unwrap_or(TOP);
    stdout::print(args.json, |out| write_json(out, &passes), |out| write_table(out, &passes, table))
}

/// Of each model the pass that is taken from, and the one that is changed: over two prompts, or over one without other heads.
fn pairs(args: &PatchArgs, settings: &Settings) -> Result<Vec<[Asked; 2]>, Failure> {
    let inputs = settings.inputs(&args.input)?;
    let passes = |input: &Input| settings.passes_over(input.clone(), &args.models, &args.input);
    let (from, to) = match inputs.as_slice() {
        [input] => (passes(input)?, passes(input)?),
        [first, second] => (passes(first)?, passes(second)?),
        _ => (vec![], vec![]),
    };
    let pairs = match (from.as_slice(), to.as_slice()) {
        ([first, other], [_, second]) if first.model == other.model => {
            vec![[first.clone(), second.clone()]]
        }
        _ if inputs.len() == 2 => from.into_iter().zip(to).map(|(from, to)| [from, to]).collect(),
        _ => {
            return Err(Failure::Usage(format!(
                "patching is of two prompts, this is {}: give --prompt twice, the one to take from first; or one with \
                 --without twice",
                inputs.len()
            )));
        }
    };
    let is_same = |[from, to]: &[Asked; 2]| (&from.input, &from.without) == (&to.input, &to.without);
    match pairs.iter().any(is_same) {
        false => Ok(pairs),
        true => Err(Failure::Usage(match inputs.len() {
            1 => "both --without are the same: patching puts back what other heads change, so let them differ".to_owned(),
            _ => "both --prompt are the same: there is nothing to bring from one to the other; give two that differ, of as \
                  many tokens"
                .to_owned(),
        })),
    }
}
