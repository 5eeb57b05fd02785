//! A recipe, read: from its JSON. What is wrong with it is named by its key.

use std::fmt;

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::{Input, Recipe, Source};
use crate::attention::alignment::Granularity;
use crate::attention::{Ablation, ColorScale, Normalisation, Pooling};
use crate::export::{Format, Look, SCALES};
use crate::theme::{Background, ColorMap};

/// Keys of a recipe that say nothing of how to make it again.
const DERIVED: [&str; 1] = ["sink_rule"];

/// What is wrong with a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyError {
    key: String,
    problem: String,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, problem } = self;
        if key.is_empty() { f.write_str(problem) } else { write!(f, "{key}: {problem}") }
    }
}

impl std::error::Error for KeyError {}

impl Recipe {
    /// Reads what [`Recipe`] is written as.
    ///
    /// # Errors
    /// If a key is missing, unknown, or of no use.
    pub fn from_json(value: &Value) -> Result<Self, KeyError> {
        let mut fields = Fields::new(value, "")?;
        let recipe = Self {
            program: fields.text("program")?,
            format: Some(fields.parsed("format")?),
            source: fields.source()?,
            beside: fields.nested("beside", |fields| fields.source())?,
            normalisation: fields.one_of("normalisation", &Normalisation::ALL, Normalisation::name)?,
            look: fields.nested("figure", Fields::look)?,
        };
        fields.end()?;
        if recipe.format.is_some_and(Format::is_figure) != recipe.look.is_some() {
            let problem = match recipe.look {
                Some(_) => "numbers have no looks: remove it, or ask for another format",
                None => {
                    "a figure needs to know its looks: add an object with curve, range, pooling, colors, theme, \
                         caption and scale"
                }
            };
            return Err(KeyError { key: "figure".to_owned(), problem: problem.to_owned() });
        }
        Ok(recipe)
    }
}

/// An object that is read key by key.
struct Fields<'a> {
    object: &'a Map<String, Value>,
    /// Where it is: `figure.`, or nothing.
    path: String,
    read: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    fn new(value: &'a Value, path: &str) -> Result<Self, KeyError> {
        let Some(object) = value.as_object() else {
            let key = path.trim_end_matches('.').to_owned();
            return Err(KeyError { key, problem: "expected an object".to_owned() });
        };
        Ok(Self { object, path: path.to_owned(), read: DERIVED.to_vec() })
    }

    fn error(&self, key: &str, problem: impl fmt::Display) -> KeyError {
        KeyError { key: format!("{}{key}", self.path), problem: problem.to_string() }
    }

    /// A value that may be missing, or null.
    fn optional(&mut self, key: &'static str) -> Option<&'a Value> {
        self.read.push(key);
        self.object.get(key).filter(|value| !value.is_null())
    }

    fn required(&mut self, key: &'static str) -> Result<&'a Value, KeyError> {
        self.optional(key).ok_or_else(|| self.error(key, "missing: add it"))
    }

    fn text(&mut self, key: &'static str) -> Result<String, KeyError> {
        let text = self.required(key)?.as_str().map(str::to_owned);
        text.ok_or_else(|| self.error(key, "expected a text"))
    }

    fn parsed<T: std::str::FromStr<Err: fmt::Display>>(&mut self, key: &'static str) -> Result<T, KeyError> {
        self.text(key)?.parse().map_err(|error| self.error(key, error))
    }

    fn one_of<T: Copy>(
        &mut self,
        key: &'static str,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> Result<T, KeyError> {
        let text = self.text(key)?;
        let known = || all.iter().map(|value| name(*value)).collect::<Vec<_>>().join(", ");
        let named = all.iter().copied().find(|value| name(*value) == text);
        named.ok_or_else(|| self.error(key, format!("'{text}' is none of {}", known())))
    }

    fn nested<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Fields<'a>) -> Result<T, KeyError>,
    ) -> Result<Option<T>, KeyError> {
        let Some(value) = self.optional(key) else { return Ok(None) };
        let mut fields = Fields::new(value, &format!("{}{key}.", self.path))?;
        let read = read(&mut fields)?;
        fields.end()?;
        Ok(Some(read))
    }

    fn source(&mut self) -> Result<Source, KeyError> {
        let revision = self.optional("revision").map(|value| value.as_str().map(str::to_owned));
        let revision =
            revision.map(|text| text.ok_or_else(|| self.error("revision", "expected a text, or null")));
        Ok(Source {
            model: self.text("model")?,
            revision: revision.transpose()?,
            family: self.text("family")?,
            device: self.text("device")?,
            dtype: self.text("dtype")?,
            input: self.input()?,
            ablation: match self.optional("without_heads") {
                Some(_) => self.parsed("without_heads")?,
                None => Ablation::default(),
            },
            is_pinned: match self.optional("pinned") {
                Some(pinned) => {
                    pinned.as_bool().ok_or_else(|| self.error("pinned", "expected true or false"))?
                }
                None => false,
            },
            selection: self.parsed("view")?,
            has_sinks: self.object.get("sink_rule").is_some_and(|rule| !rule.is_null()),
        })
    }

    fn input(&mut self) -> Result<Input, KeyError> {
        let input = Input::deserialize(self.required("input")?);
        input.map_err(|_| self.error("input", "expected {\"prompt\": a text} or {\"ids\": [numbers]}"))
    }

    fn look(&mut self) -> Result<Look, KeyError> {
        let caption = self.required("caption")?.as_bool();
        let scale = self.required("scale")?.as_f64().map(|scale| scale as f32);
        let has_difference = self.optional("difference").is_some();
        Ok(Look {
            curve: self.one_of("curve", &ColorScale::ALL, ColorScale::name)?,
            range: self.parsed("range")?,
            pooling: self.one_of("pooling", &Pooling::ALL, Pooling::name)?,
            colors: self.one_of("colors", &ColorMap::ALL, ColorMap::name)?,
            theme: self.one_of("theme", &Background::ALL, Background::name)?,
            caption: caption.ok_or_else(|| self.error("caption", "expected true or false"))?,
            scale: scale
                .filter(|scale| SCALES.contains(scale))
                .ok_or_else(|| self.error("scale", "expected a number from 0.25 to 8"))?,
            difference: match has_difference {
                true => Some(self.one_of("difference", &Granularity::ALL, Granularity::name)?),
                false => None,
            },
        })
    }

    /// Refuses keys that nothing has read.
    fn end(self) -> Result<(), KeyError> {
        match self.object.keys().find(|key| !self.read.contains(&key.as_str())) {
            Some(key) => Err(self.error(key, "no such key: remove it")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::attention::View;
    use crate::export::{ColorRange, Selection, example};

    fn figure() -> Recipe {
        let source = example::source(&example::capture(), Selection::One(View::Layer(1)));
        let ablation = "0.1, 1.0".parse().unwrap();
        let ids = Source {
            input: Input::Ids(vec![7, 8]),
            ablation,
            revision: Some("abc".to_owned()),
            is_pinned: true,
            ..source.clone()
        };
        let look = Look {
            range: ColorRange::Top(0.25),
            difference: Some(Granularity::Words),
            theme: Background::Dark,
            ..Look::default()
        };
        Recipe::of_figure((source, Some(ids)), Format::Png, Normalisation::WithoutFirst, look)
    }

    #[test]
    fn a_recipe_reads_what_it_writes() {
        let source = example::source(&example::capture_without_sinks(), Selection::All);
        for recipe in [Recipe::new(source, Some(Format::Csv)), figure()] {
            assert_eq!(Recipe::from_json(&serde_json::to_value(&recipe).unwrap()), Ok(recipe));
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_what_to_do() {
        let error = |change: &dyn Fn(&mut Value)| {
            let mut value = serde_json::to_value(figure()).unwrap();
            change(&mut value);
            Recipe::from_json(&value).unwrap_err().to_string()
        };
        for (key, value, message) in [
            ("/view", json!("head"), "view: 'head' is no view: use mean"),
            ("/format", json!(3), "format: expected a text"),
            ("/format", json!("bmp"), "format: 'bmp' is no format: use csv"),
            ("/format", json!("csv"), "figure: numbers have no looks"),
            ("/figure", json!(null), "figure: a figure needs to know its looks"),
            ("/figure", json!(1), "figure: expected an object"),
            ("/figure/theme", json!("grey"), "figure.theme: 'grey' is none of light, dark"),
            ("/figure/scale", json!(99), "figure.scale: expected a number from"),
            ("/beside/input", json!("x"), "beside.input: expected {\"prompt\""),
            ("/beside/model", json!(null), "beside.model: missing: add it"),
        ] {
            let found = error(&|recipe| *recipe.pointer_mut(key).unwrap() = value.clone());
            assert!(found.starts_with(message), "{key}: {found}");
        }
        let unknown = error(&|recipe| recipe["figure"]["size"] = json!(1));
        assert_eq!(unknown, "figure.size: no such key: remove it");
        assert_eq!(Recipe::from_json(&json!([])).unwrap_err().to_string(), "expected an object");
    }
}
