//! A file of results, a line of JSON for each prompt and model. It says at its top what was asked, and a run that was
//! stopped goes on where the file ends.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::prompts::Prompt;
use crate::cli::failure::Failure;

/// The numbers of a prompt, by their names.
pub type Numbers = Vec<(String, f64)>;

/// A file of results, open at its end.
#[derive(Debug)]
pub struct Results {
    path: PathBuf,
    file: File,
    /// By model and id: the text, and the numbers of it.
    done: HashMap<(String, String), (String, Numbers)>,
}

impl Results {
    /// Opens a file that is there, or a new one, for what is asked.
    ///
    /// # Errors
    /// If it can't be opened, or holds something else.
    pub fn open(path: &Path, asked: &Value) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::Failed(format!("--results {}: {error}", path.display()));
        if path.is_dir() {
            return Err(Failure::Failed(format!(
                "--results {}: this is a folder: name a file",
                path.display()
            )));
        }
        // A pipe or a device never ends, and nothing can be read of it again.
        if path.metadata().is_ok_and(|there| !there.is_file()) {
            return Err(Failure::Failed(format!(
                "--results {}: this is no ordinary file: name one",
                path.display()
            )));
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        let (mut done, mut end) = (HashMap::new(), 0);
        let mut reader = BufReader::new(&file);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).map_err(failed)? > 0 {
            // What was being written when the run was stopped is written again.
            if line.pop() != Some(b'\n') {
                break;
            }
            let value: Value = serde_json::from_slice(&line).unwrap_or_default();
            if end == 0 && value != *asked {
                return Err(Failure::Failed(format!(
                    "--results {}: this holds something else than what is asked now: name another file, or remove it",
                    path.display()
                )));
            }
            done.extend(entry(&value));
            end += line.len() as u64 + 1;
            line.clear();
        }
        drop(reader);
        file.set_len(end).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let mut results = Self { path: path.to_owned(), file, done };
        if end == 0 {
            results.write(asked)?;
        }
        Ok(results)
    }

    /// What is known of a prompt by a model, if it is of the same text.
    pub fn numbers(&self, model: &str, prompt: &Prompt) -> Option<&Numbers> {
        let (text, numbers) = self.done.get(&(model.to_owned(), prompt.id.clone()))?;
        (*text == prompt.text).then_some(numbers)
    }

    /// Adds what was found of a prompt.
    ///
    /// # Errors
    /// If the file takes no more.
    pub fn add(
        &mut self,
        model: &str,
        prompt: &Prompt,
        details: Map<String, Value>,
        numbers: &Numbers,
    ) -> Result<(), Failure> {
        let mut line = json!({ "model": model, "id": prompt.id, "text": prompt.text });
        if let Value::Object(line) = &mut line {
            line.extend(details);
            let numbers = numbers.iter().map(|(name, value)| (name.clone(), json!(value)));
            line.insert("numbers".to_owned(), Map::from_iter(numbers).into());
        }
        self.write(&line)
    }

    fn write(&mut self, line: &Value) -> Result<(), Failure> {
        let mut bytes = line.to_string().into_bytes();
        bytes.push(b'\n');
        let written = self.file.write_all(&bytes).and_then(|()| self.file.flush());
        written.map_err(|error| Failure::Failed(format!("--results {}: {error}", self.path.display())))
    }
}

/// What a line says of a prompt.
fn entry(line: &Value) -> Option<((String, String), (String, Numbers))> {
    let text = |key: &str| line[key].as_str().map(ToOwned::to_owned);
    let number = |(name, value): (&String, &Value)| Some((name.clone(), value.as_f64()?));
    let numbers = line["numbers"].as_object()?.iter().filter_map(number).collect();
    Some(((text("model")?, text("id")?), (text("text")?, numbers)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_run_goes_on_where_its_file_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.jsonl");
        let asked = json!({ "command": "heads" });
        let prompt = |text: &str| Prompt { id: "a".to_owned(), text: text.to_owned() };
        let numbers = vec![("a".to_owned(), 0.5), ("b".to_owned(), 1.0)];
        let mut results = Results::open(&path, &asked).unwrap();
        assert_eq!(results.numbers("m", &prompt("x")), None);
        results.add("m", &prompt("x"), Map::new(), &numbers).unwrap();
        let whole = fs::read(&path).unwrap();
        fs::write(&path, [&whole[..], br#"{"model":"m","id":"b""#].concat()).unwrap();
        let results = Results::open(&path, &asked).unwrap();
        assert_eq!(results.numbers("m", &prompt("x")), Some(&numbers));
        assert_eq!(results.numbers("m", &prompt("y")), None, "another text");
        assert_eq!(results.numbers("n", &prompt("x")), None, "another model");
        assert_eq!(fs::read(&path).unwrap(), whole, "half a line is no line");
        let other = Results::open(&path, &json!({ "command": "sweep" })).unwrap_err();
        assert!(other.message().unwrap().contains("something else"));
        fs::write(&path, "my notes\n").unwrap();
        assert!(Results::open(&path, &asked).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"my notes\n", "nothing of somebody else's is lost");
        assert!(Results::open(folder.path(), &asked).unwrap_err().message().unwrap().contains("folder"));
    }
}
