//! `attnscope patch`: how far parts of the pass over one prompt bring another prompt to its next token.

use std::sync::Arc;

use super::args::PatchArgs;
use super::asked::{Asked, title};
use super::failure::Failure;
use super::map::{self, Map};
use super::session::Session;
use super::settings::Settings;
use super::stdout;
use crate::attention::Capture;
use crate::attention::patching::{LogitPair, PatchError, Patching, check_pair};
use crate::export::patch::{PatchedPass, write_csv, write_json, write_table};
use crate::export::{Input, Recipe, Selection, Source};
use crate::model::{Model, Patch};

/// Places that a table lists.
const TOP: usize = 20;

/// Runs every model over both prompts, and over the second one with each place taken from the first.
///
/// # Errors
/// If there are not two prompts of one length, a model cannot be loaded, predicts nothing or hasn't got the tokens, or both
/// prompts speak for the same token.
pub fn run(args: &PatchArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let mut passes = Vec::new();
    for pair in pairs(args, settings)? {
        let model = session.load(&pair[0].model)?;
        model.check_output_head()?;
        // First, so that a token that isn't there is told before anything takes long.
        let named = |name: &Option<String>| name.as_ref().map(|name| model.token_named(name)).transpose();
        let tokens = [named(&args.token)?, named(&args.versus)?];
        let mut captures = Vec::new();
        for Asked { input, without, .. } in &pair {
            captures.push(Arc::new(session.capture_without(&model, input, without)?));
        }
        let [from, to] = [captures[0].clone(), captures[1].clone()];
        let found = session.patch(&model, [from.clone(), to.clone()], args, tokens)?;
        let recipe = |capture, at: usize| {
            Recipe::new(Source::new(capture, pair[at].input.clone(), Selection::All), None)
        };
        let recipes = [recipe(&from, 0), recipe(&to, 1)];
        passes.push(PatchedPass { captures: [from, to], found, recipes });
    }
    if args.map {
        let map = |PatchedPass { captures, found, .. }: &PatchedPass| Map {
            title: format!(
                "{}: effect of {}",
                title(&captures[1].model.name, &captures[1].ablation),
                found.what.title()
            ),
            values: found.effects.clone(),
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
    match (from.as_slice(), to.as_slice()) {
        ([first, other], [_, second]) if first.model == other.model => {
            Ok(vec![[first.clone(), second.clone()]])
        }
        _ if inputs.len() == 2 => Ok(from.into_iter().zip(to).map(|(from, to)| [from, to]).collect()),
        _ => Err(Failure::Usage(format!(
            "patching is of two prompts, this is {}: give --prompt twice, the one to take from first; or one with --without \
             twice",
            inputs.len()
        ))),
    }
}

impl Session {
    /// Patches all places.
    fn patch(
        &mut self,
        model: &Model,
        passes: [Arc<Capture>; 2],
        args: &PatchArgs,
        tokens: [Option<u32>; 2],
    ) -> Result<Patching, Failure> {
        let failed = |error: PatchError| Failure::Failed(format!("{}: {error}", model.info().name));
        check_pair(&passes[0], &passes[1]).map_err(failed)?;
        let next = |at: usize| tokens[at].map(|id| model.next_token(&passes[at], id));
        let logits = LogitPair::new([&passes[0], &passes[1]], next(0), next(1)).map_err(failed)?;
        let mut patch = Patch::new(passes, args.what, logits)?;
        while !patch.is_done() {
            let (done, all) = patch.progress();
            self.reporter.progress(&format!("{}: place {} of {all}", model.info().name, done + 1));
            patch.step(model, &self.cancel)?;
        }
        self.reporter.clear();
        Ok(patch.found())
    }
}
