//! What keeps a template's values small. The engine's fuel pays for instructions and for what is written, but not for all
//! that happens inside one: lists that are added to themselves, or hold themselves twice, double without a cost, and then
//! a single comparison, or a single `{{ }}`, goes on for ever. So a template is run as if each name that it gives to a
//! value (`set`, `for`, `with`, parameters) went through a function that counts what is in the value, and takes the fuel
//! for it. No name then stands for more than can be paid for.

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};

use super::tags::{Kind, Mark, Tag, bare, marks, tags};

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
        let is_set = marks(bare(tag)).next().is_some_and(|mark| mark.text == "set");
        match (kind, bare(tag)) {
            (Kind::Block, "generation") => out.push_str(&tag.replace("generation", "if true")),
            (Kind::Block, "endgeneration") => out.push_str(&tag.replace("endgeneration", "endif")),
            (Kind::Block, _) if is_set => out.push_str(&counted_set(tag)),
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
    let Some(Mark { at, .. }) = marks(tag).find(|mark| (mark.text, mark.depth) == ("=", 0)) else {
        return tag.to_owned();
    };
    let (target, value) = (&tag[..=at], &tag[at + 1..]);
    let expression = value.trim_end_matches(['-', '+']);
    format!("{target} {COUNTED}(({expression})) {}", &value[expression.len()..])
}

/// The names that a block gives to values inside it: those between `for` and `in`; those of `with` that have a `=` behind
/// them; those of `macro f(x, y=1)` and `call(x) f(y)` in the first parentheses, each behind `(` or a comma.
fn names(tag: &str) -> Vec<&str> {
    let mut marks = marks(tag).peekable();
    let word = marks.next().map_or("", |mark| mark.text);
    if !["for", "with", "macro", "call"].contains(&word) {
        return Vec::new();
    }
    let (mut names, mut before) = (Vec::new(), "");
    while let Some(Mark { text, depth, .. }) = marks.next() {
        let is_given = match word {
            "for" => text != "in",
            "with" => depth == 0 && marks.peek().is_some_and(|next| next.text == "="),
            _ => depth == 1 && ["(", ","].contains(&before),
        };
        if word == "for" && text == "in" || ["macro", "call"].contains(&word) && (text, depth) == (")", 1) {
            break;
        }
        if is_given && text.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            names.push(text);
        }
        before = text;
    }
    names
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
            ("{%set\nx=1%}", "{%set\nx= __counted((1)) %}"),
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
