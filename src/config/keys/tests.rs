//! The table, and how it is changed.

use super::*;

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

fn from_toml(text: &str) -> Result<Keys, String> {
    toml::from_str::<Keys>(text).map_err(|error| error.to_string())
}

#[test]
fn the_table_is_in_the_order_of_the_enum_and_its_keys_are_keys() {
    for (at, row) in TABLE.iter().enumerate() {
        assert_eq!(row.command as usize, at, "{}", row.name);
        assert!(row.keys.iter().all(|text| text.parse::<Key>().is_ok()), "{}", row.name);
    }
    let all: usize = TABLE.iter().map(|row| row.keys.len()).sum();
    assert_eq!(Keys::default().bindings.len(), all, "a default key is bound twice");
}

#[test]
fn an_empty_table_changes_nothing() {
    assert_eq!(from_toml(""), Ok(Keys::default()));
}

#[test]
fn a_listed_action_gets_exactly_its_keys() {
    let keys = from_toml(r#"next-layer = ["n", "m"]"#).unwrap();
    assert_eq!(keys.command(key("n")), Some(Command::NextLayer));
    assert_eq!(keys.command(key("]")), None);
    assert_eq!(keys.command(key("m")), Some(Command::NextLayer), "taken from mean's defaults");
    assert_eq!(keys.hint(Command::NextLayer), "n");
    assert_eq!(keys.hint(Command::Mean), "");
}

#[test]
fn mistakes_are_named() {
    let error = |text: &str| from_toml(text).unwrap_err();
    assert!(error(r#"next = ["n"]"#).contains("no action 'next'"));
    assert!(error(r#"mean = ["hyper-x"]"#).contains("mean: 'hyper-x' is no key"));
    assert!(error("mean = [\"x\"]\nopen = [\"x\"]").contains("'x' to both mean and open"));
    assert!(error("quit = []").contains("at least one key"));
}
