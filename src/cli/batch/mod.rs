//! Many prompts at once: each model is loaded once, a prompt that fails doesn't stop the others, and a run that was stopped
//! goes on where it was. `prompts` reads their file, `results` keeps what was found of each, `summary` says what they have
//! in common.

mod prompts;
mod results;
mod summary;

use std::path::Path;

use serde_json::{Map, Value, json};

use super::args::BatchArgs;
use super::asked::{Asked, title};
use super::failure::Failure;
use super::session::Session;
use crate::export::Input;
use crate::model::Model;
use prompts::BadLine;
use results::{Numbers, Results};
use summary::Summary;

pub use prompts::Prompt;
pub use summary::Heading;

/// What was found of a prompt.
#[derive(Debug, Default)]
pub struct Found {
    /// What its line of results says besides the numbers.
    pub details: Map<String, Value>,
    /// What means are taken of, each with its name.
    pub numbers: Numbers,
}

/// A command that takes many prompts.
pub struct Batch<'a> {
    /// What is asked besides models and prompts: results are gone on with only if it is the same.
    pub asked: Value,
    /// What the summary is of.
    pub heading: Heading,
    /// Rows of the summary, at most.
    pub top: usize,
    /// Whether the summary is JSON.
    pub json: bool,
    /// What a command finds of a prompt, by the passes of a group. Each has its model beside it.
    #[allow(clippy::type_complexity)]
    pub find: Box<dyn FnMut(&mut Session, &[(&Model, &Asked)]) -> Result<Found, Failure> + 'a>,
}

/// The prompts of a file, and its lines that are none.
///
/// # Errors
/// If the file can't be read, or has no prompt.
pub fn read_prompts(path: Option<&Path>) -> Result<(Vec<Prompt>, Vec<BadLine>), Failure> {
    prompts::read(path.unwrap_or("-".as_ref()))
}

/// Names lines that are no prompts; returns how many there are.
pub fn say_bad_lines(path: Option<&Path>, bad: &[BadLine], session: &mut Session) -> usize {
    let path = path.unwrap_or("-".as_ref());
    for BadLine { line, why } in bad {
        session.reporter.say(&format!("{}: line {line} is left out: {why}", path.display()));
    }
    bad.len()
}

/// What a run ends with: how many lines and prompts have failed.
///
/// # Errors
/// If any has.
pub fn all_read(failed: usize) -> Result<(), Failure> {
    match failed {
        0 => Ok(()),
        1 => Err(Failure::Failed("one prompt was left out: see above".to_owned())),
        count => Err(Failure::Failed(format!("{count} prompts were left out: see above"))),
    }
}

impl Batch<'_> {
    /// Runs all prompts through each group of passes: one model, or two that are compared.
    ///
    /// # Errors
    /// If there are no prompts, a model can't be loaded, or a file refuses; at the end, if lines or prompts failed.
    pub fn run(
        mut self,
        args: &BatchArgs,
        groups: &[&[Asked]],
        session: &mut Session,
        written: impl Fn(String) -> Input,
    ) -> Result<(), Failure> {
        session.listen();
        let (prompts, bad) = read_prompts(args.prompts.as_deref())?;
        let mut failed = say_bad_lines(args.prompts.as_deref(), &bad, session);
        let asked = json!({ "attnscope": "results", "asked": self.asked });
        let mut results = args.results.as_deref().map(|path| Results::open(path, &asked)).transpose()?;
        let mut summaries = Vec::new();
        for group in groups {
            let names: Vec<String> =
                group.iter().map(|asked| title(&asked.model.to_string(), &asked.without)).collect();
            let mut summary = Summary::new(names.join(" and "));
            failed += self.run_group(group, &prompts, results.as_mut(), &mut summary, session, &written)?;
            summaries.push(summary);
        }
        summary::print(&summaries, &self.heading, self.top, self.json)?;
        all_read(failed)
    }

    /// Runs all prompts through one group; returns how many failed.
    fn run_group(
        &mut self,
        group: &[Asked],
        prompts: &[Prompt],
        mut results: Option<&mut Results>,
        summary: &mut Summary,
        session: &mut Session,
        written: &impl Fn(String) -> Input,
    ) -> Result<usize, Failure> {
        let (mut models, mut failed) = (Vec::new(), 0);
        for (at, prompt) in prompts.iter().enumerate() {
            if let Some(numbers) = results.as_ref().and_then(|results| results.numbers(&summary.name, prompt))
            {
                summary.add(prompt.id.clone(), numbers.clone());
                continue;
            }
            // Not before there is something to run.
            if models.is_empty() {
                models =
                    group.iter().map(|asked| session.load_asked(asked)).collect::<Result<Vec<_>, _>>()?;
            }
            session.reporter.title = format!("prompt {} of {}: ", at + 1, prompts.len());
            let input = written(prompt.text.clone());
            let of_prompt = |asked: &Asked| Asked { input: input.clone(), ..asked.clone() };
            let group: Vec<Asked> = group.iter().map(of_prompt).collect();
            let passes: Vec<(&Model, &Asked)> = models.iter().zip(&group).collect();
            let found = (self.find)(session, &passes);
            session.reporter.title.clear();
            match found {
                Ok(Found { details, numbers }) => {
                    if let Some(results) = &mut results {
                        results.add(&summary.name, prompt, details, &numbers)?;
                    }
                    summary.add(prompt.id.clone(), numbers);
                }
                Err(Failure::Failed(why)) if !session.cancel.is_cancelled() => {
                    failed += 1;
                    session
                        .reporter
                        .say(&format!("{}: prompt {} is left out: {why}", summary.name, prompt.id));
                }
                Err(failure) => {
                    let stopped = session.cancel.is_cancelled();
                    return Err(if stopped { Failure::Interrupted } else { failure });
                }
            }
        }
        Ok(failed)
    }
}
