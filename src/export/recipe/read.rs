//! Reading a recipe. What is wrong with it is named by its key.

use std::fmt;

use serde_json::Value;

use super::contents::Recipe;

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
        let wrong = |key: &str, problem: &str| KeyError { key: key.to_owned(), problem: problem.to_owned() };
        // Any other JSON: the first of its keys is not what is wrong with it.
        if value.is_object() && value.get("program").is_none() {
            return Err(wrong("program", MISSING));
        }
        let read = serde_path_to_error::deserialize::<_, Self>(value);
        let recipe = read.map_err(|error| explain(error.path(), &error.inner().to_string()))?;
        match (recipe.format, recipe.style) {
            (None, _) => Err(wrong("format", MISSING)),
            (Some(format), Some(_)) if !format.is_figure() => {
                Err(wrong("figure", "numbers have no looks: remove it, or ask for another format"))
            }
            (Some(format), None) if format.is_figure() => Err(wrong(
                "figure",
                "a figure needs to know its looks: add an object with curve, range, pooling, colors, theme, caption \
                 and scale",
            )),
            _ => Ok(recipe),
        }
    }
}

const MISSING: &str = "missing: add it";

/// Serde's error in the words of this program.
fn explain(path: &serde_path_to_error::Path, message: &str) -> KeyError {
    let mut key = path.to_string();
    if key == "." {
        key.clear();
    }
    let problem = match message.split_once('`').and_then(|(what, rest)| Some((what, rest.split_once('`')?.0)))
    {
        Some(("missing field ", field)) => {
            key = if key.is_empty() { field.to_owned() } else { format!("{key}.{field}") };
            MISSING.to_owned()
        }
        Some(("unknown field ", _)) => "no such key: remove it".to_owned(),
        _ => match message.split_once(", expected ") {
            Some(("invalid type: null", _)) => MISSING.to_owned(),
            Some((start, "a string")) if start.starts_with("invalid type") => "expected a text".to_owned(),
            Some((start, "a boolean")) if start.starts_with("invalid type") => {
                "expected true or false".to_owned()
            }
            Some((start, expected)) if start.starts_with("invalid ") => format!("expected {expected}"),
            _ => message.to_owned(),
        },
    };
    KeyError { key, problem }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::export::recipe::{FigureStyle, Input, Source};
    use crate::export::{PROGRAM, Selection, example};
    use crate::vocabulary::{Background, ColorRange, ExportFormat, Granularity, Normalisation, View};

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
        let style = FigureStyle {
            range: ColorRange::Top(0.25),
            difference: Some(Granularity::Words),
            theme: Background::Dark,
            ..FigureStyle::default()
        };
        Recipe::of_figure((source, Some(ids)), ExportFormat::Png, Normalisation::WithoutFirst, style)
    }

    #[test]
    fn a_recipe_reads_what_it_writes() {
        let source = example::source(&example::capture_without_sinks(), Selection::All);
        for recipe in [Recipe::new(source, Some(ExportFormat::Csv)), figure()] {
            assert_eq!(Recipe::from_json(&serde_json::to_value(&recipe).unwrap()), Ok(recipe));
        }
    }

    /// Byte for byte what versions before serde's derive wrote, and how rows are named, which these did not say.
    #[test]
    fn a_recipe_is_written_as_ever() {
        let written = serde_json::to_string(&figure()).unwrap();
        let expected = r#"{"program":"attnscope","format":"png","model":"example","revision":null,"family":"gpt_oss","device":"cpu","dtype":"f32","input":{"prompt":"it '"},"view":"layer:1","sink_rule":"the softmax runs over the keys and a learned sink: a row and its sink sum to 1","beside":{"model":"example","revision":"abc","family":"gpt_oss","device":"cpu","dtype":"f32","input":{"ids":[7,8]},"without_heads":"0.1, 1.0","pinned":true,"view":"layer:1","sink_rule":"the softmax runs over the keys and a learned sink: a row and its sink sum to 1"},"normalisation":"without-first","rows":"reading","figure":{"curve":"linear","range":"0.25","pooling":"largest","colors":"viridis","theme":"dark","caption":true,"scale":2.0,"difference":"words"}}"#;
        assert_eq!(written.replace(PROGRAM, "attnscope"), expected);
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
            ("/figure/theme", json!("grey"), "figure.theme: 'grey' is no background: use light, dark"),
            ("/figure/scale", json!(99), "figure.scale: expected a number from"),
            ("/beside/input", json!("x"), "beside.input: expected {\"prompt\""),
            ("/beside/model", json!(null), "beside.model: missing: add it"),
            ("/beside/pinned", json!("yes"), "beside.pinned: expected true or false"),
            ("/revision", json!(1), "revision: expected a text"),
        ] {
            let found = error(&|recipe| *recipe.pointer_mut(key).unwrap() = value.clone());
            assert!(found.starts_with(message), "{key}: {found}");
        }
        let unknown = error(&|recipe| recipe["figure"]["size"] = json!(1));
        assert_eq!(unknown, "figure.size: no such key: remove it");
        let unknown = error(&|recipe| recipe["beside"]["size"] = json!(1));
        assert_eq!(unknown, "beside.size: no such key: remove it");
        assert_eq!(error(&|recipe| recipe["size"] = json!(1)), "size: no such key: remove it");
        for (part, key) in [("", "format"), ("", "model"), ("/beside", "view"), ("/figure", "curve")] {
            let remove = |recipe: &mut Value| {
                recipe.pointer_mut(part).unwrap().as_object_mut().unwrap().remove(key);
            };
            let path = format!("{part}/{key}").trim_start_matches('/').replace('/', ".");
            assert_eq!(error(&remove), format!("{path}: missing: add it"));
        }
        assert_eq!(Recipe::from_json(&json!({"a": 1})).unwrap_err().to_string(), "program: missing: add it");
        assert_eq!(Recipe::from_json(&json!([])).unwrap_err().to_string(), "expected an object");
    }
}
