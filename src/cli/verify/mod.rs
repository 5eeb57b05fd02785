//! `attnscope verify`: the published numbers, computed again.

mod checks;
mod expected;

use std::io::{self, Write};
use std::path::Path;

use super::args::VerifyArgs;
use super::failure::Failure;
use super::session::Session;
use super::settings::{Settings, reference};
use crate::attention::{Ablation, Token, View};
use crate::bounded;
use crate::export::Input;
use crate::model::{Model, greedy};
use checks::Check;
use expected::{Expected, ExpectedContinuation, ExpectedModel, TextOrIds};

/// Bytes of a file of expected numbers, at most.
const LONGEST: u64 = 4 << 20;

/// Checks each model that numbers were published of, and reports line by line.
///
/// # Errors
/// If a number is off, a model is not here, or anything goes wrong on the way.
pub fn run(args: &VerifyArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let expected = match &args.expected {
        Some(path) => read(path)?,
        None => Expected::published(),
    };
    let mut failed = 0;
    let mut absent = Vec::new();
    let names = match &args.pair {
        Some(pair) => settings.models(&[], Some(pair))?.iter().map(ToString::to_string).collect(),
        None => args.models.clone(),
    };
    for model in select(&expected, &names)? {
        let reference = reference(&model.reference)?;
        if !session.may_load(&reference) {
            absent.push(format!("{} ({} to download)", model.reference, model.download));
            continue;
        }
        let loaded = session.load(&reference)?;
        writeln!(
            io::stdout(),
            "{}, {} on {}",
            model.reference,
            loaded.info().precision,
            loaded.info().device
        )?;
        failed += report(model, &loaded, session)?;
    }
    if !absent.is_empty() {
        let absent = absent.join(", ");
        return Err(Failure::Failed(format!("not verified, not here: {absent}: say --yes to download")));
    }
    if failed > 0 {
        return Err(Failure::Failed(format!("{failed} of the published numbers were not met")));
    }
    Ok(())
}

fn read(path: &Path) -> Result<Expected, Failure> {
    let failed = |error: String| Failure::Failed(format!("{}: {}", path.display(), error.trim()));
    let text = bounded::read_text(path, LONGEST).map_err(|error| failed(error.to_string()))?;
    toml::from_str(&text).map_err(|error: toml::de::Error| failed(error.message().to_owned()))
}

/// The models that were asked for, or all.
fn select<'a>(expected: &'a Expected, names: &[String]) -> Result<Vec<&'a ExpectedModel>, Failure> {
    if names.is_empty() {
        return Ok(expected.models.iter().collect());
    }
    let find = |name: &String| {
        expected.models.iter().find(|model| &model.reference == name).ok_or_else(|| {
            let known: Vec<&str> = expected.models.iter().map(|model| model.reference.as_str()).collect();
            Failure::Usage(format!(
                "no numbers were published of '{name}': name {} with --model",
                known.join(" or ")
            ))
        })
    };
    names.iter().map(find).collect()
}

/// Writes each line as it is known, and returns how many failed.
fn report(expected: &ExpectedModel, model: &Model, session: &mut Session) -> Result<usize, Failure> {
    let mut failed = 0;
    let mut tell = |checks: Vec<Check>| -> io::Result<()> {
        failed += checks.iter().filter(|check| !check.passed).count();
        checks.iter().try_for_each(|check| writeln!(io::stdout(), "{check}"))
    };
    for matrix in &expected.matrices {
        let capture = session.capture(model, &Input::Prompt(matrix.prompt.clone()))?;
        let checks = checks::matrix(matrix, &capture);
        tell(checks.map_err(|error| Failure::Failed(error.to_string()))?)?;
    }
    if !expected.heads.is_empty() {
        let scores = session.repeat_scores(model, &Ablation::default())?;
        let score = |view: View| {
            let known = scores.get(view.layer()?)?.get(view.head()?)?;
            Some(*known)
        };
        for heads in &expected.heads {
            tell(checks::heads(heads, |view| score(view).unwrap_or_default()))?;
        }
    }
    for continuation in &expected.continuations {
        let ids = continue_greedily(continuation, model, session)?;
        let tokens: Vec<Token> = ids.iter().map(|&id| model.token(id)).collect();
        let text = Token::whole_texts(&tokens).concat();
        tell(vec![checks::continuation(continuation, &ids, &text)])?;
    }
    Ok(failed)
}

/// As many tokens as were published.
fn continue_greedily(
    expected: &ExpectedContinuation,
    model: &Model,
    session: &Session,
) -> Result<Vec<u32>, Failure> {
    let ids = |text: &TextOrIds| -> Result<Vec<u32>, Failure> {
        Ok(match text {
            TextOrIds::Text(text) => model.tokenize(text)?.iter().map(|token| token.id).collect(),
            TextOrIds::Ids(ids) => ids.clone(),
        })
    };
    let count = ids(&expected.continues)?.len();
    Ok(greedy(model, &ids(&expected.input)?, count, &session.cancel)?)
}
