//! The passes that a command is asked for: which models, what they read, and which heads are off.

use super::args::{InputArgs, ModelsArgs};
use super::failure::Failure;
use super::settings::Settings;
use crate::attention::{Ablation, escape_controls};
use crate::export::Input;
use crate::model::Reference;

/// A pass that is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The model.
    pub model: Reference,
    /// What it reads.
    pub input: Input,
    /// Heads that are off.
    pub without: Ablation,
}

impl Settings {
    /// The passes that flags ask for, in their order: a model each, or one model with several sets of heads off; over one text.
    ///
    /// # Errors
    /// If a model or a text is not there, or there are fewer or more sets of heads than models.
    pub fn passes(&self, models: &ModelsArgs, input: &InputArgs) -> Result<Vec<Asked>, Failure> {
        let text = self.input(input)?;
        self.passes_over(text, models, input)
    }

    /// As [`passes`](Self::passes), also over several texts: each model reads its own, or one model reads all.
    ///
    /// # Errors
    /// As [`passes`](Self::passes), or if there are fewer or more texts than passes.
    pub fn passes_over_several(&self, models: &ModelsArgs, input: &InputArgs) -> Result<Vec<Asked>, Failure> {
        let texts = self.inputs(input)?;
        let Some((first, others)) = texts.split_first() else { return Ok(vec![]) };
        let mut passes = self.passes_over(first.clone(), models, input)?;
        if others.is_empty() {
            return Ok(passes);
        }
        if let [one] = passes.as_slice() {
            passes = vec![one.clone(); texts.len()];
        }
        if passes.len() != texts.len() {
            return Err(Failure::Usage(format!(
                "--prompt is given {} times for {} passes: give one text for all, or each pass its own",
                texts.len(),
                passes.len()
            )));
        }
        for (pass, text) in passes.iter_mut().zip(texts) {
            pass.input = text;
        }
        Ok(passes)
    }

    /// As [`passes`](Self::passes), over another text than the one that flags name.
    ///
    /// # Errors
    /// As [`passes`](Self::passes).
    pub fn passes_over(
        &self,
        text: Input,
        models: &ModelsArgs,
        input: &InputArgs,
    ) -> Result<Vec<Asked>, Failure> {
        let models = self.models_of(models)?;
        let sets = sets(&input.without, models.len())?;
        let count = models.len().max(sets.len());
        let model = |at: usize| models.get(at).or(models.first());
        let asked = |at: usize| {
            let without = sets.get(at).or(sets.first()).cloned().unwrap_or_default();
            Some(Asked { model: model(at)?.clone(), input: text.clone(), without })
        };
        Ok((0..count).filter_map(asked).collect())
    }
}

/// Sets of heads that are off: one for all models, one for each, or several for one.
fn sets(given: &[Ablation], models: usize) -> Result<&[Ablation], Failure> {
    match given.len() {
        count if count <= 1 || count == models || models == 1 => Ok(given),
        count => Err(Failure::Usage(format!(
            "--without is given {count} times for {models} models: give it once for all, or once for each, with none \
             where all heads are on"
        ))),
    }
}

/// What a pass is called: its model, and the heads that are off.
pub fn title(name: &str, without: &Ablation) -> String {
    escape_controls(name) + &without.suffix()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_off_in_all_models_or_in_each_its_own() {
        let given =
            |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<Ablation>>();
        for (texts, models, right) in [
            (&[][..], 2, true),
            (&["0.1"], 3, true),
            (&["none", "0.1"], 2, true),
            (&["none", "0.1", "0.2"], 1, true),
        ] {
            assert_eq!(sets(&given(texts), models).is_ok(), right, "{texts:?}");
        }
        let error = sets(&given(&["0.1", "0.2"]), 3).unwrap_err();
        assert!(error.message().unwrap().contains("2 times for 3 models"));
        assert_eq!(title("m", &"0.1".parse().unwrap()), "m without 0.1");
    }
}
