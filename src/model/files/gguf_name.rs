//! What the names of GGUF files say: which are models, and which are parts of one.

use std::path::Path;

/// Models of a folder that a message names.
const NAMED: usize = 8;

/// Whether a name is that of a GGUF file.
pub(super) fn is_gguf(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"))
}

/// Whether a file of this name is the first of a model. What sees pictures, and statistics, are no models.
pub(super) fn is_model(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default().to_lowercase();
    let is_first = split_name(&name).is_none_or(|(_, number, _)| number == 1);
    is_gguf(&name) && is_first && !["mmproj", "imatrix"].iter().any(|part| name.contains(part))
}

/// Names of models for a message: the first of them.
pub(super) fn listed(names: &[String]) -> String {
    let shown = names[..names.len().min(NAMED)].join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The names of all files of the model of which `name` is one, which may have folders in front. At least one.
pub(super) fn part_names(name: &str) -> Vec<String> {
    match split_name(name) {
        Some((start, _, count)) => {
            let extension = &name[name.len() - ".gguf".len()..];
            (1..=count).map(|at| format!("{start}-{at:05}-of-{count:05}{extension}")).collect()
        }
        None => vec![name.to_owned()],
    }
}

/// What the name of a part begins with, its number and the number of parts: `name-00001-of-00003.gguf`.
fn split_name(name: &str) -> Option<(&str, usize, usize)> {
    const DIGITS: usize = 5;
    let stem = name.get(..name.len().checked_sub(".gguf".len())?).filter(|_| is_gguf(name))?;
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (start, number) = rest.rsplit_once('-')?;
    let read = |text: &str| text.parse::<usize>().ok().filter(|_| text.len() == DIGITS);
    let (number, count) = (read(number)?, read(count)?);
    (1..=count).contains(&number).then_some((start, number, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_of_a_part_is_a_part_of_the_name() {
        for name in
            ["a-1-of-2.gguf", "a-00003-of-00002.gguf", "a-00000-of-00001.gguf", "-of-.gguf", "a.gguf", "é"]
        {
            assert_eq!(split_name(name), None, "{name}");
        }
        assert_eq!(split_name("a-b-00002-of-00003.GGUF"), Some(("a-b", 2, 3)));
    }
}
