//! Paths as the environment writes them: `~` and `$NAME` are filled in as Python's `huggingface_hub` does.

use std::path::PathBuf;

/// Fills in `~` for the home folder, then `$NAME` and `${NAME}` for what `lookup` says of them. As in Python, a
/// variable that isn't set stays as it is written, and what was filled in is not looked at again.
///
/// # Errors
/// If it begins with the home of somebody else, `~name`, or needs a home folder and there is none.
pub(super) fn path(
    text: &str,
    home: Option<&str>,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<PathBuf, String> {
    let text = match text.strip_prefix('~') {
        None => text.to_owned(),
        Some(rest) if rest.is_empty() || rest.starts_with(['/', std::path::MAIN_SEPARATOR]) => {
            let home = home.ok_or_else(|| format!("{text:?} needs a home folder: set HOME"))?;
            // A home of "/" must not become two slashes.
            format!("{}{rest}", home.trim_end_matches('/'))
        }
        Some(_) => return Err(format!("{text:?} is in the home of somebody else: write the path out")),
    };
    Ok(PathBuf::from(variables(&text, lookup)))
}

fn variables(text: &str, lookup: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some((name, length)) = variable(rest) else {
            filled.push('$');
            rest = &rest[1..];
            continue;
        };
        match lookup(name) {
            Some(value) => filled.push_str(&value),
            None => filled.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    filled + rest
}

/// The name that `text` begins with after its dollar, and how long it is as it is written.
fn variable(text: &str) -> Option<(&str, usize)> {
    let after = &text[1..];
    if let Some(braced) = after.strip_prefix('{') {
        let end = braced.find('}')?;
        return Some((&braced[..end], end + 3));
    }
    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
    (end > 0).then(|| (&after[..end], end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        let lookup = |name: &str| match name {
            "USER" => Some("ada".to_owned()),
            "DATA" => Some("/data".to_owned()),
            "AGAIN" => Some("$USER".to_owned()),
            "HOMELY" => Some("~/x".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        path(text, Some("/home/ada"), lookup).unwrap().into_os_string().into_string().unwrap()
    }

    /// What Python 3.11 gives for `os.path.expandvars(os.path.expanduser(text))`.
    #[test]
    fn paths_are_those_of_python() {
        for (text, wanted) in [
            ("/plain", "/plain"),
            ("~", "/home/ada"),
            ("~/hub", "/home/ada/hub"),
            ("/a/~/b", "/a/~/b"),
            ("$DATA/hub", "/data/hub"),
            ("${DATA}/hub", "/data/hub"),
            ("${DATA}hub$USER", "/datahubada"),
            ("/x/$USER-$USER.d", "/x/ada-ada.d"),
            ("$UNSET/hub", "$UNSET/hub"),
            ("${UNSET}/hub", "${UNSET}/hub"),
            ("/a/$", "/a/$"),
            ("/a/$/b", "/a/$/b"),
            ("/a/$$USER", "/a/$ada"),
            ("/a/${USER", "/a/${USER"),
            ("/a/${}", "/a/${}"),
            ("$AGAIN/b", "$USER/b"),
            ("$HOMELY/b", "~/x/b"),
            ("/a$EMPTY/b", "/a/b"),
            ("/$USERS/b", "/$USERS/b"),
            ("~/$USER", "/home/ada/ada"),
        ] {
            assert_eq!(filled(text), wanted, "{text}");
        }
    }

    #[test]
    fn homes_that_are_not_known_are_said() {
        let none = |_: &str| None;
        assert!(path("~bob/hub", Some("/home/ada"), none).unwrap_err().contains("~bob/hub"));
        assert!(path("~/hub", None, none).unwrap_err().contains("HOME"));
        assert_eq!(path("~/hub", Some("/"), none).unwrap(), PathBuf::from("/hub"));
    }
}
