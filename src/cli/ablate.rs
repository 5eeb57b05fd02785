//! `attnscope ablate`: what changes when heads are switched off.

use super::args::AblateArgs;
use super::asked::Asked;
use super::failure::Failure;
use super::flags::check_heads;
use super::session::Session;
use super::settings::Settings;
use super::stdout;
use crate::attention::ablation::moved_heads;
use crate::export::ablation::{Ablated, write_json, write_table};
use crate::export::{Recipe, Selection, Source};

/// Runs every model with all its heads and without some.
///
/// # Errors
/// If a model cannot be loaded, cannot read the prompt, or does not have one of the heads.
pub fn run(args: &AblateArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    if args.heads.is_empty() {
        return Err(Failure::Usage("--heads names the heads to switch off: write 5.1,6.9".to_owned()));
    }
    let mut ablated = Vec::new();
    for asked in settings.passes(&args.models, &args.input)? {
        let model = session.load_asked(&asked)?;
        check_heads("--heads", &args.heads, model.info())?;
        let Asked { input, without, .. } = asked;
        let after = session.capture_without(&model, &input, &args.heads.with(&without))?;
        let before = session.capture_without(&model, &input, &without)?;
        let (mut heads, layers) = (Vec::new(), model.info().layers);
        for layer in 0..layers {
            session.cancel.check()?;
            session.reporter.progress(&format!("{}: comparing layer {layer} of {layers}", model.info().name));
            heads.extend(moved_heads(&before, &after, layer).map_err(|e| Failure::Failed(e.to_string()))?);
        }
        session.reporter.clear();
        heads.sort_by(|a, b| b.divergence.total_cmp(&a.divergence));
        heads.truncate(args.top);
        let recipe = Recipe::new(Source::new(&after, input, Selection::All), None);
        ablated.push(Ablated { before, after, heads, recipe });
    }
    stdout::print(args.json, |out| write_json(out, &ablated), |out| write_table(out, &ablated))
}
