//! What keeps a template's values small. The engine's fuel pays for instructions and for what is written, but not for all
//! that happens inside one: lists that are added to themselves, or hold themselves twice, double without a cost, and then
//! a single comparison, or a single `{{ }}`, goes on for ever. So a template is run as if each name that it gives to a
//! value (`set`, `for`, `with`, parameters) went through a function that counts what is in the value, and takes the fuel
//! for it. No name then stands for more than can be paid for.

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};

use super::tags::{Kind, Tag, bare, tags};

/// What the function is called: no template's own name.
pub const COUNTED: &str = "__counted";

/// The same value, once the fuel for all that is in it is taken.
///
/// # Errors
/// If there is not enough.
pub fn counted(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    count(state, &value)?;
    Ok(value)
}

/// Takes fuel for all that is in a value, as often as it is in there.
///
/// # Errors
/// If there is not enough.
pub fn count(state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    let mut waiting = vec![value.clone()];
    while let Some(value) = waiting.pop() {
        let is_map = value.kind() == ValueKind::Map;
        let is_list = matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable);
        // What can't be gone through holds nothing that could be.
        let Some(items) = (is_map || is_list).then(|| value.try_iter().ok()).flatten() else { continue };
        for item in items {
            state.consume_fuel(1)?;
            if is_map {
                waiting.extend(value.get_item(&item).ok());
            }
            waiting.push(item);
        }
    }
    Ok(())
}

/// The template as it is run: each name that is given to a value goes through [`counted`]. The marks of what a model is
/// trained on are left out: their inside is a block that always counts.
pub fn counting(source: &str) -> String {
    let mut out = String::with_capacity(source.len() * 2);
    let mut from = 0;
    for Tag { kind, inside, end } in tags(source) {
        out.push_str(&source[from..inside.start]);
        let (tag, close) = (&source[inside.clone()], &source[inside.end..end]);
        let names = if kind == Kind::Block { names(bare(tag)) } else { Vec::new() };
        match (kind, bare(tag)) {
            (Kind::Block, "generation") => out.push_str(&tag.replace("generation", "if true")),
            (Kind::Block, "endgeneration") => out.push_str(&tag.replace("endgeneration", "endif")),
            (Kind::Block, set) if set.starts_with("set ") => out.push_str(&counted_set(tag)),
            _ => out.push_str(tag),
        }
        out.push_str(close);
        // Behind the tag, whose sign for blanks is the last one's.
        let sign = tag.chars().next_back().filter(|sign| ['-', '+'].contains(sign)).map(String::from);
        for name in names {
            out.push_str(&format!("{{% set {name} = {COUNTED}({name}) {}%}}", sign.as_deref().unwrap_or("")));
        }
        from = end;
    }
    out + &source[from..]
}

/// `set x = ..`, its value counted; `set x`, which is a block of text, as it is.
fn counted_set(tag: &str) -> String {
    let Some((at, _)) = marks(tag).find(|(at, mark)| *mark == "=" && depth(tag, *at) == 0) else {
        return tag.to_owned();
    };
    let (target, value) = (&tag[..=at], &tag[at + 1..]);
    let expression = value.trim_end_matches(['-', '+']);
    format!("{target} {COUNTED}(({expression})) {}", &value[expression.len()..])
}

/// The names that a block gives to values inside it.
fn names(tag: &str) -> Vec<&str> {
    let (word, rest) = tag.split_once(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or((tag, ""));
    let is_before = |at: usize, mark: &str| {
        let next = marks(rest).find(|(next, _)| *next > at);
        next.is_some_and(|(_, next)| next == mark)
    };
    let all = marks(rest).filter(|(_, mark)| mark.starts_with(|c: char| c.is_alphabetic() || c == '_'));
    match word {
        "for" => all.map(|(_, name)| name).take_while(|name| *name != "in").collect(),
        "with" => {
            all.filter(|(at, _)| depth(rest, *at) == 0 && is_before(*at, "=")).map(|(_, name)| name).collect()
        }
        // Of `macro f(x, y=1)` and `call(x) f(y)` those in the first parentheses, each behind `(` or a comma.
        "macro" | "call" => {
            let opened = tag.find('(').map_or(tag.len(), |at| at + 1);
            let mut before = "(";
            let mut names = Vec::new();
            for (at, mark) in marks(&tag[opened..]) {
                match depth(&tag[opened..], at) {
                    0 if mark == ")" => break,
                    0 if before == "(" || before == "," => names.push(mark),
                    _ => {}
                }
                before = mark;
            }
            names.retain(|name| name.starts_with(|c: char| c.is_alphabetic() || c == '_'));
            names
        }
        _ => Vec::new(),
    }
}

/// Names, numbers and signs of an expression, where they begin; texts in quotes are one sign.
fn marks(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        from += text[from..].len() - text[from..].trim_start().len();
        let rest = &text[from..];
        let first = rest.chars().next()?;
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let length = match first {
            first if is_name(first) => rest.find(|c: char| !is_name(c)).unwrap_or(rest.len()),
            '"' | '\'' => quoted(rest, first),
            '=' | '!' | '<' | '>' if rest[1..].starts_with('=') => 2,
            first => first.len_utf8(),
        };
        let at = from;
        from += length;
        Some((at, &rest[..length]))
    })
}

/// Bytes of a text that begins with its quote.
fn quoted(text: &str, quote: char) -> usize {
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            character if character == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// How many parentheses are open at a byte.
fn depth(text: &str, at: usize) -> i32 {
    let before = marks(text).take_while(|(mark, _)| *mark < at);
    before
        .map(|(_, mark)| match mark {
            "(" | "[" | "{" => 1,
            ")" | "]" | "}" => -1,
            _ => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_counted_where_it_is_given() {
        for (source, expected) in [
            ("{%- set x = y == 1 -%}", "{%- set x = __counted(( y == 1 )) -%}"),
            ("{% set ns.x = f(a=1) %}", "{% set ns.x = __counted(( f(a=1) )) %}"),
            ("{% set a, b = 1, 2 %}", "{% set a, b = __counted(( 1, 2 )) %}"),
            ("{% set x %}a = b{% endset %}", "{% set x %}a = b{% endset %}"),
            ("{% for x in y -%} ", "{% for x in y -%}{% set x = __counted(x) -%} "),
            (
                "{% for k, v in d.items() %}",
                "{% for k, v in d.items() %}{% set k = __counted(k) %}{% set v = __counted(v) %}",
            ),
            (
                "{% macro f(x, y=[x, 1]) +%}",
                "{% macro f(x, y=[x, 1]) +%}{% set x = __counted(x) +%}{% set y = __counted(y) +%}",
            ),
            ("{% call(x) f(y) %}", "{% call(x) f(y) %}{% set x = __counted(x) %}"),
            ("{% call f(y) %}", "{% call f(y) %}{% set y = __counted(y) %}"),
            ("{% with a = b == 1 %}", "{% with a = b == 1 %}{% set a = __counted(a) %}"),
            ("{% if x = 1 %}{{ set x = 1 }}{# set x = 1 #}", "{% if x = 1 %}{{ set x = 1 }}{# set x = 1 #}"),
            ("{% raw %}{% set x = 1 %}{% endraw %}", "{% raw %}{% set x = 1 %}{% endraw %}"),
            ("{%- generation -%}a{% endgeneration %}", "{%- if true -%}a{% endif %}"),
            ("{% set x = '=' ~ \"%}\" %}", "{% set x = __counted(( '=' ~ \"%}\" )) %}"),
        ] {
            assert_eq!(counting(source), expected);
        }
    }
}
